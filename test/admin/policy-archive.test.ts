import { expect, it } from 'vitest'
import { createPolicyArchive } from '../../src/admin/policy-archive.ts'
import { policyText } from '../../src/policy/written.ts'
import { FOUR_TIERS, rules } from '../policy/fixtures.ts'

const record = { version: 'abc', text: policyText({ mode: 'enforce', tiers: FOUR_TIERS, rules: rules() }), since: 0 }

it('an archived policy is read once, and its tiers are found by name', async () => {
  let reads = 0
  const archive = createPolicyArchive({
    policyRecord: async (version) => {
      reads += 1
      return version === 'abc' ? record : undefined
    },
  })
  expect(await archive.tier('abc', 'supervised')).toEqual(FOUR_TIERS[1])
  expect(await archive.behind({ policyVersion: 'abc', tier: 'collaborative' })).toMatchObject({
    audit: 'per_transaction_enhanced',
    tier: { name: 'collaborative', timeout: '4h' },
  })
  expect(reads).toBe(1)
})

it('of a version that was not kept nothing is claimed', async () => {
  const archive = createPolicyArchive({ policyRecord: async () => undefined })
  expect(await archive.behind({ policyVersion: 'old', tier: 'x' })).toEqual({ audit: null, tier: null })
  expect(await archive.policy('')).toBeUndefined()
})
