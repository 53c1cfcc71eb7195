/** How amounts, times and addresses are written. Amounts are decimal strings and stay exact: no Number ever holds money. */

const DECIMAL = /^(-?)([0-9]+)(?:\.([0-9]{1,6}))?$/
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** Millionths. @throws RangeError for what is no decimal amount */
export function millionths(decimal: string): bigint {
  const [, sign, whole = '', fraction = ''] = DECIMAL.exec(decimal) ?? []
  if (sign === undefined) throw new RangeError(`not an amount: ${decimal}`)
  const size = BigInt(whole) * 1_000_000n + BigInt(fraction.padEnd(6, '0'))
  return sign === '-' ? -size : size
}

/** The amount of so many millionths: "0.30", "-1.5". */
export function decimalOf(amount: bigint): string {
  const size = amount < 0n ? -amount : amount
  const fraction = (size % 1_000_000n)
    .toString()
    .padStart(6, '0')
    .replace(/0{1,4}$/, '')
  return `${amount < 0n ? '-' : ''}${size / 1_000_000n}.${fraction}`
}

/** Exactly. */
export function sumOf(decimals: readonly string[]): string {
  return decimalOf(decimals.reduce((sum, decimal) => sum + millionths(decimal), 0n))
}

/** "$1,234.50", "8.47 EUR"; what is no amount is shown as it came. */
export function money(decimal: string, currency: string): string {
  const [, sign, whole = '', fraction = ''] = DECIMAL.exec(decimal) ?? []
  if (sign === undefined) return `${decimal} ${currency}`
  const grouped = whole.replace(/\B(?=(?:\d{3})+$)/g, ',')
  const text = `${grouped}.${fraction.replace(/0+$/, '').padEnd(2, '0')}`
  return currency === 'USD' ? `${sign}$${text}` : `${sign}${text} ${currency}`
}

/** The share of `part` in `whole`, 0 to 1, for widths only; nothing has no share. */
export function ratio(part: string, whole: string): number {
  const [of, all] = [millionths(part), millionths(whole)]
  if (all <= 0n || of <= 0n) return 0
  return of >= all ? 1 : Number((of * 10_000n) / all) / 10_000
}

export interface Zone {
  /** IANA name; the reader's own where absent. */
  readonly timeZone?: string
  readonly locale?: string
}

/** "27 Jun 2026, 14:03:09" in the reader's own zone. */
export function when(iso: string, { timeZone, locale = 'en-GB' }: Zone = {}): string {
  const at = Date.parse(iso)
  if (Number.isNaN(at)) return iso
  const zone = timeZone === undefined ? {} : { timeZone }
  return new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'medium', ...zone }).format(at)
}

const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z$/

/** A value of a list of facts, as people write it: an instant in the reader's own zone, anything else as it came. */
export function readable(value: string, zone: Zone = {}): string {
  return INSTANT.test(value) ? when(value, zone) : value
}

/** "now", "40 s ago", "3 min ago", "in 2 h"; @param now milliseconds since 1970 */
export function ago(iso: string, now: number): string {
  const passed_ms = now - Date.parse(iso)
  if (Number.isNaN(passed_ms)) return iso
  const span = spanOf(Math.abs(passed_ms))
  if (span === '') return 'now'
  return passed_ms > 0 ? `${span} ago` : `in ${span}`
}

function spanOf(length_ms: number): string {
  if (length_ms < 5_000) return ''
  if (length_ms < MINUTE_MS) return `${Math.floor(length_ms / 1_000)} s`
  if (length_ms < HOUR_MS) return `${Math.floor(length_ms / MINUTE_MS)} min`
  if (length_ms < 2 * DAY_MS) return `${Math.floor(length_ms / HOUR_MS)} h`
  return `${Math.floor(length_ms / DAY_MS)} days`
}

/** What is left until then: "0:27", "3:59:12"; "0:00" when it is over. A started second counts. */
export function countdown(until: string, now: number): string {
  const left = Math.max(0, Math.ceil((Date.parse(until) - now) / 1_000))
  const [hours, minutes, seconds] = [Math.floor(left / 3600), Math.floor((left % 3600) / 60), left % 60]
  const two = (value: number) => String(value).padStart(2, '0')
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`
}

/** "0x1234…cdef": for where the whole one stands nearby. */
export function shortAddress(text: string): string {
  return /^0x[0-9a-fA-F]{16,}$/.test(text) ? `${text.slice(0, 6)}…${text.slice(-4)}` : text
}

/** "awaiting_approval" as people write it: "awaiting approval". */
export function words(name: string): string {
  return name.replaceAll('_', ' ')
}
