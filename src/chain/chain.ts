/**
 * The chain's port: what can be known about an authorization and about time by asking a network. HTTP never proves that
 * money did not move; a final block can. Nothing here is trusted for amounts: an answer says whether the transfer that
 * was signed happened, by its own events, and the ledger knows what was signed.
 *
 * final: so deep below the head that the network does not take it back; how deep is configured per network, in blocks.
 */

import type { ChannelConfig } from '../channel-digest.ts'
import type { Withdrawal, WithdrawalTransaction } from '../withdrawal.ts'

/** An authorization to look for: by EIP-3009 or by Permit2, on Solana by what `authorized` says. Amounts in atomic units, times in seconds since 1970. */
export interface SignedTransfer {
  /** CAIP-2. */
  readonly network: string
  readonly token: string
  readonly payer: string
  readonly payTo: string
  readonly nonce: string
  readonly amountAtomic: bigint
  /** Set for a permit: whether it takes the very amount, or anything up to it. */
  readonly permit?: 'exact' | 'upto'
  readonly validBefore_s: number
  /** When it was signed: nothing can have happened much before. */
  readonly signedAt_s: number
  /** Solana only: src/solana-proof.ts. */
  readonly authorized?: string
}

/** What the chain shows about it, from final blocks only. */
export type ChainFinding =
  /**
   * Used for this payer and nonce, with the Transfer that was signed. `amountAtomic`: what was taken, where it could be less
   * than was signed; never less than was taken indeed.
   */
  | {
      readonly kind: 'settled'
      readonly transaction: string
      readonly block: bigint
      readonly time_s: number
      readonly amountAtomic?: bigint
    }
  /** The nonce was used, but not for the transfer that was signed: somebody has to look at it. */
  | { readonly kind: 'used_otherwise'; readonly transaction: string; readonly block: bigint; readonly reason: string }
  | { readonly kind: 'cancelled'; readonly transaction: string; readonly block: bigint }
  /** Unused in a final block whose time is at or after its end: it can never be used any more. */
  | { readonly kind: 'dead'; readonly block: bigint; readonly time_s: number }
  /** Nothing certain yet; `reason` says what is waited for. */
  | { readonly kind: 'open'; readonly reason: string; readonly seen?: { readonly transaction: string; readonly block: bigint } }
  /** The network could not be asked, or two of its servers disagree: nothing is concluded from it. */
  | { readonly kind: 'unavailable'; readonly reason: string }

/** A transfer of a token to one of our wallets, in a final block. Addresses checksummed. */
export interface Incoming {
  readonly network: string
  readonly token: string
  readonly from: string
  readonly to: string
  readonly amountAtomic: bigint
  readonly transaction: string
  readonly logIndex: number
  readonly block: bigint
}

export interface ChainTime {
  /** Seconds since 1970, of the newest block. */
  readonly time_s: number
  readonly block: bigint
}

export interface Chain {
  /** Networks that can be asked (CAIP-2): those with an RPC. */
  readonly networks: readonly string[]
  find(transfer: SignedTransfer): Promise<ChainFinding>
  /** @throws Error where the network cannot be asked. */
  time(network: string): Promise<ChainTime>
  /**
   * Transfers of these tokens to the wallet in final blocks after `after` (or, where undefined, from now on), and the
   * last block that was looked at, which may be far behind the head: call again from there.
   * @throws Error where the network cannot be asked.
   */
  incoming(query: {
    readonly network: string
    readonly tokens: readonly string[]
    readonly wallet: string
    readonly after: bigint | undefined
  }): Promise<{ readonly transfers: readonly Incoming[]; readonly upTo: bigint }>
  /** Solana only: the block that a transaction is bound to. @throws Error where the network cannot be asked. */
  recentBlock?(network: string): Promise<{ readonly blockhash: string; readonly lastValidBlockHeight: bigint; readonly slot: bigint }>
  /** The wallet's balance of a token, atomic units; for people, never for decisions about the past. */
  balance(query: { readonly network: string; readonly token: string; readonly wallet: string }): Promise<bigint>
  /** What the token lets Permit2 take from the wallet, atomic units. @throws Error where the network cannot be asked. */
  allowance(query: { readonly network: string; readonly token: string; readonly wallet: string }): Promise<bigint>
  /** EVM only: how many permits (EIP-2612) of the wallet the token has taken. @throws Error where it has none, or the network cannot be asked. */
  allowanceNonce?(query: { readonly network: string; readonly token: string; readonly wallet: string }): Promise<bigint>
}

