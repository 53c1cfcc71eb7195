import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { frequencyBounds, jurisdiction, oneOf, tierSchema, tiersSchema } from '../../src/policy/tiers.ts'
import { issuesOf } from '../../src/session/issues.ts'
import { FOUR_TIERS } from './fixtures.ts'

const CONDITIONS = { maxAmount: '1.00', categories: ['search'], recipientTrust: 'verified', frequency: { max: 10, per: '1h' } }
const TIER = { name: 'one', conditions: CONDITIONS, approval: 'none' }

function issues(tiers: unknown) {
  const parsed = tiersSchema.safeParse(tiers)
  return parsed.success ? [] : issuesOf(parsed.error)
}
const paths = (tiers: unknown) => issues(tiers).map(({ path }) => path)

describe('tiersSchema', () => {
  it('reads the tiers of the documentation', () => {
    expect(FOUR_TIERS.map(({ name }) => name)).toEqual(['autonomous', 'supervised', 'collaborative', 'prohibited'])
    expect(FOUR_TIERS[1]).toStrictEqual({
      name: 'supervised',
      conditions: {
        maxAmount: 50_000_000n,
        categories: ['compute', 'data_access', 'saas_tools'],
        recipientTrust: 'known',
        frequency: { max: 20, per_ms: 3_600_000 },
      },
      approval: 'notify_with_veto',
      approvers: 1,
      audit: 'per_transaction',
      micaCompliance: 'standard',
      vetoWindow_ms: 30_000,
    })
  })

  it.each(['maxAmount', 'categories', 'recipientTrust', 'frequency'] as const)(
    'an allowing tier without %s is refused: nothing is unlimited by omission',
    (key) => {
      const { [key]: _, ...rest } = CONDITIONS
      expect(issues([{ ...TIER, conditions: rest }])).toEqual([
        {
          path: `[0].conditions.${key}`,
          message: 'is missing: a tier that allows payments states it, because nothing is unlimited by omission',
        },
      ])
    },
  )

  it('an allowing tier without conditions is refused for each of them', () => {
    expect(paths([{ name: 'one', approval: 'none' }])).toHaveLength(4)
  })

  it.each(['maxAmount', 'frequency'] as const)('a blocked tier with %s is refused, because it would let pass what is above', (key) => {
    const [issue] = issues([{ name: 'no', conditions: { [key]: CONDITIONS[key] }, approval: 'blocked' }])
    expect(issue?.path).toBe(`[0].conditions.${key}`)
    expect(issue?.message).toMatch(/leave it out/)
  })

  it('has no default for the approval', () => {
    expect(issues([{ ...TIER, approval: undefined }])).toEqual([
      { path: '[0].approval', message: 'is missing: write one of none, notify_with_veto, explicit_human, blocked' },
    ])
  })

  it('a span of time stands where people wait for it, and nowhere else', () => {
    expect(paths([{ ...TIER, vetoWindow: '30s' }])).toEqual(['[0].vetoWindow'])
    expect(paths([{ ...TIER, approval: 'notify_with_veto' }])).toEqual(['[0].vetoWindow'])
    expect(paths([{ ...TIER, approval: 'explicit_human' }])).toEqual(['[0].timeout'])
    expect(paths([{ ...TIER, approval: 'explicit_human', timeout: '4h', approvers: 2 }])).toEqual([])
  })

  it('two tiers of one name are refused, because their frequencies would be counted together', () => {
    expect(issues([TIER, TIER])).toEqual([{ path: '[1].name', message: 'one is the name of tier 1 already' }])
  })

  it.each([
    [{ name: 'constructor' }, '[0].name'],
    [{ name: '__proto__' }, '[0].name'],
    [{ name: 'a b' }, '[0].name'],
    [{ aproval: 'none' }, '[0].aproval'],
    [{ conditions: { ...CONDITIONS, hours: '9-17' } }, '[0].conditions.hours'],
    [{ conditions: { ...CONDITIONS, maxamount: 1 } }, '[0].conditions.maxamount'],
    [{ conditions: { ...CONDITIONS, maxAmount: '1e3' } }, '[0].conditions.maxAmount'],
    [{ conditions: { ...CONDITIONS, recipientTrust: 'friends' } }, '[0].conditions.recipientTrust'],
    [{ conditions: { ...CONDITIONS, frequency: { max: 1 } } }, '[0].conditions.frequency.per'],
    [{ conditions: { ...CONDITIONS, frequency: { max: -1, per: '1h' } } }, '[0].conditions.frequency.max'],
    [{ conditions: { ...CONDITIONS, jurisdictions: ['Germany'] } }, '[0].conditions.jurisdictions[0]'],
    [{ approvers: 0 }, '[0].approvers'],
    [{ require: ['reason'] }, '[0].require[0]'],
    [{ conditions: { ...CONDITIONS, firstPayment: 'yes' } }, '[0].conditions.firstPayment'],
    [{ conditions: { ...CONDITIONS, frequency: { max: 1, per: '1h', of: 'host' } } }, '[0].conditions.frequency.of'],
    [{ alert: 'later' }, '[0].alert'],
  ])('%j is refused at its path', (over, path) => {
    expect(paths([{ ...TIER, ...over }])).toContain(path)
  })

  it('reads hours, first payments, whom a frequency counts, and what a request has to say', () => {
    const frequency = { max: 10, per: '1h', of: 'recipient' }
    const conditions = { ...CONDITIONS, frequency, hours: 'mon-fri 08:00-18:00  Europe/Berlin', firstPayment: true }
    expect(tierSchema.parse({ ...TIER, conditions, require: ['justification', 'task'] })).toMatchObject({
      conditions: {
        frequency: { max: 10, per_ms: 3_600_000, of: 'recipient' },
        hours: ['Mon,Tue,Wed,Thu,Fri 08:00-18:00 Europe/Berlin'],
        firstPayment: true,
      },
      require: ['justification', 'task'],
    })
  })

  it('a blocked tier wants nothing to be said, because it pays nothing', () => {
    expect(issues([{ name: 'no', approval: 'blocked', require: ['tool'] }])).toEqual([
      { path: '[0].require', message: 'leave it out: nothing is paid in a blocked tier' },
    ])
  })

  it('is bounded', () => {
    expect(issues(Array.from({ length: 51 }, (_, at) => ({ ...TIER, name: `t${at}` })))[0]?.message).toBe('at most 50 tiers')
  })

  it('lets only problems out, whatever is written', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        tiersSchema.safeParse(value)
        tiersSchema.safeParse([{ ...TIER, conditions: value }])
      }),
    )
  })

  it('one tier alone is read by the same rules', () => {
    expect(tierSchema.parse(TIER)).toEqual(tiersSchema.parse([TIER])[0])
    expect(tierSchema.safeParse({ name: 'one', approval: 'none' }).success).toBe(false)
  })
})

describe('frequencyBounds', () => {
  it('names what has to be counted, tier by tier', () => {
    expect(frequencyBounds(FOUR_TIERS)).toEqual([
      { tier: 'autonomous', max: 1000, per_ms: 3_600_000 },
      { tier: 'supervised', max: 20, per_ms: 3_600_000 },
      { tier: 'collaborative', max: 5, per_ms: 86_400_000 },
    ])
  })
})

describe('jurisdiction and oneOf', () => {
  it('say what may be written', () => {
    expect(jurisdiction.parse('DE')).toBe('DE')
    expect(jurisdiction.safeParse('de').error?.issues[0]?.message).toMatch(/two capital letters/)
    expect(oneOf('a', 'b').safeParse('c').error?.issues[0]?.message).toBe('write one of a, b')
  })
})
