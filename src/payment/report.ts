/** What looking into payments came to, for operators. Amounts in millionths unless they are atomic, times in milliseconds since 1970. */
import type { Incoming, NonceUse } from '../chain/chain.ts'
import type { Dispute } from '../ledger/findings.ts'
import type { Payment, PaymentState } from '../ledger/ledger.ts'

/** A payment whose outcome became certain now. */
export interface Resolved {
  readonly paymentId: string
  /** `used_otherwise`: its nonce was used, but not for the transfer that was signed; it counts as spent. */
  readonly outcome: 'settled' | 'confirmed' | 'void' | 'expired' | 'used_otherwise'
  readonly network: string
  readonly host: string
  readonly payTo: string
  readonly amount: bigint
  readonly currency: string
  readonly transaction: string | null
  readonly reason: string
}

export interface StillOpen {
  readonly paymentId: string
  readonly state: PaymentState
  readonly network: string
  readonly host: string
  readonly amount: bigint
  readonly currency: string
  /** When its window closes. */
  readonly until: number
  readonly reason: string
}

/** A transfer back that was counted for a payment. */
export interface MatchedRefund {
  readonly paymentId: string
  readonly source: string
  readonly amountAtomic: bigint
  readonly symbol: string
  readonly transaction: string
}

export interface Unavailable {
  readonly network: string
  readonly reason: string
}

export interface RoundReport {
  /** Payments of runs that have ended, which are nobody's work any more. */
  readonly takenOver: number
  readonly resolved: readonly Resolved[]
  readonly open: readonly StillOpen[]
  readonly refunds: readonly MatchedRefund[]
  /** Transfers to us that fit no payment: top-ups of the wallet, or refunds that a person has to place. */
  readonly unmatched: readonly Incoming[]
  readonly unavailable: readonly Unavailable[]
  /** Steps that failed; each was warned of. */
  readonly failures: number
}

export interface Disputed {
  readonly paymentId: string
  readonly dispute: Dispute
  readonly network: string
  readonly host: string
  readonly payTo: string
  readonly amount: bigint
  readonly currency: string
  readonly refunded: bigint
  readonly transaction: string | null
}

/** Used on the chain by one of our wallets, and unknown to this ledger: it is older than the chain, or somebody else has the key. */
export interface Unrecorded extends NonceUse {
  readonly network: string
  readonly wallet: string
}

/** The blocks that were searched for unrecorded payments, both inclusive. */
export interface Searched {
  readonly network: string
  readonly wallet: string
  readonly from: bigint
  readonly to: bigint
}

export interface ReconcileReport extends RoundReport {
  /** All that is held against recipients now. */
  readonly disputed: readonly Disputed[]
  readonly unrecorded: readonly Unrecorded[]
  readonly searched: readonly Searched[]
  /** Some list was longer than `MAX_REPORT_ENTRIES`. */
  readonly truncated: boolean
}

/** Who is paid how much, as reports name it. */
export function namedIn({ id, host, terms }: Payment) {
  if (!terms) throw new Error(`payment ${id} has no terms although it was signed`)
  const { network, payTo, amount, currency } = terms
  return { paymentId: id, network, host, payTo, amount, currency }
}

/** The payment as it stands when nothing could be concluded. */
export function stillOpen(payment: Payment, reason: string): StillOpen {
  const { payTo: _, ...named } = namedIn(payment)
  return { ...named, state: payment.state, until: (payment.validBefore_s ?? 0) * 1000, reason }
}
