/** Spending over time as a plot draws it: one series for each tier, in one currency. */
import { sumOf } from '../format.ts'

export interface TierSpending {
  readonly tier: string
  readonly currency: string
  /** Decimals, one for each step. */
  readonly amounts: readonly string[]
  readonly counts: readonly number[]
}

export interface Drawn {
  readonly label: string
  readonly values: readonly number[]
  readonly texts: readonly string[]
  /** Exact, over all steps. */
  readonly total: string
  readonly count: number
}

/** In the order of the answer; dollars first where there are any. */
export function currenciesOf(tiers: readonly TierSpending[]): string[] {
  const found = [...new Set(tiers.map(({ currency }) => currency))]
  return found.sort((one, other) => Number(other === 'USD') - Number(one === 'USD'))
}

/** Those of one currency. Numbers are for drawing; what is said is exact. */
export function drawnIn(currency: string, tiers: readonly TierSpending[]): Drawn[] {
  return tiers
    .filter((one) => one.currency === currency)
    .map(({ tier, amounts, counts }) => ({
      label: tier === '*' ? 'other tiers' : tier,
      values: amounts.map(Number),
      texts: amounts,
      total: sumOf(amounts),
      count: counts.reduce((sum, count) => sum + count, 0),
    }))
}
