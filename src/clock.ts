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

/** Makes a fresh name with 128 random bits: `ids('pay')` is like `pay_Q3mZ…`. URL-safe. */
export type Ids = (prefix: string) => string

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
  return `${prefix}_${pool.toString('base64url', start, used)}`
}
