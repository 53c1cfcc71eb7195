/** What keeps a request from paying before any price is looked at. */
import type { Refusal } from '../errors.ts'
import type { Ledger, Reservation } from '../ledger/ledger.ts'
import { sameAddress } from '../policy/trust.ts'
import type { BodyState } from '../session/exchange.ts'
import { matchesHost } from '../session/host-pattern.ts'
import type { Session } from '../session/session.ts'
import type { Case } from './case.ts'
import type { PaymentDeps } from './deps.ts'
import { placeOf } from './place.ts'

/** The first bar, or undefined. Halts hold for repeats too: presenting a payment again can move money. */
export async function barTo(matter: Case, body: BodyState): Promise<Refusal | undefined> {
  const { request } = matter
  if (request.hints.payNever) {
    return { code: 'payment_not_allowed', detail: 'The resource costs money, and the request said Purser-Pay: never.' }
  }
  if (request.transport === 'plain') {
    return { code: 'plain_http_not_payable', detail: `${new URL(request.url).host} was asked over plain http.` }
  }
  if (!body.replayable) {
    return {
      code: 'body_too_large_to_replay',
      detail: `The body has ${body.bytes} bytes; ${body.bound_bytes} were kept for a second attempt. Nothing was paid.`,
    }
  }
  return haltOn(matter.deps.ledger, request.session)
}

/** For repeats, which reserve nothing any more: whether payments to the recipient of this one are halted. */
export async function recipientBar({ ledger }: Pick<PaymentDeps, 'ledger'>, reservation: Reservation): Promise<Refusal | undefined> {
  const halts = (await ledger.halts()).filter(({ scope }) => scope === 'recipient')
  if (halts.length === 0) return undefined
  const { terms, url } = await reservation.payment()
  const { host, port } = placeOf(url)
  const halt = halts.find(({ value }) => matchesHost(value, host, port) || (terms && sameAddress(value, terms.payTo)))
  return halt && { code: 'payments_halted', detail: `Payments of recipient ${halt.value} are halted.` }
}

/** Whether payments of this session are halted. A halted session covers all below it. */
export async function haltOn(ledger: Pick<Ledger, 'halts' | 'session'>, session: Session): Promise<Refusal | undefined> {
  const halts = await ledger.halts()
  const line = halts.some(({ scope }) => scope === 'session') ? await lineageOf(ledger, session) : [session]
  const halt = halts.find(
    ({ scope, value }) =>
      scope === 'all' || (scope === 'agent' && value === session.agent) || (scope === 'session' && line.some(({ id }) => id === value)),
  )
  return halt && { code: 'payments_halted', detail: `Payments are halted (${halt.scope}${halt.value ? ` ${halt.value}` : ''}).` }
}

/** The session, then its parent, and so on to the root. */
export async function lineageOf(ledger: Pick<Ledger, 'session'>, session: Session): Promise<readonly Session[]> {
  const line = [session]
  for (let next = session.parent; next !== null; ) {
    const parent = await ledger.session(next)
    if (parent) line.push(parent)
    next = parent?.parent ?? null
  }
  return line
}
