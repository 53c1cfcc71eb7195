/** A session's money on one screen. */
import { CURRENCY_DECIMALS, displayAmount, parseAmount } from '../money.ts'
import type { SessionAnswer } from './answers.ts'
import { bar, facts } from './terminal.ts'

/** "$8.47" of a decimal string as answers have it, however long: what a stranger asked for and was refused has no bound. */
export function display(amount: string, currency: string): string {
  const [whole = '0', fraction = ''] = amount.split('.')
  return displayAmount(BigInt(`${whole}${fraction.padEnd(CURRENCY_DECIMALS, '0')}`), currency)
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
    usedLine(parseAmount(spent) + parseAmount(held), parseAmount(cap)),
    facts([
      ['Spent', money(spent)],
      ['Held', `${money(held)}${parseAmount(held) > 0n ? '  (set aside: it waits for people, or its outcome is not known yet)' : ''}`],
      ...(session.payments === undefined ? [] : [['Payments', `${session.payments}${countBound(session)}`] as const]),
      ['State', session.state],
      ...refillFacts(session),
      ['Expires', session.expiresAt],
      ...ceilingFacts(session),
    ]),
  ].join('\n')
}

function usedLine(used: bigint, cap: bigint): string {
  return `[${bar(used, cap)}] ${cap > 0n ? `${(used * 100n) / cap}% ` : ''}used`
}

/** What is left of the money is no use to a session that has made all its payments. */
function countBound({ singleUse, limits }: SessionAnswer): string {
  const most = singleUse ? 1 : limits?.payments
  return most === undefined || most === null ? '' : ` of ${most}`
}

/** A cap beyond what the wallet holds promises money that is not there. */
function ceilingFacts({ outerCeiling }: SessionAnswer): (readonly [string, string])[] {
  return outerCeiling?.warning ? [['Warning', outerCeiling.warning]] : []
}

function refillFacts({ refill, refillsAt, currency }: SessionAnswer): (readonly [string, string])[] {
  if (!refill) return []
  const next = refillsAt ? `; the next at ${refillsAt}` : ''
  return [['Refill', `${display(refill.amount, currency)} every ${refill.every}, up to ${display(refill.max, currency)} remaining${next}`]]
}
