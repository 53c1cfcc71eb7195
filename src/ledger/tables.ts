/**
 * Tables: what a write reads and changes, whatever keeps the rows. The rules of the ledger (reserving, transitions,
 * resuming, refusals, recovery) are written once, against these, and each adapter brings its own. All methods are
 * synchronous: an adapter has what they read at hand, under locks, before a write begins, and makes the changes durable
 * together after it.
 */
import type { ChainHead, Linked } from '../audit/chain.ts'
import type { ReceiptKind } from '../audit/receipt.ts'
import type { Code } from '../errors.ts'
import type { Authorization, Settlement } from '../rails/rail.ts'
import type { Delivery } from '../session/exchange.ts'
import type { FrequencyBound, History } from '../session/history.ts'
import type { Session } from '../session/session.ts'
import type { AdminKey, Halt } from './administration.ts'
import type { ChannelRecord } from './channel-account.ts'
import type { VoucherRecord } from './channel-row.ts'
import type { ChannelKey } from './channels.ts'
import type { Correction, Dispute, Evidence, Refund } from './findings.ts'
import type { Attempt, Change, NewSession, Payment, PurchaseIdentity, ReserveRequest, Terms, VoidProof } from './ledger.ts'
import type { Charges, Facts, PaymentRecord } from './payment-row.ts'
import type { Holder, Purchase } from './purchase-row.ts'
import type { Parties } from './series.ts'

/** Proof that a transaction is open. Whatever writes asks for one, and only the adapter hands it out. */
export interface Transaction {
  /** Milliseconds since 1970, the same for the whole write. */
  readonly now: number
  /** The run that writes, where it is not the one that owns the ledger's connection: a worker's. */
  readonly run?: string | undefined
  /** Runs once the write is durable; never if it is not. */
  afterCommit(effect: () => void): void
}

/** The session that pays, then its parent, and so on to the root. */
export type Lineage = readonly [Session, ...Session[]]

export interface SessionTable {
  find(id: string): Session | undefined
  findByName(name: string): Session | undefined
  /** @throws PurserError `not_found`. */
  get(id: string): Session
  /** @throws PurserError `not_found`. */
  lineage(id: string): Lineage
  /** The ids of the session and all below it. */
  family(id: string): readonly string[]
  insert(tx: Transaction, session: NewSession): void
  /** Sets the cap (millionths), the end (milliseconds since 1970) and how many refills the cap has had. */
  adjust(tx: Transaction, id: string, terms: Pick<Session, 'cap' | 'expiresAt' | 'refills'>): void
  /** A revoked session stays revoked. */
  end(tx: Transaction, id: string, status: 'closed' | 'revoked'): void
  /** Sets `amount` aside in each session of the lineage, and counts the payment. */
  hold(tx: Transaction, lineage: Lineage, amount: bigint): void
  /** Held becomes spent. */
  spend(tx: Transaction, lineage: Lineage, amount: bigint): void
  /** Held is free again, and the payment does not count. */
  free(tx: Transaction, lineage: Lineage, amount: bigint): void
  /** Spent on a server's word, or by running out, and now shown never to have moved: free again, and it does not count. */
  unspend(tx: Transaction, lineage: Lineage, amount: bigint): void
  /** The highest threshold (percent of the cap, spent and held) that was announced; 0 for none. */
  announced(id: string): number
  announce(tx: Transaction, id: string, percent: number): void
}

export type KeyedOperation = 'open' | 'topup'

/** Idempotency keys of the admin door: the same key with the same request does its work once. */
export interface AdminKeyTable {
  /**
   * The session that this key has already worked on, or undefined.
   * @throws PurserError `conflict` where the key was used for another request.
   */
  used(operation: KeyedOperation, key: AdminKey | undefined): string | undefined
  claim(tx: Transaction, operation: KeyedOperation, use: { readonly key: AdminKey | undefined; readonly sessionId: string }): void
}

/** Why it can never have moved. */
export interface VoidGrounds extends Pick<VoidProof, 'reason'> {
  readonly code: VoidProof['code'] | null
  readonly evidence: Exclude<Evidence, 'claimed'> | null
  readonly block: bigint | null
}

export interface UnknownGrounds {
  readonly reason: string
  /** The server had its say, or none: it was not our own end that left it open. */
  readonly denied: boolean
}

export interface Confirmation {
  readonly evidence: Exclude<Evidence, 'claimed'>
  readonly transaction: string | null
  readonly block: bigint | null
  readonly reason: string
  /** What the payment came to, where that is less than its terms said. */
  readonly taken?: Pick<Terms, 'amountAtomic' | 'amount'>
}

