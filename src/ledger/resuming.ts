/** Resuming: whether a request repeats a purchase that is not finished, and who may take that over. */
import type { PurchaseIdentity } from './ledger.ts'
import type { PaymentRecord } from './payment-row.ts'
import type { Purchase } from './purchase-row.ts'
import { voidUnsigned } from './recovery.ts'
import type { Rules } from './rules.ts'
import type { PurchaseTable, Transaction } from './tables.ts'

export type Resumed =
  | { readonly kind: 'none' }
  | { readonly kind: 'repeat'; readonly record: PaymentRecord }
  | { readonly kind: 'in_progress'; readonly purchaseId: string }
  | { readonly kind: 'key_reused' }

/** Looks the purchase up and, where nobody works on it, claims it. */
export function resume(tx: Transaction, identity: PurchaseIdentity, rules: Pick<Rules, 'tables' | 'transitions'>): Resumed {
  const { purchases } = rules.tables
  const open = openOf(tx, identity, rules)
  if (identity.keyDigest === null) return resumeUnkeyed(tx, open, purchases)
  const [purchase] = open
  if (!purchase) return { kind: 'none' }
  if (purchase.fingerprint !== identity.fingerprint) return { kind: 'key_reused' }
  // A key names one purchase: its requests always join.
  return purchase.holder === 'none' ? claim(tx, purchase, purchases) : { kind: 'in_progress', purchaseId: purchase.id }
}

/** Freeing what was left unsigned may have opened the purchase of what it was to replace. */
function openOf(tx: Transaction, identity: PurchaseIdentity, rules: Pick<Rules, 'tables' | 'transitions'>): Purchase[] {
  const { purchases } = rules.tables
  const open = purchases.open(tx, identity)
  const left = open.filter((purchase) => voidLeft(tx, purchase, rules))
  return left.length === 0 ? open : purchases.open(tx, identity)
}

/**
 * Requests whose requesters all still wait on this process are purchases of their own; what somebody has left, or
 * another process works on, is to be joined (rule R3).
 */
function resumeUnkeyed(tx: Transaction, open: Purchase[], purchases: PurchaseTable): Resumed {
  const free = open.find(({ holder }) => holder === 'none')
  if (free) return claim(tx, free, purchases)
  const joined = open.find(({ holder, elsewhere }) => holder === 'orphan' || elsewhere)
  return joined ? { kind: 'in_progress', purchaseId: joined.id } : { kind: 'none' }
}

/** Reserved, never signed, and nobody works on it: there is nothing to present again, so it is as if it had never been. */
function voidLeft(tx: Transaction, { holder, record }: Purchase, { transitions }: Pick<Rules, 'transitions'>): boolean {
  const { id, state } = record.payment
  if (holder !== 'none' || state !== 'reserved') return false
  voidUnsigned(tx, id, { transitions, reason: 'The attempt ended before anything was signed.' })
  return true
}

function claim(tx: Transaction, { record }: Purchase, purchases: PurchaseTable): Resumed {
  purchases.claim(tx, record.payment.id)
  return { kind: 'repeat', record }
}
