/** What the agent is told: refusals with their record and balance, and the headers of a paid answer. */
import type { Approval } from '../approval/approval.ts'
import { type MoneyState, PurserError, type Refusal } from '../errors.ts'
import type { RawHeaders } from '../http.ts'
import type { Payment, Reservation } from '../ledger/ledger.ts'
import { APPROVAL_RETRY_S } from '../limits.ts'
import { formatAmount } from '../money.ts'
import { secondsFor } from '../session/duration.ts'
import type { PaidRequest, PaymentOutcome } from '../session/exchange.ts'
import { remainingOf, type Session } from '../session/session.ts'
import { boughtInTask } from './bought-in-task.ts'
import { type Case, recordOf } from './case.ts'
import type { PaymentDeps } from './deps.ts'

type Refused = Extract<PaymentOutcome, { kind: 'refuse' }>

/** Refuses before anything was sent: written down, unless the ledger did so when it refused. */
export async function refuse(matter: Case, refusal: Refusal): Promise<Refused> {
  const { deps, request, decision } = matter
  const recorded = refusal.paymentId ? refusal : await deps.ledger.refuse(recordOf(matter), refusal)
  deps.events.decided({ tier: decision?.tier ?? '', decision: 'deny', code: refusal.code })
  return answerWith(request, { ...recorded, ...(await taskFacts(deps, request)) })
}

/**
 * People have not decided yet. Nothing is written down: the approval is the record, and the same request claims it.
 * `held`: its money is set aside meanwhile.
 */
export async function pending(matter: Case, approval: Approval, { held }: { readonly held: boolean }): Promise<Refused> {
  const { deps, request, decision } = matter
  const session = (await deps.ledger.session(request.session.id)) ?? request.session
  const approvalUrl = deps.people.approvalUrl(approval.id)
  deps.events.decided({ tier: approval.shown.tier, decision: approval.kind === 'veto' ? 'notify' : 'ask', code: 'approval_pending' })
  return answerWith(request, {
    ...{ code: 'approval_pending', detail: waitsFor(approval), paymentId: approval.paymentId, tier: approval.shown.tier },
    ...(decision ? { rule: decision.rule } : {}),
    ...{ amount: approval.shown.amount, ...balanceOf(session), moneyState: held ? 'held' : 'none' },
    retryAfter_s: retryAfter(approval, deps.clock.now()),
    ...(approvalUrl === undefined ? {} : { approvalUrl }),
    ...(await taskFacts(deps, request)),
  })
}

function waitsFor({ kind, required, votes, window, shown, expiresAt }: Approval): string {
  const end = new Date(expiresAt).toISOString()
  if (kind === 'approval') {
    const missing = required - votes.length
    const people = missing === 1 ? 'one person' : `${missing} different people`
    return `${shown.reason} It waits for a yes of ${people} until ${end}.`
  }
  if (window?.startedAt === null) return `${shown.reason} People are being told; their time to veto it begins when that is proven.`
  return `${shown.reason} People may veto it until ${end}; nothing is paid before that.`
}

/** A window that runs is worth repeating at its end. */
function retryAfter({ window, expiresAt }: Approval, now: number): number {
  if (!window || window.startedAt === null) return APPROVAL_RETRY_S
  return secondsFor(expiresAt - now)
}

/** Refuses after a reservation was concluded: its record is the payment's own. */
export async function refuseConcluded(matter: Case, reservation: Reservation, refusal: Refusal): Promise<Refused> {
  const { deps, request } = matter
  const payment = await reservation.payment()
  const session = (await deps.ledger.session(request.session.id)) ?? request.session
  if (moneyState(payment) !== 'none') deps.events.undelivered(payment.id)
  return answerWith(request, {
    ...refusal,
    ...balanceOf(session),
    moneyState: moneyState(payment),
    paymentId: payment.id,
    tier: payment.tier,
    rule: payment.rule,
    ...(payment.terms ? { amount: payment.terms.amount } : {}),
    ...(await taskFacts(deps, request)),
  })
}

/** Something threw: an expected fault keeps its own refusal, anything else is ours to mend. */
export function refuseFault(deps: PaymentDeps, request: PaidRequest, fault: unknown): Refused {
  if (fault instanceof PurserError) return answerWith(request, { sessionId: request.session.id, ...fault.refusal })
  deps.events.faulted('payment', fault)
  const detail = `The payment could not be completed. Look at GET /v1/session/payments for what the money did (request ${request.exchangeId}).`
  return answerWith(request, { code: 'internal_error', detail, sessionId: request.session.id, moneyState: 'unknown' })
}

/** What an agent is told of its payment. */
export type Told = Pick<Payment, 'state' | 'tier' | 'terms'>

/**
 * Purser-Payment, -Tier, -Amount, -Remaining, -Money for an answer that was paid for.
 * @param told where it is known; else the ledger is asked
 */
export async function paidHeaders(matter: Case, reservation: Reservation, told?: Told): Promise<RawHeaders> {
  const { deps, request } = matter
  const { paymentId } = reservation
  const { tier, terms, state } = told ?? (await reservation.payment())
  const session = (await deps.ledger.session(request.session.id)) ?? request.session
  const amount = terms ? `${formatAmount(terms.amount)} ${terms.currency}` : ''
  const money = moneyState({ state })
  Object.assign(request.line, { paymentId, tier, amount, money })
  return [
    ...['Purser-Payment', paymentId, 'Purser-Tier', tier, 'Purser-Amount', amount],
    ...['Purser-Remaining', `${formatAmount(remainingOf(session))} ${session.currency}`, 'Purser-Money', money],
  ]
}

function answerWith(request: PaidRequest, refusal: Refusal): Refused {
  const { paymentId, tier, code } = refusal
  Object.assign(request.line, { code, ...(paymentId ? { paymentId } : {}), ...(tier ? { tier } : {}) })
  return { kind: 'refuse', refusal }
}

function moneyState({ state }: Pick<Payment, 'state'>): MoneyState {
  if (state === 'settled') return 'moved'
  return state === 'void' || state === 'denied' ? 'none' : 'unknown'
}

function balanceOf(session: Session) {
  const { id: sessionId, cap, spent, held, currency } = session
  return { sessionId, cap, spent, held, currency, remaining: remainingOf(session) }
}

async function taskFacts({ ledger }: PaymentDeps, { session, hints: { task } }: PaidRequest): Promise<Pick<Refusal, 'boughtInTask'>> {
  return task === undefined ? {} : { boughtInTask: await boughtInTask(ledger, session, task) }
}
