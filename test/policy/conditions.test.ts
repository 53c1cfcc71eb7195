import { describe, expect, it } from 'vitest'
import { accepts, type Facts, failuresOf } from '../../src/policy/conditions.ts'
import { classification, NOON, tier } from './fixtures.ts'

const facts = (over: Partial<Facts> = {}): Facts => ({
  amount: 1_000_000n,
  currency: 'USD',
  classification: classification(),
  frequency: {},
  now: NOON,
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

  const CONDITIONS = { maxAmount: 1, categories: ['search'], recipientTrust: 'any', frequency: { max: 1, per: '1h' } }

  it('holds within its hours only, and says what time it is there', () => {
    const hours = ['Mon-Fri 08:00-18:00 Europe/Berlin', 'Sat 10:00-12:00 UTC']
    const office = tier({ conditions: { ...CONDITIONS, hours } })
    expect(failuresOf(office, facts())).toEqual([])
    expect(failuresOf(office, facts({ now: Date.parse('2026-06-27T11:00:00Z') }))).toEqual([])
    expect(failuresOf(office, facts({ now: Date.parse('2026-06-27T12:00:00Z') }))).toEqual([
      {
        condition: 'hours',
        clause:
          'it is Sat 14:00 in Europe/Berlin, and the tier is for Mon,Tue,Wed,Thu,Fri 08:00-18:00 Europe/Berlin and Sat 10:00-12:00 UTC',
        resetsAt: Date.parse('2026-06-29T06:00:00Z'),
      },
    ])
    expect(failuresOf(tier({ conditions: { ...CONDITIONS, hours: [] } }), facts())).toEqual([
      { condition: 'hours', clause: 'the tier is for no hours' },
    ])
  })

  it.each([
    [true, false, 'the agent has paid there before, and the tier is for first payments'],
    [false, true, 'no earlier payment of this agent there is proven yet, and the tier is for later ones'],
  ])('with firstPayment: %s it is for such payments only', (wanted, other, clause) => {
    const one = tier({ conditions: { ...CONDITIONS, firstPayment: wanted } })
    expect(failuresOf(one, facts({ classification: classification({ firstPayment: wanted }) }))).toEqual([])
    expect(failuresOf(one, facts({ classification: classification({ firstPayment: other }) }))).toEqual([
      { condition: 'firstPayment', clause },
    ])
  })

  it.each([
    ['session', '1 payments of this session were made in it'],
    ['recipient', '1 payments to this recipient were made in it'],
    ['tier', '1 payments of all agents were made in it'],
  ])('says whose payments a frequency of: %s has counted', (of, clause) => {
    const one = tier({ conditions: { ...CONDITIONS, frequency: { max: 1, per: '1h', of } } })
    const [failure] = failuresOf(one, facts({ frequency: { one: { count: 1, oldestAt: 5 } } }))
    expect(failure).toMatchObject({ condition: 'frequency', resetsAt: 3_600_005 })
    expect(failure?.clause).toContain(clause)
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
