import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readTime_s } from '../../../src/rails/mpp/time.ts'

describe('times', () => {
  it.each([
    ['2027-01-15T08:05:00Z', 1_800_000_300],
    ['2027-01-15T08:05:00.999999999Z', 1_800_000_300],
    ['2027-01-15T10:05:00+02:00', 1_800_000_300],
    ['2027-01-15T03:35:00-04:30', 1_800_000_300],
  ])('%s', (text, time_s) => {
    expect(readTime_s(text)).toBe(time_s)
  })

  it.each([
    '',
    '2027-01-15',
    '2027-01-15T08:05:00',
    '2027-01-15 08:05:00Z',
    '2027-02-30T00:00:00Z',
    '2027-01-15T24:00:00Z',
    '2027-01-15T08:05:60Z',
    '2027-01-15T08:05:00+24:00',
    '2027-01-15T08:05:00+02:60',
    '1960-01-01T00:00:00Z',
    '1800000300',
    '+012027-01-15T08:05:00Z',
  ])('%s is none', (text) => {
    expect(readTime_s(text)).toBeUndefined()
  })

  it('what a clock writes is read to the second', () => {
    const ms = fc.integer({ min: 1_000, max: 253_402_300_799_000 })
    fc.assert(fc.property(ms, (at) => readTime_s(new Date(at).toISOString()) === Math.floor(at / 1000)))
  })
})
