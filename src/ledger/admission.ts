/** Admission: whether a payment may be reserved now. Reads balances and limits; the transaction around it makes it hold. */
import type { Code, Refusal } from '../errors.ts'
import { displayAmount } from '../money.ts'
import { haltedSentence } from '../session/halted.ts'
import { paymentBar, remainingOf, type Session } from '../session/session.ts'
import type { Halt } from './administration.ts'
import { bucketsOf, namesRecipient } from './buckets.ts'
import { budgetOf, countOf } from './charges.ts'
import type { Attempt, Terms } from './ledger.ts'
import { nextRefill } from './refill.ts'
import { chargesOf, SINCE_EVER, stepsOf } from './series.ts'
import type { Lineage, RollingTable, SpendingTable } from './tables.ts'

export type PayingAttempt = Attempt & { readonly terms: Terms }

/** Why not, before it is completed with the session's balance. */
export type Breach = Pick<Refusal, 'code' | 'detail' | 'resetsAt' | 'nextAction'>

/** What has been used up so far, as the open transaction sees it. */
export interface Usage {
  readonly spending: Pick<SpendingTable, 'used'>
  readonly rolling: Pick<RollingTable, 'sum' | 'leaves'>
}

/** The kill switch: the first halt that covers this payment. A halted session covers its descendants. */
export function haltBreach(halts: readonly Halt[], lineage: Lineage, attempt: PayingAttempt): Breach | undefined {
  const halt = halts.find((one) => covers(one, lineage, attempt))
  return halt && { code: 'payments_halted', detail: haltedSentence(halt) }
}

function covers({ scope, value }: Halt, lineage: Lineage, attempt: PayingAttempt): boolean {
  switch (scope) {
    case 'all':
      return true
    case 'agent':
      return value === attempt.agent
    case 'session':
      return lineage.some(({ id }) => id === value)
    case 'recipient':
      return namesRecipient(value, attempt)
  }
}

/** All processes on one ledger decide by the policy that was announced last (rule R8). */
export function policyBreach(inForce: string | undefined, { policyVersion }: Pick<Attempt, 'policyVersion'>): Breach | undefined {
  if (inForce === undefined || inForce === policyVersion) return undefined
  return { code: 'policy_changed', detail: `This process decides by policy ${policyVersion}, but ${inForce} is in force by now.` }
}

/** The first session of the lineage that has ended or has nothing left; of an exhausted one, who can do something about it. */
export function barBreach(lineage: Lineage, now: number): Breach | undefined {
  for (const session of lineage) {
    const bar = paymentBar(session, now)
    if (bar) return told(bar, session, lineage)
  }
  return undefined
}

/** The first session of the lineage that has ended, whatever remains in it. */
export function endBreach(lineage: Lineage, now: number): Breach | undefined {
  for (const session of lineage) {
    const bar = paymentBar(session, now)
    if (bar && bar.code !== 'session_exhausted') return told(bar, session, lineage)
  }
  return undefined
}

/** Whose breach it is and, where a budget is too small, who can top it up and when it grows by itself. */
function told(breach: Breach, session: Session, [payer]: Lineage): Breach {
  const detail = session === payer ? breach.detail : `${breach.detail} It is an ancestor of session ${payer.id}.`
  if (breach.code !== 'session_exhausted' && breach.code !== 'spending_limit_exceeded') return { ...breach, detail }
  const remedy = `${detail} Its owner, ${session.owner}, can top it up.`
  const resetsAt = nextRefill(session)
  return { ...breach, detail: remedy, ...(resetsAt !== undefined && { resetsAt }) }
}

interface Bounding {
  readonly usage: Usage
  readonly now: number
  /** What limits count of it, where that is not the whole amount: limits by name and by window, not the one for each payment. */
  readonly counts?: bigint
}

