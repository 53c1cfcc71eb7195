import { describe, expect, it } from 'vitest'
import { type ExplainInput, explain } from '../../src/policy/explain.ts'
import { ALICE, FOUR_TIERS, NO_PAST, NOON, rules } from './fixtures.ts'

const RULES = rules({
  categories: [{ host: 'api.example.com', path: '/v1/search*', method: 'GET', category: 'search' }],
  verified: [{ host: 'api.example.com', payTo: ALICE }],
  blocked: [{ host: 'bad.example' }],
})
const ask = (over: Partial<ExplainInput> = {}) =>
  explain({
    url: 'https://api.example.com/v1/search?q=1',
    method: 'get',
    amount: 500_000n,
    currency: 'USD',
    payTo: ALICE,
    policy: { tiers: FOUR_TIERS, rules: RULES, version: 'abc', mode: 'enforce' },
    now: NOON,
    ...over,
  })

describe('explain', () => {
  it('tells the decision step by step', () => {
    const { steps, decision } = ask()
    expect(decision).toMatchObject({ kind: 'allow', tier: 'autonomous' })
    expect(steps).toEqual([
      'GET https://api.example.com/v1/search?q=1 costs $0.50.',
      'Category: search. The rule for GET api.example.com/v1/search* gives search.',
      'Recipient: verified. api.example.com is listed with this recipient.',
      expect.stringMatching(/^Tier autonomous \(Up to \$1\.00 each, .*\) matches\.$/),
      expect.stringMatching(
        /^Tier supervised \(.*\) does not match: the payment is for search, and the tier is for compute, data_access, saas_tools\.$/,
      ),
      expect.stringMatching(/^Tier collaborative \(.*\) does not match: /),
      expect.stringMatching(/^Tier prohibited \(.*\) does not match: .*; the recipient is verified, and the tier wants unknown\.$/),
      'Result: paid. Tier autonomous covers $0.50 for search at api.example.com. api.example.com is listed with this recipient. No earlier payment of this agent there is proven yet.',
    ])
  })

  it('says where no rule gives a category, and what is blocked or out of scope', () => {
    expect(ask({ url: 'https://other.example/' }).steps[1]).toBe('Category: none. No rule under categories names this request.')
    const bad = ask({ url: 'https://bad.example/', scopeReason: 'Not for this.' })
    expect(bad.steps).toContain('The recipient is blocked, by recipients.blocked or one of its lists.')
    expect(bad.steps).toContain('Scope: Not for this.')
    expect(bad.steps.at(-1)).toMatch(/^Result: refused with recipient_blocked\./)
  })

  it('supposes a trust where it is told to', () => {
    expect(ask({ trust: 'unknown' }).decision).toMatchObject({ kind: 'deny', code: 'no_tier_matches' })
    expect(ask({ trust: 'unknown' }).steps[2]).toBe('Recipient: unknown. As supposed.')
    expect(ask({ trust: 'verified' }).steps.at(-1)).toContain('No earlier payment')
    const categories = [{ host: 'api.example.com', category: 'compute' }]
    const policy = { tiers: FOUR_TIERS, rules: rules({ categories }), version: 'abc', mode: 'enforce' } as const
    const known = ask({ trust: 'known', policy })
    expect(known.decision).toMatchObject({ kind: 'notify', tier: 'supervised' })
    expect(known.steps.at(-1)).not.toContain('No earlier payment')
  })

  it('judges by the past that it is given', () => {
    const history = { ...NO_PAST, frequency: { autonomous: { count: 1000, oldestAt: 0 } } }
    expect(ask({ history }).decision).toMatchObject({ code: 'frequency_exceeded' })
  })

  it('takes the port of the scheme where the URL names none', () => {
    const policy = {
      tiers: FOUR_TIERS,
      rules: rules({ categories: [{ host: 'api.example.com:443', category: 'search' }] }),
      version: 'abc',
      mode: 'enforce' as const,
    }
    expect(ask({ policy }).steps[1]).toMatch(/^Category: search/)
    expect(ask({ policy, url: 'http://api.example.com/' }).steps[1]).toMatch(/^Category: none/)
    expect(ask({ policy, url: 'http://api.example.com:443/', tool: 'x' }).steps[1]).toMatch(/^Category: search/)
  })
})
