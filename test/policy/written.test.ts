import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parsePolicy, policyText, written } from '../../src/policy/written.ts'
import { FOUR_TIERS, rules } from './fixtures.ts'

describe('policyText', () => {
  it('is read back as the same tiers, in the operator’s own words', () => {
    const text = policyText({ mode: 'report', tiers: FOUR_TIERS, rules: rules() })
    expect(parsePolicy(text)).toEqual({ mode: 'report', tiers: FOUR_TIERS })
    expect(JSON.parse(text)).toMatchObject({
      tiers: [{ conditions: { maxAmount: '1.00', frequency: { per: '1h' } } }, { vetoWindow: '30s' }, { timeout: '4h' }, {}],
      categories: [],
      recipients: { verified: [], blocked: [] },
    })
  })

  it('does not depend on the order of keys', () => {
    expect(JSON.stringify(written({ b: 1n, a: { wait_ms: 90_000, none: undefined } }))).toBe('{"a":{"wait":"90s"},"b":"0.000001"}')
  })
})

describe('parsePolicy', () => {
  it('answers undefined for whatever is none', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(parsePolicy(text)).toBeUndefined()
      }),
    )
    expect(parsePolicy('{"mode":"enforce","tiers":[{"name":"a"}]}')).toBeUndefined()
  })
})
