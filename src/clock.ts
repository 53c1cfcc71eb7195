/** Time and names come in from outside, so that a test can hold both in its hand. */
import { randomBytes } from 'node:crypto'

export interface Clock {
  /** Wall time in milliseconds since 1970. For records and for what others sign. */
  now(): number
  /** Milliseconds that never step back. For every duration. */
  monotonic(): number
}

export const systemClock: Clock = { now: () => Date.now(), monotonic: () => performance.now() }

/** Makes a fresh name with 128 random bits: `ids('pay')` is like `pay_Q3mZ…`. URL-safe. */
export type Ids = (prefix: string) => string

export const randomIds: Ids = (prefix) => `${prefix}_${randomBytes(16).toString('base64url')}`
