import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nextRefill, periodsAt, refilled } from '../../src/ledger/refill.ts'
import { MAX_CAP } from '../../src/limits.ts'
import { remainingOf, type Session } from '../../src/session/session.ts'
import { countingIds } from '../clock.ts'
import { fixtures } from './fixtures.ts'

const make = fixtures(countingIds(), () => 0)

function session(changes: Partial<Session> = {}): Session {
  const { tokenHash: _, ...terms } = make.session({ refill: { amount: 3n, every_ms: 10, max: 7n }, expiresAt: 1_000, cap: 5n })
  return { ...terms, spent: 0n, held: 0n, payments: 0, refills: 0, status: 'open', ...changes }
}

describe('a refill', () => {
  it('is the very same session where nothing is due', () => {
    for (const one of [session(), session({ refills: 1 }), session({ refill: null }), session({ status: 'closed' })]) {
      expect(refilled(one, 9)).toBe(one)
    }
  })

  it('counts periods in which nothing fits, and makes nothing up for them later', () => {
    const full = refilled(session({ cap: 9n }), 25)
    expect(full).toMatchObject({ cap: 9n, refills: 2 })
    expect(refilled({ ...full, held: 9n }, 29)).toMatchObject({ cap: 9n, refills: 2 })
    expect(refilled({ ...full, held: 9n }, 30)).toMatchObject({ cap: 12n, refills: 3 })
  })

  it('ends right before the session does', () => {
    expect(refilled(session({ expiresAt: 20 }), 500)).toMatchObject({ refills: 1 })
    expect(refilled(session({ expiresAt: 21 }), 500)).toMatchObject({ refills: 2 })
  })

  it('never passes the largest cap', () => {
    const large = session({ cap: MAX_CAP - 1n, spent: MAX_CAP - 1n })
    expect(refilled(large, 10).cap).toBe(MAX_CAP)
  })

  it('says when the next one falls due, and none where the session ends before', () => {
    expect([nextRefill(session()), nextRefill(session({ refills: 4 }))]).toEqual([10, 50])
    expect([
      nextRefill(session({ expiresAt: 10 })),
      nextRefill(session({ refill: null })),
      nextRefill(session({ status: 'revoked' })),
    ]).toEqual([undefined, undefined, undefined])
  })

  it('counts whole periods from the opening on, and none before it', () => {
    expect([-5, 0, 9, 10, 25].map((at) => periodsAt(session(), at))).toEqual([0, 0, 0, 1, 2])
    expect(periodsAt({ createdAt: 0, refill: null }, 100)).toBe(0)
  })

  it('gives the same whether somebody looks once or all the time, and whatever the clock does between', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 2_000 }), { maxLength: 30 }), (looks) => {
        const end = Math.max(0, ...looks)
        const fresh = session()
        const often = [...looks, end].reduce((one, at) => refilled(one, at), fresh)
        expect(often).toEqual(refilled(fresh, end))
        expect(remainingOf(often)).toBeLessThanOrEqual(7n)
      }),
    )
  })
})
