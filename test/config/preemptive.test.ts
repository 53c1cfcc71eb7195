import { describe, expect, it } from 'vitest'
import { preemptiveSchema } from '../../src/config/preemptive.ts'
import { configSchema } from '../../src/config/schema.ts'

describe('paying with the first attempt', () => {
  it('is off unless it is written down', () => {
    expect(configSchema('/').parse({}).preemptive).toBeNull()
  })

  it('has defaults where it is on, with spans in milliseconds', () => {
    expect(preemptiveSchema.parse({})).toEqual({ after: 5, terms_ms: 300_000, hosts: ['*'] })
  })

  it('needs a chain that can be asked', () => {
    const problems = (networks: readonly unknown[]) =>
      configSchema('/')
        .safeParse({ preemptive: {}, networks })
        .error?.issues.map(({ path }) => path)
    expect(problems([{ id: 'base-sepolia' }])).toEqual([['preemptive']])
    expect(problems([{ id: 'base-sepolia', rpc: 'https://sepolia.base.org' }])).toBeUndefined()
  })

  it.each([{ after: 1 }, { after: 2.5 }, { after: 1_001 }, { termsFor: '0s' }, { hosts: ['a b'] }, { tiers: [] }])(
    'refuses %j',
    (written) => {
      expect(preemptiveSchema.safeParse(written).success).toBe(false)
    },
  )
})
