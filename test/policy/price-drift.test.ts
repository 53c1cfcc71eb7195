import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type PriceDriftRule, priceDriftOf } from '../../src/policy/price-drift.ts'

const RULE: PriceDriftRule = { factor: 2_000_000n, over_ms: 30 * 86_400_000, on: 'escalate' }
const cost = (amount: bigint) => ({ amount, currency: 'USD' })
const always = (amount: bigint, times = 10) => Array.from({ length: times }, () => amount)

describe('priceDriftOf', () => {
  it('finds a price that jumps beyond the factor of the median, to the last millionth', () => {
    const past = { latest: always(10_000n), earliest: always(10_000n) }
    expect(priceDriftOf(cost(20_000n), past, RULE)).toBeUndefined()
    expect(priceDriftOf(cost(20_001n), past, RULE)).toEqual({
      kind: 'sudden',
      usual: 10_000n,
      on: 'escalate',
      sentence:
        'The price has drifted: it is $0.020001, more than 2 times what this agent is used to (its last 10 payments for this kind of resource cost $0.01 in the median).',
    })
  })

  it('finds a price that creeps, though no step is large', () => {
    const past = { latest: always(19_000n), earliest: always(10_000n) }
    expect(priceDriftOf(cost(21_000n), past, { ...RULE, factor: 1_500_000n })).toEqual({
      kind: 'slow',
      usual: 10_000n,
      on: 'escalate',
      sentence:
        'The price has drifted: it is $0.021, more than 1.5 times what this agent is used to (the first 10 of the last 30 days cost $0.01 in the median, and the price has risen step by step since).',
    })
  })

  it('is not moved by a few odd prices', () => {
    const latest = [90_000n, 90_000n, ...always(10_000n, 8)]
    expect(priceDriftOf(cost(25_000n), { latest, earliest: latest }, RULE)?.usual).toBe(10_000n)
  })

  it('says nothing while too little is known, and nothing about a price that falls', () => {
    expect(priceDriftOf(cost(9_000_000n), { latest: always(1n, 2), earliest: always(1n, 2) }, RULE)).toBeUndefined()
    expect(priceDriftOf(cost(9_000_000n), { latest: always(1n, 3), earliest: [] }, RULE)).toBeDefined()
    expect(priceDriftOf(cost(1n), { latest: always(10_000n), earliest: always(10_000n) }, RULE)).toBeUndefined()
  })

  it('a higher price is never less of a drift', () => {
    const amounts = fc.array(fc.bigInt({ min: 1n, max: 1_000_000n }), { maxLength: 10 })
    fc.assert(
      fc.property(
        amounts,
        amounts,
        fc.bigInt({ min: 1n, max: 9_000_000n }),
        fc.bigInt({ min: 0n, max: 9_000_000n }),
        (latest, earliest, price, more) => {
          if (priceDriftOf(cost(price), { latest, earliest }, RULE))
            expect(priceDriftOf(cost(price + more), { latest, earliest }, RULE)).toBeDefined()
        },
      ),
    )
  })
})
