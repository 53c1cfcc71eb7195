/**
 * Price drift: whether a resource costs much more than this agent is used to. Sudden: more than a factor of the median of
 * the last payments for the same kind of resource. Slow: more than that factor of the median of the oldest ones that the
 * span of memory reaches, so that many small steps are seen too.
 */
import { MIN_PRICE_SAMPLES } from '../limits.ts'
import { displayAmount } from '../money.ts'
import { spanInWords } from '../session/duration.ts'
import type { PastPrices } from '../session/history.ts'
import type { Concern } from './decision.ts'

/** As the operator wrote it: more than `factor` (in millionths, above one) within `over_ms` is a drift, and then? */
export interface PriceDriftRule {
  readonly factor: bigint
  readonly over_ms: number
  readonly on: Concern['on']
}

export interface PriceDrift {
  readonly kind: 'sudden' | 'slow'
  /** The median that it is compared with, in millionths. */
  readonly usual: bigint
  readonly on: Concern['on']
  readonly sentence: string
}

export interface Price {
  /** Millionths of `currency`. */
  readonly amount: bigint
  readonly currency: string
}

const ONE = 1_000_000n

/** Undefined where the price is not out of the usual, or too little is known to say what is usual. */
export function priceDriftOf(price: Price, past: PastPrices, rule: PriceDriftRule): PriceDrift | undefined {
  const sudden = beyond(price, past.latest, rule)
  if (sudden !== undefined) {
    const usual = `its last ${past.latest.length} payments for this kind of resource cost ${displayAmount(sudden, price.currency)} in the median`
    return { kind: 'sudden', usual: sudden, on: rule.on, sentence: sentenceOf(price, usual, rule) }
  }
  const slow = beyond(price, past.earliest, rule)
  if (slow === undefined) return undefined
  const first = `the first ${past.earliest.length} of the last ${spanInWords(rule.over_ms)} cost ${displayAmount(slow, price.currency)} in the median`
  const usual = `${first}, and the price has risen step by step since`
  return { kind: 'slow', usual: slow, on: rule.on, sentence: sentenceOf(price, usual, rule) }
}

function sentenceOf({ amount, currency }: Price, usual: string, { factor }: PriceDriftRule): string {
  return `The price has drifted: it is ${displayAmount(amount, currency)}, more than ${factorInWords(factor)} times what this agent is used to (${usual}).`
}

/** The median, where the amount is more than the factor of it. */
function beyond({ amount }: Price, past: readonly bigint[], { factor }: PriceDriftRule): bigint | undefined {
  if (past.length < MIN_PRICE_SAMPLES) return undefined
  const usual = median(past)
  return amount * ONE > usual * factor ? usual : undefined
}

/** The lower one of the two in the middle: against the payer's comfort, for the payer's purse. */
function median(amounts: readonly bigint[]): bigint {
  const sorted = amounts.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0n
}

function factorInWords(factor: bigint): string {
  const rest = (factor % ONE).toString().padStart(6, '0').replace(/0+$/, '')
  return rest === '' ? `${factor / ONE}` : `${factor / ONE}.${rest}`
}
