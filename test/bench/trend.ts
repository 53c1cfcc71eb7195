/** Whether what is sampled over a long run stays flat. */

export interface Sample {
  /** Since the start. */
  readonly at_s: number
  readonly value: number
}

export interface Bound {
  /** What the last two thirds may rise by, of their mean, and at least this much whatever the mean is. */
  readonly share: number
  readonly slack: number
}

export interface Trend {
  readonly mean: number
  /** What the fitted line rises by over the last two thirds; negative where it falls. */
  readonly rise: number
  readonly allowed: number
  readonly isFlat: boolean
}

/** The first third is the warm-up, in which caches fill; a line is fitted to the rest. */
export function trendOf(samples: readonly Sample[], { share, slack }: Bound): Trend {
  const last = samples.at(-1)?.at_s ?? 0
  const rest = samples.filter(({ at_s }) => at_s >= last / 3)
  const mean = meanOf(rest.map(({ value }) => value))
  const middle_s = meanOf(rest.map(({ at_s }) => at_s))
  const spread = rest.reduce((sum, { at_s }) => sum + (at_s - middle_s) ** 2, 0)
  const slope = rest.reduce((sum, { at_s, value }) => sum + (at_s - middle_s) * (value - mean), 0) / spread
  const rise = slope * (last - (rest[0]?.at_s ?? 0))
  const allowed = Math.max(mean * share, slack)
  return { mean, rise, allowed, isFlat: rise <= allowed }
}

const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
