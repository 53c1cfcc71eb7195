import { describe, expect, it } from 'vitest'
import { permit2Schema } from '../../src/config/permit2.ts'
import { configSchema } from '../../src/config/schema.ts'

describe('allowances that others bring to the chain', () => {
  it('are off unless they are written down', () => {
    expect(configSchema('/').parse({}).permit2).toEqual({ sponsored: false })
    expect(permit2Schema.parse({ sponsored: true })).toEqual({ sponsored: true })
    for (const written of [{ sponsored: 'yes' }, { unlimited: true }]) expect(permit2Schema.safeParse(written).success).toBe(false)
  })

  it('need a chain that can be asked', () => {
    const problems = (networks: readonly unknown[]) =>
      configSchema('/')
        .safeParse({ permit2: { sponsored: true }, networks })
        .error?.issues.map(({ path }) => path)
    expect(problems([{ id: 'base-sepolia' }])).toEqual([['permit2', 'sponsored']])
    expect(problems([{ id: 'base-sepolia', rpc: 'https://sepolia.base.org' }])).toBeUndefined()
  })
})
