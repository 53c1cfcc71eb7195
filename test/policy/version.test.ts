import { describe, expect, it } from 'vitest'
import { policyVersion } from '../../src/policy/version.ts'
import { FOUR_TIERS, rules, tier } from './fixtures.ts'

const DRIFT = { factor: 2_000_000n, over_ms: 1_000, on: 'report' } as const

describe('policyVersion', () => {
  it('is twelve hex digits, the same for the same policy whatever the order of its keys', () => {
    const version = policyVersion({ mode: 'enforce', tiers: FOUR_TIERS, rules: rules() })
    expect(version).toMatch(/^[0-9a-f]{12}$/)
    const turned = FOUR_TIERS.map((one) => ({ ...one, conditions: Object.fromEntries(Object.entries(one.conditions).reverse()) }))
    expect(policyVersion({ mode: 'enforce', tiers: turned, rules: rules() })).toBe(version)
  })

  it('changes with every part of the policy, and with the order of tiers', () => {
    const versions = [
      policyVersion({ mode: 'enforce', tiers: FOUR_TIERS, rules: rules() }),
      policyVersion({ mode: 'open', tiers: FOUR_TIERS, rules: rules() }),
      policyVersion({ mode: 'report', tiers: FOUR_TIERS, rules: rules() }),
      policyVersion({ mode: 'enforce', tiers: FOUR_TIERS.toReversed(), rules: rules() }),
      policyVersion({ mode: 'enforce', tiers: [tier()], rules: rules() }),
      policyVersion({ mode: 'enforce', tiers: [tier({ name: 'other' })], rules: rules() }),
      policyVersion({ mode: 'enforce', tiers: FOUR_TIERS, rules: rules({ categories: [{ host: '*', category: 'search' }] }) }),
      policyVersion({ mode: 'enforce', tiers: FOUR_TIERS, rules: rules({ blocked: [{ host: 'x' }] }) }),
      policyVersion({ mode: 'enforce', tiers: FOUR_TIERS, rules: rules({ verified: [{ host: 'x' }] }) }),
      policyVersion({ mode: 'enforce', tiers: FOUR_TIERS, rules: rules({ jurisdictions: { sanctioned: ['KP'] } }) }),
      policyVersion({
        mode: 'enforce',
        tiers: FOUR_TIERS,
        rules: rules({ blockedAddresses: { addresses: new Set(['0x1']), digest: 'a' } }),
      }),
      policyVersion({
        mode: 'enforce',
        tiers: FOUR_TIERS,
        rules: rules({ blockedAddresses: { addresses: new Set(['0x1']), digest: 'b' } }),
      }),
      policyVersion({ mode: 'enforce', tiers: FOUR_TIERS, rules: rules({ priceDrift: DRIFT }) }),
      policyVersion({ mode: 'enforce', tiers: FOUR_TIERS, rules: rules({ priceDrift: { ...DRIFT, on: 'deny' } }) }),
    ]
    expect(new Set(versions).size).toBe(versions.length)
  })
})
