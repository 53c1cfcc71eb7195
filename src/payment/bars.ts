/** What keeps a request from paying before any price is looked at. */
import type { Refusal } from '../errors.ts'
import type { Halt } from '../ledger/administration.ts'
import type { Ledger, Reservation } from '../ledger/ledger.ts'
import { displayAmount } from '../money.ts'
import { sameAddress } from '../policy/trust.ts'
import type { BodyState } from '../session/exchange.ts'
import { haltedSentence } from '../session/halted.ts'
import { matchesHost } from '../session/host-pattern.ts'
import { paymentBar, remainingOf, type Session } from '../session/session.ts'
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
  const halts = await ledger.halts()
  if (halts.every(({ scope }) => scope !== 'recipient')) return undefined
  const { terms, url } = await reservation.payment()
  return recipientHalt(halts, { url, payTo: terms?.payTo })
}

/** For payments that waited, and sign what was reserved before: what an end of the session or a halt says by now. */
export async function barNow({ deps, request, quote }: Case): Promise<Refusal | undefined> {
  const { ledger, clock } = deps
  const session = (await ledger.session(request.session.id)) ?? request.session
  for (const one of await lineageOf(ledger, session)) {
    const bar = paymentBar(one, clock.now())
    if (bar && bar.code !== 'session_exhausted') return bar
  }
  return (await haltOn(ledger, session)) ?? recipientHalt(await ledger.halts(), { url: request.url, payTo: quote?.offer.payTo })
}

/** Whether payments to this place, or to any of these recipients, are halted. */
export async function recipientHaltAt(
  ledger: Pick<Ledger, 'halts'>,
  url: string,
  recipients: readonly { readonly payTo: string }[],
): Promise<Refusal | undefined> {
  const halts = await ledger.halts()
  const payTos = [undefined, ...recipients.map(({ payTo }) => payTo)]
  return payTos.map((payTo) => recipientHalt(halts, { url, payTo })).find((halt) => halt !== undefined)
}

function recipientHalt(
  halts: readonly Halt[],
  { url, payTo }: { readonly url: string; readonly payTo: string | undefined },
): Refusal | undefined {
  const { host, port } = placeOf(url)
  const halt = halts.find(
    ({ scope, value }) => scope === 'recipient' && (matchesHost(value, host, port) || (payTo !== undefined && sameAddress(value, payTo))),
  )
  return halt && { code: 'payments_halted', detail: haltedSentence(halt) }
}

/** Whether payments of this session are halted. A halted session covers all below it. */
export async function haltOn(ledger: Pick<Ledger, 'halts' | 'session'>, session: Session): Promise<Refusal | undefined> {
  const halts = await ledger.halts()
  const line = halts.some(({ scope }) => scope === 'session') ? await lineageOf(ledger, session) : [session]
  const halt = halts.find(
    ({ scope, value }) =>
      scope === 'all' || (scope === 'agent' && value === session.agent) || (scope === 'session' && line.some(({ id }) => id === value)),
  )
  return halt && { code: 'payments_halted', detail: haltedSentence(halt) }
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

/** Whether a payment of this amount (millionths) would fit into the session now. A look only: the ledger decides. */
export function budgetBar(session: Session, amount: bigint, now: number): Refusal | undefined {
  const { perPayment, payments = Number.POSITIVE_INFINITY } = session.limits
  if (perPayment !== undefined && amount > perPayment)
    return { code: 'per_payment_limit_exceeded', detail: 'It costs more than one payment of this session may be.' }
  if (session.payments >= (session.singleUse ? Math.min(1, payments) : payments))
    return { code: 'payment_count_exceeded', detail: 'The session has made as many payments as it may.' }
  const remaining = remainingOf(session)
  if (amount > remaining) return { code: 'spending_limit_exceeded', detail: unfitting(session, { amount, remaining }) }
  return paymentBar(session, now)
}

function unfitting(session: Session, { amount, remaining }: { readonly amount: bigint; readonly remaining: bigint }): string {
  const [price, left, cap] = [amount, remaining, session.cap].map((each) => displayAmount(each, session.currency))
  return `${price} does not fit: ${left} of ${cap} remain in session ${session.id}. Its owner, ${session.owner}, can top it up.`
}
