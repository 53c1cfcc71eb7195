/** A clock and ids that a test holds in its hand. */
import type { Clock, Ids } from '../src/clock.ts'

export interface TestClock extends Clock {
  advance(ms: number): void
}

export function testClock(start = Date.parse('2026-06-27T12:00:00Z')): TestClock {
  let elapsed = 0
  return {
    now: () => start + elapsed,
    monotonic: () => elapsed,
    advance: (ms) => {
      elapsed += ms
    },
  }
}

/** pay_000001, pay_000002, … */
export function countingIds(): Ids {
  let count = 0
  return (prefix) => `${prefix}_${String(++count).padStart(6, '0')}`
}
