/** Resuming: whether a request repeats a purchase that is not finished, and who may take that over. */
import type { Transaction } from './batch.ts'
import type { PurchaseIdentity } from './ledger.ts'
import type { PaymentRecord } from './payment-row.ts'
import type { Purchase, Purchases } from './purchases.ts'
import type { Transitions } from './transitions.ts'

export type Resumed =
  | { readonly kind: 'none' }
  | { readonly kind: 'repeat'; readonly record: PaymentRecord }
  | { readonly kind: 'in_progress'; readonly purchaseId: string }
  | { readonly kind: 'key_reused' }

export interface ResumingTables {
  readonly purchases: Purchases
  readonly transitions: Transitions
}

/** Looks the purchase up and, where nobody works on it, claims it. */
export function resume(tx: Transaction, identity: PurchaseIdentity, { purchases, transitions }: ResumingTables): Resumed {
  const open = purchases.open(tx, identity).filter((purchase) => !voidUnsigned(tx, purchase, transitions))
  if (identity.keyDigest === null) return resumeUnkeyed(tx, open, purchases)
  const [purchase] = open
  if (!purchase) return { kind: 'none' }
  if (purchase.fingerprint !== identity.fingerprint) return { kind: 'key_reused' }
  // A key names one purchase: its requests always join.
  return purchase.holder === 'none' ? claim(tx, purchase, purchases) : { kind: 'in_progress', purchaseId: purchase.id }
}

/** Requests whose requesters all still wait are purchases of their own; what somebody has left is to be joined. */
function resumeUnkeyed(tx: Transaction, open: Purchase[], purchases: Purchases): Resumed {
  const free = open.find(({ holder }) => holder === 'none')
  if (free) return claim(tx, free, purchases)
  const orphan = open.find(({ holder }) => holder === 'orphan')
  return orphan ? { kind: 'in_progress', purchaseId: orphan.id } : { kind: 'none' }
}

/** Reserved, never signed, and nobody works on it: there is nothing to present again, so it is as if it had never been. */
function voidUnsigned(tx: Transaction, { holder, record }: Purchase, transitions: Transitions): boolean {
  const { id, state } = record.payment
  if (holder !== 'none' || state !== 'reserved') return false
  transitions.void(tx, id, { kind: 'never_signed', reason: 'The attempt ended before anything was signed.', code: null })
  return true
}

function claim(tx: Transaction, { record }: Purchase, purchases: Purchases): Resumed {
  purchases.claim(tx, record.payment.id)
  return { kind: 'repeat', record }
}
