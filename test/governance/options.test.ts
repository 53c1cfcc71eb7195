import { describe, expect, it } from 'vitest'
import { authorizeSchema, readOptions, readWith } from '../../src/governance/options.ts'
import { written } from '../../src/policy/written.ts'
import { FOUR_TIERS } from '../policy/fixtures.ts'

const TIERS = JSON.parse(JSON.stringify(written(FOUR_TIERS)))

describe('readOptions', () => {
  it('takes the same tier objects as the policy file', () => {
    const { policy, network, dataDir } = readOptions({ agentId: 'a', tiers: TIERS })
    expect(policy.tiers).toEqual(FOUR_TIERS)
    expect([network, policy.mode, dataDir]).toEqual(['eip155:84532', 'enforce', undefined])
  })

  it('the same policy has the same version, another one another', () => {
    const version = (mode: 'enforce' | 'report') => readOptions({ agentId: 'a', tiers: TIERS, mode }).policy.version
    expect(version('enforce')).toBe(version('enforce'))
    expect(version('enforce')).not.toBe(version('report'))
  })

  it('names every problem with its path', () => {
    expect(() => readOptions({ agentId: 'a', network: 'moon', tiers: [{ name: 'x', approval: 'none' }] })).toThrow(
      /network: .*tiers\S*0\S*conditions/s,
    )
  })
})

describe('requests', () => {
  it('amounts are numbers or strings, never negative, never vague', () => {
    const ask = (amount: unknown) => readWith(authorizeSchema, { amount, category: 'search', recipient: 'api.example.com' }).amount
    expect([ask(0.02), ask('0.02'), ask(89)]).toEqual([20_000n, 20_000n, 89_000_000n])
    for (const bad of [-1, '1e3', Number.NaN, '', null, 1e-9]) expect(() => ask(bad)).toThrow(/amount/)
  })
})
