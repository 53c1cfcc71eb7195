/**
 * Recovery: what runs that have ended left behind. The file belongs to one process, so every other run has ended when
 * this one opens it. Reserved was never signed and is free again; signed may have been sent and stays held as unknown.
 */
import type { Transaction } from './batch.ts'
import type { Payments } from './payments.ts'
import type { Transitions } from './transitions.ts'

const NEVER_SIGNED = 'The process ended before anything was signed.'
const UNKNOWN = 'The process ended before the outcome was known.'

export function recover(tx: Transaction, { payments, transitions }: { payments: Payments; transitions: Transitions }): void {
  for (const { payment } of payments.ofEndedRuns()) {
    if (payment.state === 'reserved') voidUnsigned(tx, payment.id, transitions, NEVER_SIGNED)
    else transitions.leaveUnknown(tx, payment.id, UNKNOWN)
  }
}

/** Voids what a session reserved, never signed, and nobody works on any more. */
export function voidAbandoned(
  tx: Transaction,
  sessionId: string,
  { payments, transitions }: { payments: Payments; transitions: Transitions },
): void {
  for (const id of payments.abandoned(sessionId)) voidUnsigned(tx, id, transitions, 'The session ended before anything was signed.')
}

function voidUnsigned(tx: Transaction, id: string, transitions: Transitions, reason: string): void {
  transitions.void(tx, id, { kind: 'never_signed', reason, code: null })
}
