/** Why a payment was refused: what the ledger wrote down about it, and what the catalogue says to do. */
import { CODES, describe } from '../errors.ts'
import { MAX_PAGE } from '../limits.ts'
import { MAX_EXPLAINED_PAYMENTS } from '../people-limits.ts'
import { DoorError, type OwnDoor } from './own-door.ts'
import { type Payment, payment, payments, type Refusal } from './shapes.ts'
import { sayPayment } from './words.ts'

/**
 * The refusal of this payment, or the newest one among the newest `MAX_EXPLAINED_PAYMENTS` payments.
 * @throws DoorError where there is none, or the payment was not refused
 */
export async function findRefusal(door: OwnDoor, paymentId: string | undefined): Promise<Refusal> {
  const found = await (paymentId === undefined ? newestRefused(door) : door.get(`/v1/session/payments/${paymentId}`, payment))
  if (!found) throw new DoorError('Nothing of this session was refused lately.', { nextAction: 'Look at list_payments for what there is.' })
  const code = CODES.find((one) => one === found.code)
  if (!code) throw new DoorError(`This payment was not refused. ${sayPayment(found)}.`, { nextAction: 'There is nothing to mend.' })
  const { title, nextAction, retrySafe } = describe(code)
  return { payment: found, title, nextAction, retrySafe }
}

export function sayRefusal({ payment: refused, title, nextAction }: Refusal): string {
  const { reason, tier, rule, method, url, amount, currency } = refused
  const price = amount === null ? '' : ` for ${amount} ${currency ?? ''}`.trimEnd()
  const place = [...(tier === '' ? [] : [`tier ${tier}`]), ...(rule === '' ? [] : [`rule ${rule}`])].join(', ')
  return `${method} ${url}${price}: ${title}. ${reason}${place === '' ? '' : ` (${place})`} What to do: ${nextAction}`
}

async function newestRefused(door: OwnDoor): Promise<Payment | undefined> {
  let [cursor, seen] = ['', 0]
  while (seen < MAX_EXPLAINED_PAYMENTS) {
    const page = await door.get(`/v1/session/payments?limit=${MAX_PAGE}${cursor}`, payments)
    const found = page.items.find(({ code }) => code !== null)
    if (found || page.next === null) return found
    cursor = `&cursor=${encodeURIComponent(page.next)}`
    seen += page.items.length
  }
  return undefined
}