/** A nonce of one of our wallets that was used on the chain. The token checksummed, the nonce in lower case. */
export interface NonceUse {
  readonly token: string
  readonly nonce: string
  readonly transaction: string
  readonly block: bigint
  /** What it moved and to whom, checksummed; both null where the token's events do not tell. */
  readonly payTo: string | null
  readonly amountAtomic: bigint | null
}

/** Money that left one of our wallets in a transaction which authorizations do not explain. Addresses checksummed. */
export interface Outgoing {
  readonly token: string
  readonly transaction: string
  readonly block: bigint
  readonly payTo: string
  readonly amountAtomic: bigint
}

/** What the ledger knows. */
export interface Recorded {
  /** Whether a payment of it has this nonce (lower case) and may have been settled. */
  isKnown(nonce: string): boolean
  /** How many of its payments were settled by this transaction. */
  settledBy(transaction: string): number
}

export interface PermitUses {
  readonly uses: readonly NonceUse[]
  /** What could not be told, each as a sentence. */
  readonly unread: readonly string[]
}

/** What final blocks tell about all that our wallets ever signed, whoever remembers it. Every method @throws Error where the network cannot be asked. */
export interface ChainHistory {
  /** The newest final block. */
  final(network: string): Promise<ChainTime>
  /** A block that is older than this moment (seconds since 1970) and not far from it, or the first one. */
  blockBefore(network: string, time_s: number): Promise<bigint>
  /** `AuthorizationUsed` of these tokens by the wallet in these blocks (both inclusive), with the times of both blocks. */
  uses(query: {
    readonly network: string
    readonly tokens: readonly string[]
    readonly wallet: string
    readonly from: bigint
    readonly to: bigint
  }): Promise<{
    readonly uses: readonly NonceUse[]
    /** What left the wallet otherwise, where that is told. */
    readonly outgoing?: readonly Outgoing[]
    readonly from_s: number
    readonly to_s: number
  }>
  /** Permits by which this left the wallet, and which the ledger does not know. `final`: a final block, no older. Absent: nobody can tell. */
  permits?(
    query: { readonly network: string; readonly wallet: string; readonly outgoing: readonly Outgoing[]; readonly final: bigint } & Recorded,
  ): Promise<PermitUses>
}

/** A signed EIP-3009 `CancelAuthorization`, ready for whoever has gas. */
export interface Cancellation {
  readonly network: string
  readonly token: string
  readonly authorizer: string
  readonly nonce: string
  readonly signature: string
}

/** Submits a cancellation with the operator's gas wallet. */
export interface GasWallet {
  readonly address: string
  /** The transaction's hash. @throws Error where the network refuses it or cannot be asked. */
  cancel(cancellation: Cancellation): Promise<string>
}

/** What the escrow of payment channels shows of one, as of a final block. Atomic units, times in seconds since 1970. */
export interface EscrowSighting {
  /** All that was deposited, less what went back to the payer. */
  readonly balance: bigint
  /** What the receiver has claimed of it; never more. */
  readonly claimed: bigint
  /** One that the payer has begun. */
  readonly withdrawal: { readonly amount: bigint; readonly initiatedAt_s: number } | undefined
  readonly block: bigint
  readonly time_s: number
}

export interface PayersWithdrawal {
  /** CAIP-2. */
  readonly network: string
  readonly withdrawal: Withdrawal
  /** By the payer's key. */
  readonly sign: (transaction: WithdrawalTransaction) => Promise<`0x${string}`>
  /** Called with the transaction's hash before it leaves; where it rejects, nothing was sent. */
  readonly noted: (transaction: string) => Promise<void>
}

export type TransactionFate =
  | { readonly kind: 'succeeded' | 'failed'; readonly block: bigint }
  /** In no block yet. */
  | { readonly kind: 'waiting' }
  /** The network does not know it; it may be sent again. */
  | { readonly kind: 'gone' }

/** The payer's side of the escrow. Every method @throws Error (RpcError) where the network cannot be asked. */
export interface Escrows {
  /** Networks that can be asked (CAIP-2). */
  readonly networks: readonly string[]
  state(query: { readonly network: string; readonly channel: ChannelConfig }): Promise<EscrowSighting>
  /** The transaction's hash, once the network has taken it. @throws Error where the escrow would refuse it or the payer has too little for gas. */
  withdraw(wanted: PayersWithdrawal): Promise<string>
  fate(network: string, transaction: string): Promise<TransactionFate>
}
