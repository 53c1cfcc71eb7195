/** What people can still do about a payment whose end is not known, or was only assumed. */
import type { PaymentView } from './shapes.ts'

type Told = Pick<PaymentView, 'state' | 'validBefore'>

/** Somebody may still take it, so that a race to make it worthless can still be won. */
export function canCancel({ state, validBefore }: Told, now: number): boolean {
  const isOpen = state === 'signed' || state === 'sent' || state === 'unknown'
  return isOpen && validBefore !== null && Date.parse(validBefore) > now
}

/** Two people may say how it ended. */
export function canResolve({ state }: Pick<PaymentView, 'state'>): boolean {
  return state === 'unknown' || state === 'expired'
}
