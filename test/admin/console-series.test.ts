import { describe, expect, it } from 'vitest'
import { type Activity, countsOf, paidIn, refusalsOf, seriesOf } from '../../src/admin/console-series.ts'
import { MAX_OVERVIEW_REFUSALS, MAX_OVERVIEW_TIERS } from '../../src/people-limits.ts'

const STEPS = { since: 0, until: 3_000, step_ms: 1_000 }
const one = (more: Partial<Activity> = {}): Activity => ({
  ...{ at: 0, tier: 'a', state: 'settled', code: null, currency: 'USD', count: 1, amount: 1_000_000n },
  ...more,
})

describe('console-series', () => {
  it('what moved, or counts as if it had, is paid; what is held, refused or voided is not', () => {
    const found = (['settled', 'unknown', 'expired', 'sent', 'reserved', 'void', 'denied'] as const).map((state) => one({ state }))
    expect(paidIn(found)).toEqual({ USD: '2.00' })
    expect(countsOf(found)).toEqual({ settled: 1, open: 2, unknown: 1, expired: 1, void: 1, refused: 1 })
  })

  it('what is counted as refused is what the reasons add up to, vetoes among them', () => {
    const found = [
      one({ state: 'denied', code: 'no_tier_matches', count: 3 }),
      one({ state: 'void', code: 'vetoed' }),
      one({ state: 'void' }),
    ]
    const reasons = refusalsOf(found).reduce((sum, { count }) => sum + count, 0)
    expect([countsOf(found).refused, seriesOf(found, STEPS).refused[0], reasons]).toEqual([4, 4, 4])
  })

  it('has a point for each step, of each tier and currency', () => {
    const found = [one(), one({ at: 2_000, count: 2 }), one({ at: 2_000, currency: 'EUR' }), one({ at: 1_000, state: 'denied', count: 7 })]
    expect(seriesOf(found, STEPS)).toEqual({
      at_s: [0, 1, 2],
      tiers: [
        { tier: 'a', currency: 'USD', amounts: ['1.00', '0.00', '1.00'], counts: [1, 0, 2] },
        { tier: 'a', currency: 'EUR', amounts: ['0.00', '0.00', '1.00'], counts: [0, 0, 1] },
      ],
      refused: [0, 7, 0],
    })
  })

  it('many tiers share a line, and nothing of them is lost', () => {
    const found = Array.from({ length: MAX_OVERVIEW_TIERS + 3 }, (_, n) => one({ tier: `t${n}` }))
    const { tiers } = seriesOf(found, STEPS)
    expect(tiers).toHaveLength(MAX_OVERVIEW_TIERS + 1)
    expect(tiers.at(-1)).toMatchObject({ tier: '*', amounts: ['3.00', '0.00', '0.00'] })
  })

  it('the commonest reasons come first, and only so many', () => {
    const found = Array.from({ length: MAX_OVERVIEW_REFUSALS + 5 }, (_, n) => one({ state: 'denied', code: `c${n}`, count: n + 1 }))
    const refusals = refusalsOf([...found, one({ state: 'void', code: 'vetoed', count: 999 }), one({ state: 'settled', code: 'odd' })])
    expect(refusals).toHaveLength(MAX_OVERVIEW_REFUSALS)
    expect(refusals[0]).toEqual({ code: 'vetoed', count: 999 })
    expect(refusals.some(({ code }) => code === 'odd')).toBe(false)
  })
})
