/** Time and names come in from outside, so that a test can hold both in its hand. */
import { randomFillSync } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'

export interface Clock {
  /** Wall time in milliseconds since 1970. For records and for what others sign. */
  now(): number
  /** Milliseconds that never step back. For every duration. */
  monotonic(): number
}

export const systemClock: Clock = { now: () => Date.now(), monotonic: () => performance.now() }

/** Waits for so many milliseconds; rejects early when the signal comes. */
export type Pause = (ms: number, signal: AbortSignal) => Promise<unknown>

/** Keeps no process alive. */
export const systemPause: Pause = (ms, signal) => wait(ms, undefined, { signal, ref: false })

/** Makes a fresh name with 128 random bits: `ids('ses')` is like `ses_Q3mZ…`. URL-safe. */
export type Ids = (prefix: string) => string

/** Names in large indexes: behind the prefix comes the time, so that an index grows at its end, however large it is. */
const TIMED: ReadonlySet<string> = new Set(['pay'])
/** In the order of bytes, which is that of indexes. */
const ORDERED = '-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz'
/** Enough until 2109. */
const TIME_CHARS = 7

const ID_BYTES = 16
/** Drawn in one go, because each call into the system's generator costs more than all the rest of a name. */
const pool = Buffer.alloc(256 * ID_BYTES)
let used = pool.length

export const randomIds: Ids = (prefix) => {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const start = used
  used += ID_BYTES
  const time = TIMED.has(prefix) ? timeText(Date.now()) : ''
  return `${prefix}_${time}${pool.toString('base64url', start, used)}`
}

let told = { now: -1, text: '' }

/** Milliseconds since 1970 in six bits a character; the same for all names of one millisecond. */
function timeText(now: number): string {
  if (told.now !== now) {
    const digits = Array.from({ length: TIME_CHARS }, (_, place) => ORDERED[Math.floor(now / 64 ** (TIME_CHARS - 1 - place)) % 64])
    told = { now, text: digits.join('') }
  }
  return told.text
}
