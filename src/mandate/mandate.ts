/**
 * Mandates: what a user signed that agents may spend, as an AP2 open payment mandate (an SD-JWT). A pinned issuer vouches
 * for it; its constraints become the bounds of a session, so that the ledger holds them like every other bound. What is
 * not understood, or could not be held, refuses the whole mandate: nothing that a user wrote down is ignored.
 *
 * grant: what a mandate allows, in our words. proof of possession: a signature of the key that the mandate names.
 */

/** Amounts in millionths of `currency`, times in milliseconds since 1970. */
export interface Grant {
  readonly currency: string
  /** All payments together, over every session that was ever opened with it. */
  readonly total: bigint
  readonly perPayment?: bigint
  /** How many; one unless the mandate lets the agent use it again. */
  readonly payments?: number
  /** Hosts and addresses; absent: any, an empty list: none. */
  readonly payees?: readonly string[]
  /** Accounts that may pay, as addresses, with their network (CAIP-2) where they name one; absent: any. */
  readonly accounts?: readonly { readonly address: string; readonly network?: string }[]
  readonly from: number
  readonly until: number
}

/** A mandate that was verified. */
export interface Mandate {
  /** SHA-256 (hex) of what the issuer signed, so that other disclosures or another signature make no second mandate of it. */
  readonly digest: string
  readonly issuer: string
  readonly grant: Grant
  /** The nonce of its proof of possession, to be used up; undefined where the mandate names no key. */
  readonly nonce?: { readonly mark: string; readonly expiresAt: number }
}

/** Why it is none that can be used; for whoever presented it. */
export interface Refused {
  readonly why: string
}

export function isRefused<T extends object>(result: T | Refused): result is Refused {
  return 'why' in result
}