export interface PaymentTable {
  reserve(tx: Transaction, request: ReserveRequest, charges: Charges): void
  deny(tx: Transaction, attempt: Attempt, denial: { readonly id: string; readonly code: Code }): void
  /** One more identical refusal. */
  countAgain(tx: Transaction, id: string): void
  /** reserved → signed by compare-and-set on state and run; undefined where that does not hold any more. */
  sign(tx: Transaction, id: string, authorization: Authorization): PaymentRecord | undefined
  /** signed → sent, and what to tell of it; any other state stays (undefined), and the first time is kept. */
  markSent(tx: Transaction, id: string): Facts | undefined
  /** signed or sent → settled on a server's word, by compare-and-set; undefined where it is neither. Else as `settle`. */
  settleFresh(tx: Transaction, id: string, settlement: Settlement): PaymentRecord | undefined
  /** → settled on a server's word, due to be looked into from now on. */
  settle(tx: Transaction, id: string, settlement: Settlement): PaymentRecord
  /** Better evidence for what is settled already. */
  amendSettlement(tx: Transaction, id: string, settlement: Settlement): PaymentRecord
  /** Ends its purchase too, forgets the authorization, and nobody looks into it any more. */
  void(tx: Transaction, id: string, grounds: VoidGrounds): PaymentRecord
  /** → unknown, due to be looked into from now on. */
  leaveUnknown(tx: Transaction, id: string, why: UnknownGrounds): PaymentRecord
  /** → settled on better evidence than a server's word; nobody looks into it any more. */
  confirm(tx: Transaction, id: string, proof: Confirmation): PaymentRecord
  /** → expired: its window closed without proof. Still due to be looked into. */
  expire(tx: Transaction, id: string, reason: string): PaymentRecord
  /** Sets or lifts what is held against the recipient. */
  dispute(tx: Transaction, id: string, dispute: Dispute | null): PaymentRecord
  /** Another payment takes its place, and its purchase goes on with that one. */
  replace(tx: Transaction, id: string, by: string): void
  /** Nothing stands in its place any more: its purchase is open again, and nobody works on it. */
  restore(tx: Transaction, id: string): void
  /** Adds to what came back, in millionths. */
  refund(tx: Transaction, id: string, amount: bigint): PaymentRecord
  /** Nobody looks into it before then (milliseconds since 1970), and no run has claimed it. */
  putOff(tx: Transaction, id: string, until: number): void
  /** Not delivered after all: its purchase is open again, and nobody works on it. */
  reopen(tx: Transaction, id: string): PaymentRecord
  /**
   * By compare-and-set: undefined where it is delivered already, was never signed, or is void. `delivered` ends an unkeyed
   * purchase; a keyed one stays to be joined, and nobody works on it any more.
   */
  deliverOnce(tx: Transaction, id: string, answer: { readonly delivery: Delivery; readonly delivered: boolean }): PaymentRecord | undefined
  find(id: string): PaymentRecord | undefined
  /** Whether a payment has, or had, this nonce as its own. */
  hasNonce(nonce: string): boolean
  /** @throws Error where there is none: whoever asks holds a reservation. */
  get(id: string): PaymentRecord
  /** Ids of the reserved payments of a session: those that were never signed. */
  unsigned(sessionId: string): readonly string[]
  /** True where it is settled, not delivered, and nothing is held against its recipient yet. */
  owed(id: string): boolean
}

export interface PurchaseTable {
  /** The purchase of this payment is this run's now, and its requester waits. */
  claim(tx: Transaction, paymentId: string): void
  hold(tx: Transaction, paymentId: string, holder: Holder): void
  /** Who works on the purchase of this payment now: nobody, where its holder's run has ended or its lease is over. */
  holder(tx: Transaction, paymentId: string): Holder
  /** The id of an open purchase that this request would repeat and that another living run works on, or signed and let go. */
  elsewhere(tx: Transaction, identity: PurchaseIdentity): string | undefined
  /** The purchases that this request would repeat, oldest first; those whose time is over are ended here. */
  open(tx: Transaction, identity: PurchaseIdentity): Purchase[]
}

export interface Bucket {
  readonly sessionId: string
  /** Dimension and name, e.g. `tool:web_search`. */
  readonly bucket: string
}

/** What a session has spent or holds in each bucket of its limits, in millionths. */
export interface SpendingTable {
  used(bucket: Bucket): bigint
  add(tx: Transaction, bucket: Bucket, amount: bigint): void
  takeBack(tx: Transaction, bucket: Bucket, amount: bigint): void
}

/** Something that counts for a while, in the series of an agent and tier or of a session. */
export interface Charge {
  readonly series: string
  /** 1 where payments are counted, else millionths. */
  readonly amount: bigint
}

/** Where a charge stands, for taking it back. */
export interface Entry {
  readonly series: string
  readonly ordinal: number
}

