/** How the console writes amounts, times and addresses. */
import { describe, expect, it } from 'vitest'
import {
  ago,
  countdown,
  decimalOf,
  millionths,
  money,
  ratio,
  readable,
  shortAddress,
  sumOf,
  when,
  words,
} from '../../src/console/format.ts'

describe('amounts', () => {
  it.each([
    ['8.47', 'USD', '$8.47'],
    ['1234567.5', 'USD', '$1,234,567.50'],
    ['0.001', 'USD', '$0.001'],
    ['25', 'EUR', '25.00 EUR'],
    ['-0.5', 'USD', '-$0.50'],
    ['<b>', 'USD', '<b> USD'],
  ])('%s %s is written %s', (decimal, currency, text) => {
    expect(money(decimal, currency)).toBe(text)
  })

  it('no digit is lost on amounts that a Number cannot hold', () => {
    expect(money('9007199254740993.000001', 'USD')).toBe('$9,007,199,254,740,993.000001')
    expect(sumOf(['9007199254740992.000001', '1'])).toBe('9007199254740993.000001')
    expect(sumOf(['0.1', '0.2'])).toBe('0.30')
  })

  it('what is read is written again, and what is no amount is no number either', () => {
    for (const text of ['0.00', '4.999', '-1.50']) expect(decimalOf(millionths(text))).toBe(text)
    expect(() => millionths('1e3')).toThrow('not an amount: 1e3')
  })

  it.each([
    ['2.50', '10', 0.25],
    ['11', '10', 1],
    ['0', '10', 0],
    ['1', '0', 0],
    ['-1', '10', 0],
    ['1', '3', 0.3333],
  ])('the share of %s in %s is %d, and never beyond the whole', (part, whole, share) => {
    expect(ratio(part, whole)).toBe(share)
  })
})

describe('times', () => {
  const now = Date.parse('2026-06-27T14:00:00Z')
  const at = (offset_ms: number) => new Date(now + offset_ms).toISOString()

  it.each([
    [-1_000, 'now'],
    [-40_000, '40 s ago'],
    [-180_000, '3 min ago'],
    [-7_200_000, '2 h ago'],
    [-400_000_000, '4 days ago'],
    [90_000, 'in 1 min'],
  ])('%d ms from now is %s', (offset, text) => {
    expect(ago(at(offset), now)).toBe(text)
  })

  it.each([
    [27_000, '0:27'],
    [26_001, '0:27'],
    [14_392_000, '3:59:52'],
    [0, '0:00'],
    [-5_000, '0:00'],
  ])('%d ms before its end a countdown shows %s', (left, text) => {
    expect(countdown(at(left), now)).toBe(text)
  })

  it('a moment is written in the reader’s zone, with its seconds', () => {
    expect(when('2026-06-27T14:03:09Z', { timeZone: 'Europe/Berlin' })).toBe('27 Jun 2026, 16:03:09')
    expect(when('soon')).toBe('soon')
  })

  it('a fact is written so where it is an instant, and as it came where it is not', () => {
    const zone = { timeZone: 'Europe/Berlin' }
    expect(readable('2026-06-27T14:03:09.000Z', zone)).toBe('27 Jun 2026, 16:03:09')
    expect(readable('paid on 2026-06-27T14:03:09.000Z', zone)).toBe('paid on 2026-06-27T14:03:09.000Z')
  })
})

it('only addresses are shortened', () => {
  expect(shortAddress('0x1234567890abcdef1234567890abcdef12345678')).toBe('0x1234…5678')
  expect(shortAddress('api.example.com')).toBe('api.example.com')
})

it('names of states read as words', () => {
  expect(words('awaiting_approval')).toBe('awaiting approval')
})
