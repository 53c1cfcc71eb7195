import { describe, expect, it, vi } from 'vitest'
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
    const ids = Array.from({ length: 1_000 }, () => randomIds('ses'))
    expect(ids.every((id) => /^ses_[A-Za-z0-9_-]{22}$/.test(id))).toBe(true)
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('puts the time before the 128 bits of a payment’s name, and before nobody else’s', () => {
    const now = vi.spyOn(Date, 'now')
    const names = [0, 1, 63, 64, 4_095, 1_782_561_600_000, 1_782_561_600_001, 2 ** 42 - 1].map((at) => {
      now.mockReturnValue(at)
      return [randomIds('pay'), randomIds('pay')].sort()
    })
    now.mockRestore()
    expect(names.flat()).toEqual(names.flat().toSorted())
    for (const name of names.flat()) expect(name).toMatch(/^pay_[A-Za-z0-9_-]{29}$/)
    expect(new Set(names.flat().map((name) => name.slice(-22))).size).toBe(names.flat().length)
    for (const secret of ['pat', 'con', 'ses']) expect(randomIds(secret)).toMatch(/^[a-z]+_[A-Za-z0-9_-]{22}$/)
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
