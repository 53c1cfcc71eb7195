/**
 * Channels of payment as the ledger keeps them. A deposit is a payment of its whole amount, which its session and all
 * above it spend; a voucher is a payment that its limits count and no budget, because the deposit has been spent already.
 * What this port adds is the account of each channel: what was deposited, vouched for and charged, and who may vouch now.
 *
 * Amounts are atomic units of the channel's token, counted from its opening; charged ≤ signed, both only grow, and what is
 * signed is deposited, or being deposited by the same request. Times are in milliseconds since 1970.
 */
import type { Page, PageRequest } from './ledger.ts'

/**
 * `opening`: the first deposit is under way, or its outcome unknown. `open`: vouchers may be signed. `closing`: nothing is
 * vouched for any more, and what is left is being claimed back. `closed`: nothing is left to come back.
 */
export type ChannelState = 'opening' | 'open' | 'closing' | 'closed'

/** What tells the channels of a session apart: one at most is not closed. Addresses are checksummed. */
export interface ChannelKey {
  readonly sessionId: string
  /** CAIP-2. */
  readonly network: string
  /** The token's address. */
  readonly asset: string
  readonly receiver: string
  readonly receiverAuthorizer: string
  readonly withdrawDelay_s: number
}

export interface NewChannel extends ChannelKey {
  /** The escrow's own id, 32 bytes in hex. Unique for ever, and so is the salt with it. */
  readonly id: string
  readonly payer: string
  /** 32 bytes in hex. */
  readonly salt: string
  /** Where the receiver is asked to give back what is left: the canonical URL of the request that opened it. */
  readonly url: string
  /** The offer that opened it, as its server wrote it: what a refund is asked with. */
  readonly offer: string
  readonly decimals: number
  readonly currency: string
}

/** A voucher that is on its way, or whose fate nobody has told yet. */
export interface PendingVoucher {
  readonly paymentId: string
  readonly cumulative: bigint
  /** What the account had charged when it was signed. */
  readonly base: bigint
  /** What comes into the channel together with it; null where nothing does. */
  readonly deposit: bigint | null
}

/** What a reservation of the limits counts where it is not the whole amount: of a deposit only the request that brings it. */
export interface Counting {
  /** Millionths. */
  readonly counts?: bigint
}

export interface Channel extends NewChannel {
  readonly state: ChannelState
  readonly deposited: bigint
  readonly signed: bigint
  readonly charged: bigint
  /** What came back when it was closed. */
  readonly returned: bigint
  readonly pending: PendingVoucher | null
  /** The receiver was asked for what is left, and did not give it back. */
  readonly refused: boolean
  /** The last transaction of ours at its closing, or the receiver's that gave the rest back. */
  readonly transaction: string | null
  readonly openedAt: number
  readonly closedAt: number | null
  /** Moves on with every change: who changes it says which one they saw. */
  readonly version: number
}

/** What the next request through a channel is paid with. */
export interface Vouching {
  /** As it was read. */
  readonly version: number
  /** Of the payment that is reserved for it: its deposit, or its voucher. */
  readonly paymentId: string
  readonly cumulative: bigint
  /** What the same request deposits. */
  readonly deposit?: bigint
}

/** What became known of a channel's account. Absent: it stays as it is. */
export interface ChannelNews {
  readonly state?: 'open' | 'closing'
  readonly deposited?: bigint
  /** Never less than before. */
  readonly signed?: bigint
  readonly charged?: bigint
  readonly refused?: true
  readonly transaction?: string
  /** The pending voucher of this payment is over: charged, refused, or never signed. */
  readonly over?: string
}

/** Nothing is left in the escrow that could come back. */
export interface ChannelEnd {
  readonly version: number
  /** Atomic units that came back to the payer: all deposits less what the receiver has, or may still claim by vouchers. */
  readonly returned: bigint
  readonly transaction: string | null
  /** The final block that showed it. */
  readonly block: bigint
}

export interface ChannelFilter {
  readonly session?: string
  readonly state?: ChannelState
}

export interface ChannelStore {
  channel(id: string): Promise<Channel | undefined>
  /** The one that is not closed. */
  current(key: ChannelKey): Promise<Channel | undefined>
  /** Newest first. */
  channels(filter: ChannelFilter, page: PageRequest): Promise<Page<Channel>>
  /**
   * In state `opening`, with nothing in it; durable when this resolves. Given back as it is where it is there already.
   * @throws PurserError `conflict` where another one with this key is not closed, or the salt was used before; a session's
   * own code where it has ended.
   */
  open(channel: NewChannel): Promise<Channel>
  /**
   * Writes down what is about to be signed, durable when this resolves: `signed` becomes the most of both, and the voucher
   * is pending, held by this run. A pending deposit whose payment may still be taken is not displaced (undefined).
   * @returns undefined where the channel has changed since it was read, is neither opening (with its first deposit) nor
   * open, or another run that lives holds its pending voucher. A pending one of a run that ended, or of this run, is taken over.
   * @throws RangeError where the sum is beyond what was deposited or is just being deposited by this payment.
   */
  vouch(id: string, vouching: Vouching): Promise<Channel | undefined>
  /** Which channel a payment went through, and with what sum. */
  voucher(paymentId: string): Promise<{ readonly channelId: string; readonly cumulative: bigint; readonly base: bigint } | undefined>
  /**
   * Applies what became known; durable when this resolves.
   * @returns undefined where the channel has changed since.
   * @throws RangeError where the account would not add up.
   */
  tell(id: string, version: number, news: ChannelNews): Promise<Channel | undefined>
  /**
   * Channels to look into now, and nobody else's for `CHANNEL_LEASE_MS`: those closing, those opening or open whose session
   * has ended (they become closing by it), longest waiting first.
   */
  claimClosing(limit: number): Promise<readonly Channel[]>
  /** Nobody looks into it before then. */
  putOff(id: string, until: number): Promise<void>
  /**
   * closing → closed. What came back frees the budgets of its session and of all above it, is counted as refunded on its
   * deposits (the last one first), and each of them gets an amendment that says deposited, charged and returned.
   * @returns undefined where it has changed since.
   * @throws RangeError where more came back than was deposited.
   */
  close(id: string, end: ChannelEnd): Promise<Channel | undefined>
}
