import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DurationError, formatDuration, parseDuration, secondsFor, spanInWords } from '../../src/session/duration.ts'

describe('parseDuration', () => {
  it.each([
    ['0s', 0],
    ['250ms', 250],
    ['30s', 30_000],
    ['10m', 600_000],
    ['1h', 3_600_000],
    ['7d', 604_800_000],
  ])('reads %s', (written, duration_ms) => {
    expect(parseDuration(written)).toBe(duration_ms)
  })

  it.each([
    '',
    '1',
    'h',
    '1 h',
    '-1h',
    '+1h',
    '01h',
    '1.5h',
    '1H',
    '1w',
    '1h30m',
    '1e3s',
    '9999999999d',
    '١h',
    'constructor',
    '1constructor',
  ])('refuses %j', (written) => {
    expect(() => parseDuration(written)).toThrow(DurationError)
  })

  it('says of a bare number that its unit is missing', () => {
    expect(() => parseDuration(60)).toThrow('not a duration: 60 (a unit is missing: write "60s" for seconds, "60m" for minutes)')
    expect(() => parseDuration('60')).toThrow('a unit is missing')
  })
})

describe('formatDuration', () => {
  it.each([
    [0, '0s'],
    [250, '250ms'],
    [90_000, '90s'],
    [5_400_000, '90m'],
    [86_400_000, '1d'],
  ])('writes %d as %s', (duration_ms, written) => {
    expect(formatDuration(duration_ms)).toBe(written)
  })

  it('is read back as the same duration', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 9_999_999_999 }), (span_ms) => parseDuration(formatDuration(span_ms)) === span_ms))
  })
})

describe('spanInWords', () => {
  it.each([
    [3_600_000, 'hour'],
    [600_000, '10 minutes'],
    [86_400_000, 'day'],
    [1_500, '1500 milliseconds'],
  ])('%d is %s', (duration_ms, words) => {
    expect(spanInWords(duration_ms)).toBe(words)
  })
})

describe('secondsFor', () => {
  it.each([
    [-5, 1],
    [0, 1],
    [1, 1],
    [1_000, 1],
    [1_001, 2],
    [59_999.5, 60],
  ])('whoever comes back after %i ms has waited long enough', (duration_ms, seconds) => {
    expect(secondsFor(duration_ms)).toBe(seconds)
  })
})
