import { describe, expect, it } from 'vitest'
import { type LintContext, lintTiers } from '../../src/policy/lint.ts'
import type { Tier } from '../../src/policy/tiers.ts'
import { FOUR_TIERS, rules, tier } from './fixtures.ts'

const CONDITIONS = { maxAmount: 1, categories: ['search'], recipientTrust: 'verified', frequency: { max: 10, per: '1h' } }
const named = (name: string, over: Record<string, unknown> = {}) => tier({ name, conditions: { ...CONDITIONS, ...over } })
const blocked = (conditions: Record<string, unknown>) => tier({ name: 'no', conditions, approval: 'blocked' })
const found = (tiers: readonly Tier[], context?: LintContext) =>
  lintTiers(tiers, context).map(({ level, tier: of, message }) => `${level} ${of}: ${message}`)

describe('lintTiers', () => {
  it('has nothing but a note on the tiers of the documentation', () => {
    expect(found(FOUR_TIERS)).toEqual([
      'note prohibited: With recipientTrust: unknown it does not block recipients that are known or verified. Leave recipientTrust out to block all.',
    ])
  })

  it('finds a tier that the tiers before it cover', () => {
    const message = /^warning small: It is reached only when the frequency of the tiers before it \(large\) is used up/
    expect(found([named('large', { maxAmount: 5 }), named('small')])).toEqual([expect.stringMatching(message)])
    expect(found([named('large', { recipientTrust: 'any' }), named('small', { recipientTrust: 'known' })])).toHaveLength(1)
  })

  it('finds a tier that several tiers cover together', () => {
    const parts = [named('a'), named('b', { categories: ['compute'] })]
    expect(found([...parts, named('both', { categories: ['search', 'compute'] })])).toHaveLength(1)
  })

  it.each([
    ['a larger amount', [named('small'), named('large', { maxAmount: 5 })]],
    ['a further category', [named('one'), named('two', { categories: ['search', 'compute'] })]],
    ['less trust', [named('strict'), named('open', { recipientTrust: 'known' })]],
    ['any jurisdiction', [named('german', { jurisdictions: ['DE'] }), named('all')]],
    ['what a tier never takes', [named('none', { maxAmount: 0 }), named('all')].slice(1)],
  ])('leaves alone a tier that covers %s beyond the ones before it', (_, tiers) => {
    expect(found(tiers)).toEqual([])
  })

  it('finds a tier that a blocked tier makes useless, wherever that stands', () => {
    const error = 'error one: It never applies: no blocks everything that it covers.'
    expect(found([named('one'), blocked({ categories: ['search', 'gambling'] })])).toContain(error)
    expect(found([blocked({ categories: ['search'], recipientTrust: 'verified' }), named('one')])).toContain(error)
    expect(found([named('one'), blocked({ categories: ['search'], recipientTrust: 'unknown' })])).not.toContain(error)
  })

  it.each([
    [{ maxAmount: 0 }, 'maxAmount is zero'],
    [{ categories: [] }, 'categories is empty'],
    [{ frequency: { max: 0, per: '1h' } }, 'frequency.max is zero'],
    [{ jurisdictions: [] }, 'jurisdictions is empty'],
    [{ hours: [] }, 'hours is empty'],
  ])('finds a tier that matches nothing: %j', (over, why) => {
    expect(found([named('one', over)])).toEqual([`warning one: It never applies: ${why}.`])
  })

  it.each([
    ['other hours', { hours: ['Mon 08:00-18:00 UTC'] }, {}],
    ['first payments only', { firstPayment: true }, {}],
    ['later payments only', { firstPayment: false }, { firstPayment: true }],
  ])('leaves alone what a tier before it covers for %s', (_, before, after) => {
    expect(found([named('before', before), named('after', after)])).toEqual([])
    expect(found([named('before', before), named('after', before)])).toHaveLength(1)
  })

  it('a blocked tier that blocks at certain hours has a condition, and keeps no sanction', () => {
    const nightly = blocked({ hours: ['22:00-06:00 UTC'] })
    expect(found([nightly])).toEqual([])
    expect(found([blocked({ hours: [] })])).toEqual(['warning no: It never applies: one of its lists is empty.'])
    const sanctioned = rules({ jurisdictions: { sanctioned: ['KP'] } })
    expect(found([nightly], { rules: sanctioned })).toEqual([expect.stringMatching(/^error : jurisdictions\.sanctioned lists KP/)])
    expect(found([blocked({ categories: ['sanctioned_jurisdictions'] })], { rules: sanctioned })).toEqual([])
  })

  it('says that a first payment is never to a known recipient', () => {
    expect(found([named('one', { firstPayment: true, recipientTrust: 'known' })])).toEqual([
      'note one: With firstPayment: true only verified recipients are left: one is known only after a payment.',
    ])
  })

  it('finds a bound that no session can reach', () => {
    expect(found([named('one', { maxAmount: 50 })], { cap: 25_000_000n })).toEqual([
      'warning one: Its maxAmount of $50.00 never binds: a session has at most $25.00.',
    ])
    expect(found([named('one', { maxAmount: 25 })], { cap: 25_000_000n })).toEqual([])
  })

  it('finds two tiers of one name', () => {
    expect(found([named('one'), named('one', { categories: ['compute'] })])).toEqual([
      'error one: Another tier has this name; their frequencies would be counted together.',
    ])
  })

  it('finds blocked tiers that block too little or everything', () => {
    expect(found([blocked({ categories: ['gambling'], recipientTrust: 'verified' })])).toEqual([
      expect.stringMatching(/^warning no: With recipientTrust: verified it blocks recipients that are trusted and lets strangers through/),
    ])
    expect(found([blocked({})])).toEqual(['warning no: It has no condition and blocks every payment.'])
    expect(found([blocked({ categories: [] })])).toEqual(['warning no: It never applies: one of its lists is empty.'])
    expect(found([blocked({ categories: ['gambling'] })])).toEqual([])
  })

  it('finds categories that no rule gives, and those that no tier names', () => {
    const context = { rules: rules({ categories: [{ host: '*', category: 'compute' }] }) }
    expect(found([named('one')], context)).toEqual([
      'note one: No rule under categories puts a payment into search.',
      'warning : Payments for compute match no tier and are refused.',
    ])
    expect(found([blocked({ categories: ['sanctioned_jurisdictions', 'compute'] })], context)).toEqual([])
  })

  it('names the amounts that a session could pay and no tier covers', () => {
    const context = { cap: 25_000_000n, rules: rules({ categories: [{ host: '*', category: 'search' }] }) }
    expect(found([named('one')], context)).toEqual(['note : Payments for search of more than $1.00 match no tier and are refused.'])
    expect(found([named('one', { maxAmount: 25 })], context)).toEqual([])
  })

  it('finds that sanctions stop nobody, because listed recipients are verified', () => {
    const context = { rules: rules({ jurisdictions: { sanctioned: ['KP'] }, categories: [{ host: '*', category: 'search' }] }) }
    const error = expect.stringMatching(/^error : jurisdictions.sanctioned lists KP, but no blocked tier stops verified recipients there/)
    expect(found([named('one')], context)).toContainEqual(error)
    expect(found([named('one'), blocked({ categories: ['sanctioned_jurisdictions'], recipientTrust: 'unknown' })], context)).toContainEqual(
      error,
    )
    expect(found([named('one'), blocked({ categories: ['sanctioned_jurisdictions'] })], context)).toEqual([])
  })
})
