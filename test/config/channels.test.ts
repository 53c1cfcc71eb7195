import { describe, expect, it } from 'vitest'
import { channelsSchema } from '../../src/config/channels.ts'
import { configSchema } from '../../src/config/schema.ts'

describe('payment channels', () => {
  it('are off unless they are written down', () => {
    expect(configSchema('/').parse({}).channels).toBeNull()
  })

  it('have bounds in millionths, and a delay in seconds', () => {
    expect(channelsSchema.parse({ deposit: '5', maxDeposit: '20', maxWithdrawDelay: '2h' })).toEqual({
      bounds: { deposit: 5_000_000n, maxDeposit: 20_000_000n },
      maxWithdrawDelay_s: 7_200,
    })
    expect(channelsSchema.parse({ deposit: '5', maxDeposit: '5' })?.maxWithdrawDelay_s).toBe(86_400)
  })

  it('need a chain that can be asked', () => {
    const problems = (networks: readonly unknown[]) =>
      configSchema('/')
        .safeParse({ channels: { deposit: '1', maxDeposit: '1' }, networks })
        .error?.issues.map(({ path }) => path)
    expect(problems([{ id: 'base-sepolia' }])).toEqual([['channels']])
    expect(problems([{ id: 'base-sepolia', rpc: 'https://sepolia.base.org' }])).toBeUndefined()
  })

  it('need a wallet that signs for them', () => {
    const wallet = { kind: 'signer', socket: '/run/purser/signer.sock', address: `0x${'11'.repeat(20)}` }
    const networks = [{ id: 'base-sepolia', rpc: 'https://sepolia.base.org' }]
    const { error } = configSchema('/').safeParse({ channels: { deposit: '1', maxDeposit: '1' }, networks, wallet })
    expect(error?.issues).toEqual([expect.objectContaining({ path: ['channels'], message: expect.stringContaining('kind local') })])
  })

  it.each([
    {},
    { deposit: '1' },
    { deposit: '0', maxDeposit: '1' },
    { deposit: '2', maxDeposit: '1' },
    { deposit: '1', maxDeposit: '1', maxWithdrawDelay: '14m' },
    { deposit: '1', maxDeposit: '1', maxWithdrawDelay: '31d' },
    { deposit: '1', maxDeposit: '1', minDeposit: '1' },
  ])('refuses %j', (written) => {
    expect(channelsSchema.safeParse(written).success).toBe(false)
  })
})
