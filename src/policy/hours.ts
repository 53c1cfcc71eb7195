/** Hours of the week in a time zone, as people write them: `Mon-Fri 08:00-18:00 Europe/Berlin`. */

/** Text is not a span of hours. */
export class HoursError extends Error {
  override readonly name = 'HoursError'
}

/** What a text says. Minutes of the local day; `to` is later than midnight where it is less than `from`. */
interface Span {
  /** As in `DAYS`. */
  readonly days: ReadonlySet<string>
  readonly from: number
  readonly to: number
  readonly zone: string
}

export const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const

const HINT = 'write them like "Mon-Fri 08:00-18:00 Europe/Berlin"'
const TEXT = /^(?:([A-Za-z,-]+) )?([0-9]{2}:[0-9]{2})-([0-9]{2}:[0-9]{2}) (\S+)$/
const DAY_MINUTES = 24 * 60
const MINUTE_MS = 60_000

/** By zone: making one costs more than a whole decision. */
const formats = new Map<string, Intl.DateTimeFormat>()

/**
 * The text in its one spelling.
 * @throws HoursError that says what is wrong
 */
export function canonicalHours(text: string): string {
  const { days, from, to, zone } = spanIn(text)
  return `${days.size === DAYS.length ? '' : `${DAYS.filter((day) => days.has(day)).join(',')} `}${clock(from)}-${clock(to)} ${zone}`
}

/**
 * Whether the moment lies within the hours, by the clocks on the wall there: in the night in which they are put forward
 * or back, `02:00-03:00` is an hour that is missing or comes twice. A span over midnight belongs to the day it begins on.
 * @param now milliseconds since 1970
 */
export function isWithin(text: string, now: number): boolean {
  const { days, from, to, zone } = spanIn(text)
  const { day, minute } = localTime(now, zone)
  if (from < to) return days.has(day) && minute >= from && minute < to
  return (days.has(day) && minute >= from) || (days.has(dayBefore(day)) && minute < to)
}

/**
 * A moment at which these hours hold again, in milliseconds since 1970: their next beginning, except in the week in which
 * clocks change, where it may be a later moment of them, or undefined.
 * @param now a moment outside of them
 */
export function opensAt(text: string, now: number): number | undefined {
  const { days, from, zone } = spanIn(text)
  const { minute } = localTime(now, zone)
  const begun = now - (now % MINUTE_MS)
  for (let day = 0; day <= DAYS.length; day++) {
    const at = begun + (day * DAY_MINUTES + from - minute) * MINUTE_MS
    // Where the clocks change between now and then, the wall shows another time than was counted, or never shows this one.
    const corrected = at + nearest(from - localTime(at, zone).minute) * MINUTE_MS
    const opening = [corrected, at].find((one) => one > now && days.has(localTime(one, zone).day) && isWithin(text, one))
    if (opening !== undefined) return opening
  }
  return undefined
}

/** The shorter way around the day. */
function nearest(minutes: number): number {
  if (minutes > DAY_MINUTES / 2) return minutes - DAY_MINUTES
  return minutes < -DAY_MINUTES / 2 ? minutes + DAY_MINUTES : minutes
}

/** "Sunday 03:12 in Europe/Berlin", for the zone of these hours. */
export function momentIn(text: string, now: number): string {
  const { zone } = spanIn(text)
  const { day, minute } = localTime(now, zone)
  return `${day} ${clock(minute)} in ${zone}`
}

function spanIn(text: string): Span {
  const [, days, from = '', to = '', zone = ''] = TEXT.exec(text.trim().replace(/ +/g, ' ')) ?? []
  if (zone === '') throw new HoursError(HINT)
  const span = { days: daysIn(days), from: minutesIn(from), to: minutesIn(to), zone }
  if (span.from === DAY_MINUTES || span.from === span.to) throw new HoursError(`${from}-${to} is no time: the whole day is 00:00-24:00`)
  formatOf(zone)
  return span
}

function daysIn(text: string | undefined): ReadonlySet<string> {
  if (text === undefined) return new Set(DAYS)
  const found = new Set<string>()
  for (const part of text.split(',')) {
    const [first = '', last = first, ...more] = part.split('-')
    if (more.length > 0) throw new HoursError(`${part} is no span of days; ${HINT}`)
    for (let at = dayNumber(first); ; at = (at + 1) % DAYS.length) {
      found.add(DAYS[at] ?? '')
      if (at === dayNumber(last)) break
    }
  }
  return found
}

function dayNumber(name: string): number {
  const at = DAYS.findIndex((day) => day.toLowerCase() === name.toLowerCase())
  if (at < 0) throw new HoursError(`${JSON.stringify(name)} is no day: write ${DAYS.join(', ')}`)
  return at
}

function minutesIn(text: string): number {
  const [hours = 0, minutes = 0] = text.split(':').map((digits) => Number.parseInt(digits, 10))
  const all = hours * 60 + minutes
  if (minutes > 59 || all > DAY_MINUTES) throw new HoursError(`${text} is no time of day: write 00:00 to 24:00`)
  return all
}

function localTime(now: number, zone: string): { readonly day: string; readonly minute: number } {
  const parts = new Map(
    formatOf(zone)
      .formatToParts(now)
      .map(({ type, value }) => [type, value]),
  )
  return { day: parts.get('weekday') ?? '', minute: minutesIn(`${parts.get('hour')}:${parts.get('minute')}`) }
}

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone)
  if (known) return known
  const format = formatFor(zone)
  formats.set(zone, format)
  return format
}

function formatFor(timeZone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone, weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
  } catch (cause) {
    if (cause instanceof RangeError) throw new HoursError(`${timeZone} is no time zone: write UTC or a name like Europe/Berlin`)
    throw cause
  }
}

function dayBefore(day: string): string {
  return DAYS[(dayNumber(day) + DAYS.length - 1) % DAYS.length] ?? ''
}

function clock(minutes: number): string {
  const two = (value: number) => String(value).padStart(2, '0')
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
}
