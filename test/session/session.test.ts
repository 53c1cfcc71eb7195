import { describe, expect, it } from 'vitest'
import { paymentBar, remainingOf, stateOf } from '../../src/session/session.ts'
import { NOW, session } from './fixtures.ts'

const LATER = NOW + 3_600_000

describe('remainingOf', () => {
  it('counts what is held as gone', () => {
    expect(remainingOf(session({ spent: 3_000_000n, held: 2_000_000n }))).toBe(5_000_000n)
  })
})

describe('stateOf', () => {
  it.each([
    ['open', session(), NOW],
    ['open', session({ spent: 9_999_999n }), NOW],
    ['exhausted', session({ spent: 4_000_000n, held: 6_000_000n }), NOW],
    ['exhausted', session({ cap: 0n }), NOW],
    ['expired', session(), LATER],
    ['closing', session({ held: 1n }), LATER],
    ['closed', session({ status: 'closed' }), NOW],
    ['closing', session({ status: 'closed', held: 1n }), NOW],
    ['closed', session({ status: 'closed' }), LATER],
    ['revoked', session({ status: 'revoked', held: 1n }), LATER],
  ] as const)('is %s', (state, one, now) => {
    expect(stateOf(one, now)).toBe(state)
  })

  it('ends with the very millisecond of its expiry', () => {
    expect(stateOf(session(), LATER - 1)).toBe('open')
    expect(stateOf(session(), LATER)).toBe('expired')
  })
})

describe('paymentBar', () => {
  it('lets an open session pay', () => {
    expect(paymentBar(session(), NOW)).toBeUndefined()
  })

  it.each([
    ['session_revoked', session({ status: 'revoked' }), 'Session ses_1 was revoked.'],
    ['session_closed', session({ status: 'closed' }), 'Session ses_1 was closed.'],
    ['session_expired', session({ expiresAt: NOW }), 'Session ses_1 expired at 2026-06-27T12:00:00.000Z.'],
    ['session_exhausted', session({ spent: 10_000_000n }), 'Nothing remains of the budget of session ses_1.'],
  ] as const)('refuses with %s and its reason', (code, one, detail) => {
    expect(paymentBar(one, NOW)).toEqual({ code, detail })
  })

  it('names what is final before what could still change', () => {
    const over = session({ status: 'revoked', expiresAt: NOW, spent: 10_000_000n })
    expect(paymentBar(over, NOW)?.code).toBe('session_revoked')
  })
})
