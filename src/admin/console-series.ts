/** What the overview counts and plots, from sums of payments. Pure. */
import type { Ledger, PaymentState } from '../ledger/ledger.ts'
import { formatAmount } from '../money.ts'
import { MAX_OVERVIEW_REFUSALS, MAX_OVERVIEW_TIERS } from '../people-limits.ts'
import { OUTCOME } from './session-summary.ts'
import { amountsOf } from './views.ts'

export type Activity = Awaited<ReturnType<Ledger['insight']['activity']>>[number]
export type Steps = Parameters<Ledger['insight']['activity']>[0]

type Outcome = 'settled' | 'open' | 'unknown' | 'expired' | 'void' | 'refused'

const SHOWN = { ...OUTCOME, denied: 'refused' } as const satisfies Record<PaymentState, Outcome>

export function countsOf(found: readonly Activity[]): Record<Outcome, number> {
  const counts = { settled: 0, open: 0, unknown: 0, expired: 0, void: 0, refused: 0 }
  for (const one of found) counts[outcomeOf(one)] += one.count
  return counts
}

/** What people said no to after it was reserved was refused, too, although it ends as void. */
function outcomeOf({ state, code }: Pick<Activity, 'state' | 'code'>): Outcome {
  return state === 'void' && code !== null ? 'refused' : SHOWN[state]
}

/** As the ledger counts it: what is held is not spent yet. */
function isSpent(one: Activity): boolean {
  const outcome = outcomeOf(one)
  return outcome === 'settled' || outcome === 'expired'
}

export function paidIn(found: readonly Activity[]): Record<string, string> {
  const sums: Record<string, bigint> = {}
  for (const { currency, amount } of found.filter(isSpent)) if (currency !== null) sums[currency] = (sums[currency] ?? 0n) + amount
  return amountsOf(sums)
}

/** Most first. */
export function refusalsOf(found: readonly Activity[]): { code: string; count: number }[] {
  const counts = new Map<string, number>()
  for (const { code, count } of found.filter((one) => outcomeOf(one) === 'refused'))
    if (code !== null) counts.set(code, (counts.get(code) ?? 0) + count)
  const all = [...counts].map(([code, count]) => ({ code, count }))
  return all.sort((a, b) => b.count - a.count || (a.code < b.code ? -1 : 1)).slice(0, MAX_OVERVIEW_REFUSALS)
}

interface Line {
  readonly tier: string
  readonly currency: string
  readonly amounts: bigint[]
  readonly counts: number[]
}

interface Series {
  readonly at_s: number[]
  readonly tiers: { readonly tier: string; readonly currency: string; readonly amounts: string[]; readonly counts: number[] }[]
  readonly refused: number[]
}

/** A point for each step, also where nothing happened. Tiers beyond the bound share the line `*`. */
export function seriesOf(found: readonly Activity[], { since, until, step_ms }: Steps): Series {
  const length = (until - since) / step_ms
  const stepOf = ({ at }: Activity) => Math.floor((at - since) / step_ms)
  const lines = new Map<string, Line>()
  for (const one of found.filter(isSpent)) {
    const line = lineFor(one, lines, length)
    line.amounts[stepOf(one)] = (line.amounts[stepOf(one)] ?? 0n) + one.amount
    line.counts[stepOf(one)] = (line.counts[stepOf(one)] ?? 0) + one.count
  }
  const refused = new Array<number>(length).fill(0)
  for (const one of found) if (outcomeOf(one) === 'refused') refused[stepOf(one)] = (refused[stepOf(one)] ?? 0) + one.count
  return {
    at_s: refused.map((_, step) => (since + step * step_ms) / 1000),
    tiers: [...lines.values()].map(({ amounts, ...line }) => ({ ...line, amounts: amounts.map(formatAmount) })),
    refused,
  }
}

function lineFor({ tier, currency }: Activity, lines: Map<string, Line>, length: number): Line {
  const named = { tier, currency: currency ?? '' }
  const own = lines.get(keyOf(named))
  if (own) return own
  const shared = lines.size >= MAX_OVERVIEW_TIERS ? { ...named, tier: '*' } : named
  const line = lines.get(keyOf(shared)) ?? {
    ...shared,
    amounts: new Array<bigint>(length).fill(0n),
    counts: new Array<number>(length).fill(0),
  }
  lines.set(keyOf(shared), line)
  return line
}

function keyOf({ tier, currency }: Pick<Line, 'tier' | 'currency'>): string {
  return `${currency}\n${tier}`
}
