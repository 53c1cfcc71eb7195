import { describe, expect, it } from 'vitest'
import { randomIds, systemClock } from '../src/clock.ts'
import { countingIds, testClock } from './clock.ts'

describe('systemClock', () => {
  it('tells wall time in milliseconds since 1970', () => {
    const before = Date.now()
    expect(systemClock.now()).toBeGreaterThanOrEqual(before)
    expect(systemClock.now()).toBeLessThanOrEqual(Date.now())
  })

  it('never steps back', () => {
    const first = systemClock.monotonic()
    expect(systemClock.monotonic()).toBeGreaterThanOrEqual(first)
  })
})

describe('randomIds', () => {
  it('makes URL-safe names of 128 bits that do not repeat', () => {
    const ids = Array.from({ length: 1_000 }, () => randomIds('pay'))
    expect(ids.every((id) => /^pay_[A-Za-z0-9_-]{22}$/.test(id))).toBe(true)
    expect(new Set(ids).size).toBe(ids.length)
  })
})

describe('the clock and the ids of tests', () => {
  it('stand still until they are moved', () => {
    const clock = testClock(1_000)
    expect([clock.now(), clock.monotonic()]).toEqual([1_000, 0])
    clock.advance(5)
    expect([clock.now(), clock.monotonic()]).toEqual([1_005, 5])
    const ids = countingIds()
    expect([ids('a'), ids('b')]).toEqual(['a_000001', 'b_000002'])
  })
})
