/**
 * Recovery: what attempts left behind that nobody works on any more, at start and all the time. Reserved was never signed
 * and is free again; signed may have been sent and stays held as unknown (rule R5).
 */
import type { Chronicle } from './chronicle.ts'
import type { Endings } from './endings.ts'
import type { Tables, Transaction } from './tables.ts'
import type { Transitions } from './transitions.ts'

const NEVER_SIGNED = 'The attempt ended before anything was signed.'
const UNKNOWN = 'The attempt ended before the outcome was known.'

export interface Recovering {
  readonly tables: Tables
  readonly transitions: Transitions
  readonly endings: Endings
  readonly chronicle: Chronicle
}

/** Settles what is left of one payment; false where somebody still works on it, or nothing is to be done. */
export function recover(tx: Transaction, id: string, { tables, transitions, endings, chronicle }: Recovering): boolean {
  const { payments, purchases } = tables
  if (purchases.holder(tx, id) !== 'none') return false
  switch (payments.get(id).payment.state) {
    case 'reserved':
      voidUnsigned(tx, id, { transitions, reason: NEVER_SIGNED })
      return true
    case 'signed':
    case 'sent':
      transitions.leaveUnknown(tx, id, { reason: UNKNOWN, denied: false })
      return true
    case 'settled':
      if (!payments.owed(id)) return false
      chronicle.append(tx, 'amendment', endings.dispute(tx, id, 'settled_not_delivered'))
      return true
    default:
      return false
  }
}

/** There was never anything to send: held is free again. */
export function voidUnsigned(tx: Transaction, id: string, { transitions, reason }: { transitions: Transitions; reason: string }): void {
  transitions.void(tx, id, { kind: 'never_signed', reason, code: null })
}
