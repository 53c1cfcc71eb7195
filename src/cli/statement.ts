/** A session's money on one screen. */
import { displayAmount, parseAmount } from '../money.ts'
import type { SessionAnswer } from './answers.ts'
import { bar, facts } from './terminal.ts'

/** "$8.47" of a decimal string. */
export function display(amount: string, currency: string): string {
  const negative = amount.startsWith('-')
  return displayAmount(parseAmount(negative ? amount.slice(1) : amount) * (negative ? -1n : 1n), currency)
}

/** "Remaining: $8.47 of $10.00". */
export function remainingLine({ remaining, cap, currency }: SessionAnswer): string {
  return `Remaining: ${display(remaining, currency)} of ${display(cap, currency)}`
}

/** The balance: what remains, how it came to that, and until when it may be used. */
export function balanceText(session: SessionAnswer): string {
  const { currency, cap, spent, held } = session
  const money = (amount: string) => display(amount, currency)
  return [
    remainingLine(session),
    `[${bar(parseAmount(spent) + parseAmount(held), parseAmount(cap))}] used`,
    facts([
      ['Spent', money(spent)],
      ['Held', `${money(held)}${parseAmount(held) > 0n ? '  (may still be taken: the outcome is not known yet)' : ''}`],
      ...(session.payments === undefined ? [] : [['Payments', String(session.payments)] as const]),
      ['State', session.state],
      ...refillFacts(session),
      ['Expires', session.expiresAt],
    ]),
  ].join('\n')
}

function refillFacts({ refill, refillsAt, currency }: SessionAnswer): (readonly [string, string])[] {
  if (!refill) return []
  const next = refillsAt ? `; the next at ${refillsAt}` : ''
  return [['Refill', `${display(refill.amount, currency)} every ${refill.every}, up to ${display(refill.max, currency)} remaining${next}`]]
}

/** What `exec` prints at its end. */
export function closingText(session: SessionAnswer, outcomes: { readonly paid: number; readonly refused: number }): string {
  const { currency, cap, spent, held, remaining } = session
  const money = (amount: string) => display(amount, currency)
  return [
    `Session ${session.id} is ${session.state}.`,
    facts([
      ['Spent', `${money(spent)} of ${money(cap)}  [${bar(parseAmount(spent), parseAmount(cap))}]`],
      ['Held', `${money(held)}${parseAmount(held) > 0n ? '  (may still be taken; it counts until the outcome is known)' : ''}`],
      ['Remaining', money(remaining)],
      ['Payments', `${outcomes.paid} made, ${outcomes.refused} refused`],
    ]),
  ].join('\n')
}
