/** Numbers of several rounds as one number. */

/** The middle of the values, or the mean of the two in the middle. NaN where there are none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  const [low = Number.NaN, high = Number.NaN] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]]
  return (low + high) / 2
}

/** The nearest-rank percentile. @param sorted ascending. @param share between 0 and 1. NaN where there are none. */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  const rank = Math.max(1, Math.ceil(share * sorted.length))
  return sorted[rank - 1] ?? Number.NaN
}

/**
 * How often one is the other: the median of the ratios within each round. The machine's mood changes from round to round,
 * and less within one. Rounds that only one of them has are left out.
 */
export function ratioOf(ours: readonly number[], theirs: readonly number[]): number {
  const rounds = Math.min(ours.length, theirs.length)
  return median(Array.from({ length: rounds }, (_, at) => (ours[at] ?? Number.NaN) / (theirs[at] ?? Number.NaN)))
}

/** Durations in the order they came in, bounded: beyond `max` every further one replaces an old one in turn. */
export class Durations {
  readonly #values: Float64Array
  #count = 0

  constructor(max: number) {
    this.#values = new Float64Array(max)
  }

  get count(): number {
    return this.#count
  }

  add(duration_ms: number): void {
    this.#values[this.#count % this.#values.length] = duration_ms
    this.#count++
  }

  clear(): void {
    this.#count = 0
  }

  sorted(): Float64Array {
    return this.#values.slice(0, Math.min(this.#count, this.#values.length)).sort()
  }
}

/** Columns as wide as their widest cell; the first stands left, numbers stand right. */
export function tableText(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length)
  return rows
    .map((row) => row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join('  '))
    .map((line) => line.trimEnd())
    .join('\n')
}
