import { describe, expect, it } from 'vitest'
import { movedBy, shownScheme } from '../src/channel-terms.ts'

describe('payments through a channel', () => {
  it('move what is deposited, once: a voucher moves nothing more', () => {
    expect(movedBy({ amount: 5n })).toBe(5n)
    expect(movedBy({ amount: 5n, method: 'permit2' })).toBe(5n)
    expect(movedBy({ amount: 5n, method: 'deposit' })).toBe(5n)
    expect(movedBy({ amount: 5n, method: 'voucher' })).toBe(0n)
  })

  it('are told apart by their scheme; other ways of paying are no part of it', () => {
    const scheme = 'batch-settlement'
    expect(['deposit', 'voucher'].map((method) => shownScheme({ scheme, method }))).toEqual([`${scheme}/deposit`, `${scheme}/voucher`])
    expect([shownScheme({ scheme: 'exact' }), shownScheme({ scheme: 'upto', method: 'permit2' })]).toEqual(['exact', 'upto'])
  })
})
