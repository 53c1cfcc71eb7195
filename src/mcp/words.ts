/** What tools say to the model: short sentences with the values in them. */
import type { Approval, Balance, LimitUsed, Payment, Payments, Quote } from './shapes.ts'

export function sayBalance(balance: Balance): string {
  const { remaining, available, cap, spent, held, currency, state, expiresAt, refillsAt, owner, limitsUsed } = balance
  const sentences = [
    `${remaining} ${currency} remain of ${cap} ${currency}: ${spent} spent, ${held} held for payments that are not concluded.`,
    ...(available === remaining ? [] : [`Of that ${available} ${currency} can be paid now: a budget above this one has no more.`]),
    ...limitsUsed.map((one) => sayLimit(one, currency)),
    `The session is ${state} and ends at ${expiresAt}.`,
    ...(refillsAt === null ? [] : [`The next refill falls due at ${refillsAt}.`]),
    `${owner} can add to it.`,
  ]
  return sentences.join(' ')
}

/** How a limit is called, before what it is for. */
const LIMITS: Readonly<Record<string, string>> = {
  ...{ perRecipient: 'recipient', perCategory: 'category', perTool: 'tool', perUser: 'user', perWindow: 'any', perTask: 'task' },
}

function sayLimit({ limit, of, max, used, left }: LimitUsed, currency: string): string {
  if (limit === 'perPayment') return `One payment may be ${max} ${currency}.`
  if (limit === 'payments') return `${used} of ${max} payments made.`
  const name =
    of === null || of === ''
      ? `no ${LIMITS[limit] ?? limit}`
      : `${LIMITS[limit] ?? limit} ${limit === 'perWindow' ? of : JSON.stringify(of)}`
  if (limit === 'perTask') return `For ${name}: ${used} of ${max} paid calls made.`
  return `For ${name}: ${used} of ${max} ${currency} used, ${left} left.`
}

export function sayPayments({ items, next }: Payments): string {
  if (items.length === 0) return 'There are none.'
  const more = next === null ? [] : [`There are more: ask again with cursor ${next}.`]
  return [...items.map(sayPayment), ...more].join('\n')
}

/** One payment in one line. */
export function sayPayment({ id, state, code, method, url, amount, currency, delivered, count, decidedAt }: Payment): string {
  const price = amount === null ? 'no price' : `${amount} ${currency ?? ''}`.trim()
  const outcome = code === null ? state : `${state} (${code})`
  const notes = [...(state === 'settled' && !delivered ? ['not delivered'] : []), ...(count > 1 ? [`${count} times`] : [])]
  return [`${id}: ${outcome}, ${price}, ${method} ${url}, ${decidedAt}`, ...notes].join(', ')
}

export function sayQuote(url: string, { payable, amount, currency, tier, decision, reason }: Quote): string {
  const price = amount === undefined ? [] : [`${url} costs ${amount} ${currency ?? ''} now.`]
  const place = tier ? [`It falls in the tier ${tier}.`] : []
  return [...price, ...place, verdictOf(payable, decision), reason].join(' ')
}

function verdictOf(payable: boolean, decision: string | undefined): string {
  if (decision === 'free') return 'It is free.'
  if (payable) return 'It would be paid at once.'
  if (decision === 'ask') return 'A person would have to approve it.'
  if (decision === 'notify') return 'People would be told and could veto it.'
  return 'It would not be paid.'
}

const FOLLOWS: Readonly<Record<string, string>> = {
  approved: 'Make the request now.',
  awaiting_approval: 'People have been asked. Make the request later; it is paid if they agree.',
  awaiting_veto: 'Make the request; people are told and can veto it meanwhile.',
}

export function sayApproval({ status, reason, approvalId }: Approval): string {
  const asked = approvalId === undefined ? [] : [`Approval ${approvalId}.`]
  return [reason, ...asked, FOLLOWS[status] ?? 'It would not be paid.'].join(' ')
}