/** Entries later than `after` (milliseconds since 1970). */
export interface Window {
  readonly series: string
  readonly after: number
}

export interface RollingTable {
  add(tx: Transaction, charge: Charge): Entry
  /** As if the charge had never been. */
  takeBack(tx: Transaction, entry: Entry): void
  sum(window: Window): bigint
  /** When the oldest entry of the window was added, or undefined where the window is empty. */
  oldest(window: Window): number | undefined
  /** When the entry was added with which `amount` will have left the window, or undefined where it holds less. */
  leaves(window: Window, amount: bigint): number | undefined
}

/** What is remembered of an agent's dealings: whom it paid and got served by, who is pinned. */
export interface MemoryTable {
  /** Payments reserved in this tier within its span that the bound counts together with one of these parties, voided ones left out. */
  frequency(parties: Parties, bound: FrequencyBound, now: number): History['frequency'][string]
  pinned(origin: string, network: string): string | undefined
  /** Pins the recipient, or counts one more payment on the pin that is there; another recipient's pin stays as it is. */
  pin(tx: Transaction, payment: Pick<Payment, 'origin'> & { readonly terms: NonNullable<Payment['terms']> }): void
  /** A payment that was voided never happened: a pin that rests on no other goes with it. */
  unpin(tx: Transaction, payment: Pick<Payment, 'origin' | 'terms'>): void
  /** Remembers a dealing: a payment that is settled and delivered. */
  remember(tx: Transaction, record: PaymentRecord): void
  /** It was no dealing after all; what rests on a later payment stays. */
  forget(tx: Transaction, record: PaymentRecord): void
}

export interface ReceiptTable {
  head(sessionId: string): ChainHead
  /** An id for the next entry, unique for ever. */
  nextId(): string
  /** Appends the entry, whose text is what was hashed, and moves the head of its session. */
  insert(tx: Transaction, entry: Linked & { readonly kind: ReceiptKind }): void
}

/** A run of identical refusals. */
export interface RefusalRun {
  readonly sessionId: string
  readonly digest: string
  readonly paymentId: string
  /** Milliseconds since 1970. */
  readonly beganAt: number
  readonly count: number
  /** The count that the chain has. */
  readonly recorded: number
}

export interface RefusalRunTable {
  find(sessionId: string, digest: string): RefusalRun | undefined
  /** Writes the run, new or changed. */
  put(tx: Transaction, run: RefusalRun): void
}

/** Money that came back, each once. */
export interface RefundTable {
  find(source: string): Pick<Refund, 'paymentId' | 'amountAtomic'> | undefined
  insert(tx: Transaction, refund: Refund): void
  /** Atomic units that came back for this payment in all. */
  total(paymentId: string): bigint
}

/** Corrections of a payment that one person has proposed and nobody has confirmed yet. */
export interface CorrectionTable {
  find(paymentId: string): Correction | undefined
  put(tx: Transaction, correction: Correction): void
  remove(tx: Transaction, paymentId: string): void
}

export interface HaltTable {
  /** Oldest first. */
  all(): readonly Halt[]
}

/** What all processes on this ledger are told once the write is durable. */
export interface ChangeTable {
  add(tx: Transaction, change: Change): void
}

/** The policy that all processes on this ledger decide by (rule R8). */
export interface PolicyTable {
  /** The version that was announced last, or undefined where none was. */
  inForce(): string | undefined
}

/** Channels of payment, and what was signed for the payments through them. */
export interface ChannelTable {
  find(id: string): ChannelRecord | undefined
  /** The one that is not closed. */
  current(key: ChannelKey): ChannelRecord | undefined
  saltUsed(salt: string): boolean
  insert(tx: Transaction, record: ChannelRecord): void
  /** What can change of it. */
  change(tx: Transaction, record: ChannelRecord): void
  /** In place of what was signed before for this payment. */
  putVoucher(tx: Transaction, voucher: VoucherRecord): void
  /** Ids of the payments that brought something into it, or would have, in no order. */
  deposits(channelId: string): readonly string[]
  /** False for a run that has ended. */
  alive(tx: Transaction, run: string): boolean
}

/** All that a write may touch. */
export interface Tables {
  readonly sessions: SessionTable
  readonly adminKeys: AdminKeyTable
  readonly payments: PaymentTable
  readonly purchases: PurchaseTable
  readonly spending: SpendingTable
  readonly rolling: RollingTable
  readonly memory: MemoryTable
  readonly receipts: ReceiptTable
  readonly refusalRuns: RefusalRunTable
  readonly refunds: RefundTable
  readonly corrections: CorrectionTable
  readonly halts: HaltTable
  readonly policy: PolicyTable
  readonly changes: ChangeTable
  readonly channels: ChannelTable
}