/** The first bound that this payment would break: its own session's first, then each ancestor's. */
export function limitBreach(lineage: Lineage, attempt: PayingAttempt, context: Bounding): Breach | undefined {
  for (const session of lineage) {
    const breach =
      paymentBreach(session, attempt) ??
      capBreach(session, attempt) ??
      countBreach(session) ??
      stepBreach(session, attempt, context.usage) ??
      bucketBreach(session, attempt, context) ??
      windowBreach(session, attempt, context)
    if (breach) return told(breach, session, lineage)
  }
  return undefined
}

function paymentBreach(session: Session, { terms }: PayingAttempt): Breach | undefined {
  const max = session.limits.perPayment
  if (max === undefined || terms.amount <= max) return undefined
  const detail = `${show(terms.amount, session)} is more than the ${show(max, session)} that one payment of session ${session.id} may be.`
  return { code: 'per_payment_limit_exceeded', detail }
}

function capBreach(session: Session, { terms }: PayingAttempt): Breach | undefined {
  const remaining = remainingOf(session)
  const taken = budgetOf(terms)
  if (taken <= remaining) return undefined
  const room = `${show(remaining, session)} of ${show(session.cap, session)} remain in session ${session.id}`
  return { code: 'spending_limit_exceeded', detail: `${show(taken, session)} does not fit: ${room}.` }
}

function countBreach(session: Session): Breach | undefined {
  const max = Math.min(session.limits.payments ?? Number.POSITIVE_INFINITY, session.singleUse ? 1 : Number.POSITIVE_INFINITY)
  if (session.payments < max) return undefined
  const detail = `Session ${session.id} may make ${max} ${max === 1 ? 'payment' : 'payments'} and has made ${session.payments}.`
  return { code: 'payment_count_exceeded', detail }
}

function stepBreach(session: Session, attempt: PayingAttempt, { rolling }: Usage): Breach | undefined {
  const max = session.limits.perTask?.payments
  if (max === undefined) return undefined
  const made = rolling.sum({ series: stepsOf(session, attempt), after: SINCE_EVER })
  if (made < BigInt(max)) return undefined
  const task = attempt.task === null ? 'requests that name no task' : `task ${JSON.stringify(attempt.task)}`
  const detail = `Session ${session.id} allows ${max} paid ${max === 1 ? 'call' : 'calls'} for each task; ${task} made ${made}.`
  return { code: 'step_budget_exceeded', detail }
}

function bucketBreach(session: Session, attempt: PayingAttempt, { usage, ...counted }: Bounding): Breach | undefined {
  const amount = countOf(attempt.terms, counted)
  for (const { bucket, label, max, code } of bucketsOf(session.limits, attempt)) {
    if (max === undefined)
      return { code, detail: `The limits of session ${session.id} do not name ${label}, so nothing may be paid there.` }
    const used = usage.spending.used({ sessionId: session.id, bucket })
    if (used + amount > max) return overBound(session, { code, label, max, used, amount })
  }
  return undefined
}

function windowBreach(session: Session, { terms }: PayingAttempt, { usage, now, ...counted }: Bounding): Breach | undefined {
  const amount = countOf(terms, counted)
  for (const { max, per_ms } of session.limits.perWindow ?? []) {
    const window = { series: chargesOf(session), after: now - per_ms }
    const used = usage.rolling.sum(window)
    const excess = used + amount - max
    if (excess <= 0n) continue
    const label = `any ${per_ms / 1_000} s`
    const breach = overBound(session, { code: 'window_limit_exceeded', label, max, used, amount })
    const leaves = usage.rolling.leaves(window, excess)
    return leaves === undefined ? breach : { ...breach, resetsAt: leaves + per_ms }
  }
  return undefined
}

interface Bound {
  readonly code: Code
  readonly label: string
  readonly max: bigint
  readonly used: bigint
  readonly amount: bigint
}

function overBound(session: Session, { code, label, max, used, amount }: Bound): Breach {
  const room = `${show(used, session)} of ${show(max, session)} for ${label} are used in session ${session.id}`
  return { code, detail: `${show(amount, session)} does not fit: ${room}.` }
}

function show(amount: bigint, { currency }: Session): string {
  return displayAmount(amount, currency)
}
