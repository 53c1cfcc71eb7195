/** What a recipient has asked for over time, for a plot. Exact amounts stand beside it: the plot alone rounds. */
import { millionths, money } from '../format.ts'
import type { RecipientPayment } from './shapes.ts'

export interface Prices {
  /** Seconds since 1970, ascending, each once. */
  readonly at_s: readonly number[]
  /** For drawing only. */
  readonly prices: readonly number[]
  /** What is written for each of them. */
  readonly texts: readonly string[]
  readonly currency: string
  /** Paid or refused, in this currency; the extremes are of all of them. Decimals. */
  readonly count: number
  readonly lowest: string
  readonly highest: string
}

/** Of the newest payment's currency alone; of several in a second the dearest. @param payments newest first */
export function pricesOf(payments: readonly Pick<RecipientPayment, 'at' | 'amount' | 'currency'>[]): Prices {
  const currency = payments[0]?.currency ?? ''
  const asked = payments.filter((one) => one.currency === currency)
  const bySecond = new Map<number, string>()
  for (const { at, amount } of asked) {
    const second = Math.floor(Date.parse(at) / 1_000)
    const known = bySecond.get(second)
    if (known === undefined || millionths(known) < millionths(amount)) bySecond.set(second, amount)
  }
  const points = [...bySecond].sort(([one], [other]) => one - other)
  const sorted = asked.map(({ amount }) => amount).sort((one, other) => (millionths(one) < millionths(other) ? -1 : 1))
  return {
    at_s: points.map(([second]) => second),
    prices: points.map(([, amount]) => Number(amount)),
    texts: points.map(([, amount]) => money(amount, currency)),
    currency,
    count: asked.length,
    lowest: sorted[0] ?? '0',
    highest: sorted.at(-1) ?? '0',
  }
}
