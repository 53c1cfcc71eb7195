/** Spans of time as people write them: a whole number and a unit. */

/** Thrown when text is not a duration. */
export class DurationError extends Error {
  override readonly name = 'DurationError'
}

const UNITS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const
const NAMES = { d: 'day', h: 'hour', m: 'minute', s: 'second', ms: 'millisecond' } as const
type Unit = keyof typeof UNITS

const isUnit = (text: string): text is Unit => Object.hasOwn(UNITS, text)

/**
 * Reads "250ms", "30s", "10m", "1h" or "7d" into milliseconds.
 * @throws DurationError for everything else; for a bare number the message says that a unit is missing.
 */
export function parseDuration(value: string | number): number {
  const [, digits = '', unit = ''] = /^(0|[1-9][0-9]{0,9})([a-z]+)$/.exec(String(value)) ?? []
  const duration_ms = isUnit(unit) ? Number.parseInt(digits, 10) * UNITS[unit] : Number.NaN
  if (Number.isSafeInteger(duration_ms)) return duration_ms
  const bare = /^[0-9]+$/.test(String(value))
  const hint = bare ? `a unit is missing: write "${value}s" for seconds, "${value}m" for minutes` : 'write it like 30s, 10m, 1h or 7d'
  throw new DurationError(`not a duration: ${JSON.stringify(value)} (${hint})`)
}

/** Whole seconds that are not too short, for `Retry-After`: at least one. */
export function secondsFor(duration_ms: number): number {
  return Math.max(1, Math.ceil(duration_ms / UNITS.s))
}

/** Writes milliseconds with the largest unit that fits exactly: 5_400_000 is "90m". */
export function formatDuration(duration_ms: number): string {
  const unit = fittingUnit(duration_ms)
  return `${duration_ms / UNITS[unit]}${unit}`
}

/** For sentences: 3_600_000 is "hour", 600_000 is "10 minutes". */
export function spanInWords(duration_ms: number): string {
  const unit = fittingUnit(duration_ms)
  const count = duration_ms / UNITS[unit]
  return count === 1 ? NAMES[unit] : `${count} ${NAMES[unit]}s`
}

function fittingUnit(duration_ms: number): Unit {
  if (duration_ms === 0) return 's'
  for (const unit of ['d', 'h', 'm', 's'] as const) if (duration_ms % UNITS[unit] === 0) return unit
  return 'ms'
}
