/** How a refusal looks on the wire: a problem document (RFC 9457). */
import { type BoughtInTask, describe, type Refusal } from '../errors.ts'
import { formatAmount } from '../money.ts'

export const PROBLEM_TYPE = 'application/problem+json'

/** The refusal as a problem document, with the members that `docs/errors.md` lists. */
export function problem(refusal: Refusal): { status: number; body: Record<string, unknown> } {
  const { title, status: usual, retrySafe, nextAction } = describe(refusal.code)
  const status = refusal.status ?? usual
  const body = {
    type: `urn:purser:error:${refusal.code}`,
    title,
    status,
    detail: refusal.detail,
    code: refusal.code,
    paymentId: refusal.paymentId,
    sessionId: refusal.sessionId,
    tier: refusal.tier || undefined,
    rule: refusal.rule || undefined,
    currency: refusal.currency,
    ...amounts(refusal),
    resetsAt: refusal.resetsAt === undefined ? undefined : new Date(refusal.resetsAt).toISOString(),
    moneyState: refusal.moneyState ?? 'none',
    retrySafe: refusal.retrySafe ?? retrySafe,
    nextAction: refusal.nextAction ?? nextAction,
    boughtInTask: refusal.boughtInTask && boughtView(refusal.boughtInTask),
    approvalUrl: refusal.approvalUrl,
  }
  return { status, body: Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined)) }
}

function amounts(refusal: Refusal): Record<string, string> {
  const known: Record<string, string> = {}
  for (const name of ['amount', 'cap', 'spent', 'held', 'remaining'] as const) {
    const value = refusal[name]
    if (value !== undefined) known[name] = formatAmount(value)
  }
  return known
}

function boughtView({ amount, latest, ...bought }: BoughtInTask): Record<string, unknown> {
  return { ...bought, amount: formatAmount(amount), latest: latest.map((one) => ({ ...one, amount: formatAmount(one.amount) })) }
}
