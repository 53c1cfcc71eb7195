/** Findings: what becomes known about a payment after its attempt, by a chain, by time or by people, and what came back. */

/** How a settlement is known: a server says so, the chain shows it in a final block, or two people have seen proof of it. */
export type Evidence = 'claimed' | 'confirmed' | 'operator'

/**
 * What is held against a recipient: money moved although its server denied it or said nothing; it was settled and the
 * agent never got a whole answer; or the authorization was taken for something else than what was signed.
 */
export type Dispute = 'settled_though_denied' | 'settled_not_delivered' | 'taken_otherwise'

/** What is certain about an authorization by now. What was signed the ledger knows; only what was left of it comes from the chain. */
export type Finding =
  /** The transfer that was signed happened. */
  | {
      readonly kind: 'settled'
      readonly evidence: Exclude<Evidence, 'claimed'>
      readonly transaction: string
      readonly block: bigint | null
      readonly reason: string
      /** What was taken, where that is less than was reserved: the rest is free. Atomic units, more than nothing. */
      readonly amountAtomic?: bigint
      /** Set where the chain itself shows what is to be held against the recipient. */
      readonly dispute?: Dispute
    }
  /** It can never happen: unused in a final block at or after its end, or cancelled in a final block. */
  | { readonly kind: 'dead'; readonly evidence: Exclude<Evidence, 'claimed'>; readonly block: bigint | null; readonly reason: string }
  /** Its window closed and nobody can tell: it counts as spent. */
  | { readonly kind: 'expired'; readonly reason: string }

/** The payments of the same purchase and nonce whose place this one took, and that took this one’s place. */
export interface Succession {
  readonly replaces: string | null
  readonly replacedBy: string | null
}

/** Money that came back for a payment. Unique by `source`. */
export interface Refund {
  readonly paymentId: string
  /** Network, transaction and log of a transfer, or the key of an operator's entry. */
  readonly source: string
  readonly amountAtomic: bigint
  /** Where the evidence is; for people. */
  readonly evidence: string
  /** The token of the operator who entered it, or `chain`. */
  readonly by: string
  /** Milliseconds since 1970. */
  readonly at: number
}

/** What one person says about a payment that nothing else can decide; a second one makes it so. */
export interface Correction {
  readonly paymentId: string
  readonly outcome: 'settled' | 'void'
  readonly transaction: string | null
  readonly evidence: string
  /** Id of the admin token. */
  readonly by: string
  readonly at: number
}

/** How a recipient has behaved: payments settled, those not delivered, those under dispute, and what came back. */
export interface RecipientRecord {
  readonly host: string
  readonly payTo: string
  readonly network: string
  readonly undelivered: number
  readonly disputed: number
  /** Millionths, by currency. */
  readonly disputedAmount: Readonly<Record<string, bigint>>
  readonly refundedAmount: Readonly<Record<string, bigint>>
}
