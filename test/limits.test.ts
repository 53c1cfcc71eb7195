import { describe, expect, it } from 'vitest'
import * as limits from '../src/limits.ts'

describe('limits', () => {
  it.each(Object.entries(limits))('%s is of whole numbers above zero', (name, value) => {
    expect(name).toMatch(/^[A-Z][A-Z0-9_]*$/)
    for (const one of typeof value === 'object' ? value : [value]) {
      expect(one > 0).toBe(true)
      if (typeof one === 'number') expect(Number.isSafeInteger(one)).toBe(true)
    }
  })

  it('signed windows are short, whatever a server asks for', () => {
    expect(limits.MAX_WINDOW_S).toBeLessThanOrEqual(120)
    expect(limits.MIN_WINDOW_S).toBeGreaterThanOrEqual(10)
    expect(limits.MIN_WINDOW_LEFT_S).toBeLessThan(limits.MIN_WINDOW_S)
    expect(limits.MAX_ASKED_WINDOW_S).toBeGreaterThanOrEqual(limits.MAX_WINDOW_S)
  })

  it('the sum of two caps fits into 64 bits, as the ledger stores them', () => {
    expect(limits.MAX_CAP * 2n).toBeLessThan(2n ** 63n)
  })

  it('a purchase stays claimed for longer than its slowest attempt', () => {
    expect(limits.PURCHASE_LEASE_MS).toBeGreaterThan(limits.UPSTREAM_HEAD_TIMEOUT_MS)
    expect(limits.KEYED_PURCHASE_TTL_MS).toBeGreaterThan(limits.UNDELIVERED_TTL_MS)
  })
})
