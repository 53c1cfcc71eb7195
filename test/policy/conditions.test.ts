import { describe, expect, it } from 'vitest'
import { accepts, type Facts, failuresOf } from '../../src/policy/conditions.ts'
import { classification, tier } from './fixtures.ts'

const facts = (over: Partial<Facts> = {}): Facts => ({
  amount: 1_000_000n,
  currency: 'USD',
  classification: classification(),
  frequency: {},
  ...over,
})

describe('failuresOf', () => {
  it('is empty where every condition holds, to the last millionth', () => {
    expect(failuresOf(tier(), facts())).toEqual([])
  })

  it.each<[string, Partial<Facts>, string, string]>([
    ['an amount above it', { amount: 1_000_001n }, 'maxAmount', '$1.000001 is more than its $1.00'],
    [
      'another category',
      { classification: classification({ categories: ['compute'] }) },
      'categories',
      'the payment is for compute, and the tier is for search',
    ],
    [
      'no category',
      { classification: classification({ categories: [] }) },
      'categories',
      'no category rule names the payment, and the tier is for search',
    ],
    [
      'less trust',
      { classification: classification({ trust: 'known' }) },
      'recipientTrust',
      'the recipient is known, and the tier wants verified',
    ],
  ])('names %s with its values', (_, over, condition, clause) => {
    expect(failuresOf(tier(), facts(over))).toEqual([{ condition, clause }])
  })

  it('one of several categories is enough', () => {
    expect(failuresOf(tier(), facts({ classification: classification({ categories: ['other', 'search'] }) }))).toEqual([])
  })

  it('counts the payments of the window, and says when the next one fits', () => {
    const frequency = { one: { count: 10, oldestAt: 1_000 } }
    expect(failuresOf(tier(), facts({ frequency }))).toEqual([
      {
        condition: 'frequency',
        clause: '10 payments were made in it within the last hour, and 10 are allowed',
        resetsAt: 3_601_000,
      },
    ])
    expect(failuresOf(tier(), facts({ frequency: { one: { count: 9, oldestAt: 1_000 } } }))).toEqual([])
    expect(failuresOf(tier(), facts({ frequency: { other: { count: 99, oldestAt: 1_000 } } }))).toEqual([])
  })

  it('takes nothing for a count that the ledger did not count', () => {
    expect(failuresOf({ ...tier(), name: 'constructor' }, facts())).toEqual([])
  })

  it('a frequency of zero never holds and never resets', () => {
    const conditions = { maxAmount: 1, categories: ['search'], recipientTrust: 'any', frequency: { max: 0, per: '1h' } }
    const [failure] = failuresOf(tier({ conditions }), facts())
    expect(failure?.condition).toBe('frequency')
    expect(failure).not.toHaveProperty('resetsAt')
  })

  it('a jurisdiction has to be listed to be accepted', () => {
    const conditions = {
      maxAmount: 1,
      categories: ['search'],
      recipientTrust: 'any',
      frequency: { max: 1, per: '1h' },
      jurisdictions: ['DE'],
    }
    const within = (jurisdiction?: string) =>
      failuresOf(tier({ conditions }), facts({ classification: classification(jurisdiction ? { jurisdiction } : {}) }))
    expect(within('DE')).toEqual([])
    expect(within('FR')).toEqual([{ condition: 'jurisdictions', clause: "the recipient's jurisdiction is FR, and the tier is for DE" }])
    expect(within()).toEqual([{ condition: 'jurisdictions', clause: "the recipient's jurisdiction is not listed, and the tier is for DE" }])
  })

  it('lists every condition that fails', () => {
    const all = failuresOf(tier(), facts({ amount: 2_000_000n, classification: classification({ categories: [], trust: 'unknown' }) }))
    expect(all.map(({ condition }) => condition)).toEqual(['categories', 'maxAmount', 'recipientTrust'])
  })
})

describe('accepts', () => {
  const TRUSTS = ['unknown', 'known', 'verified'] as const

  it.each([
    ['any', ['unknown', 'known', 'verified']],
    ['unknown', ['unknown', 'known', 'verified']],
    ['known', ['known', 'verified']],
    ['verified', ['verified']],
  ] as const)('an allowing tier with %s accepts %j', (wanted, accepted) => {
    expect(TRUSTS.filter((trust) => accepts(wanted, trust, 'none'))).toEqual(accepted)
  })

  it('in a blocked tier unknown means exactly unknown', () => {
    expect(TRUSTS.filter((trust) => accepts('unknown', trust, 'blocked'))).toEqual(['unknown'])
    expect(TRUSTS.filter((trust) => accepts('any', trust, 'blocked'))).toEqual(TRUSTS)
  })
})
