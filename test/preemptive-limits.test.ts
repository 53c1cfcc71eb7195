import { describe, expect, it } from 'vitest'
import { MIN_WINDOW_LEFT_S, MIN_WINDOW_S } from '../src/limits.ts'
import * as limits from '../src/preemptive-limits.ts'

describe('limits of paying with the first attempt', () => {
  it.each(Object.entries(limits))('%s is a whole number above zero', (_name, value) => {
    expect(Number.isSafeInteger(value) && value > 0).toBe(true)
  })

  it('what nobody asked for lives no longer than the shortest window, and a route that is paid so answers well within it', () => {
    expect(limits.PREEMPTIVE_WINDOW_S).toBe(MIN_WINDOW_S)
    expect(limits.PREEMPTIVE_MAX_ANSWER_MS).toBeLessThan((MIN_WINDOW_S - MIN_WINDOW_LEFT_S) * 1_000)
  })
})
