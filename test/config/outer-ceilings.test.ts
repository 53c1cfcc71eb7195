import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { MAX_EXTRA_DATA_BYTES, MAX_SPEND_PERMISSIONS, MAX_SPENDERS } from '../../src/ceiling-limits.ts'
import { loadConfig } from '../../src/config/load.ts'
import { outerCeilingsShape, unreachablePermissions } from '../../src/config/outer-ceilings.ts'
import { walletSchema } from '../../src/config/wallet.ts'
import { temporaryFolder } from './folder.ts'

const schema = z.strictObject(outerCeilingsShape)
const address = (digit: string) => `0x${digit.repeat(40)}`
const WRITTEN = {
  ...{ network: 'base-sepolia', account: address('1'), spender: address('2'), token: address('3') },
  ...{ allowance: '50000000', period: 86_400, start: 1_790_000_000, end: 2 ** 48 - 1, salt: `0x${'f'.repeat(64)}`, extraData: '0xAb' },
}
const read = (more: object = {}) => schema.safeParse({ spendPermissions: [{ ...WRITTEN, ...more }] })

describe('spend permissions in the configuration', () => {
  it('are read to the last bit, and networks by their aliases', () => {
    expect(read().data?.spendPermissions).toEqual([{ ...WRITTEN, network: 'eip155:84532', allowance: 50_000_000n, salt: 2n ** 256n - 1n }])
    const { salt: _, extraData: __, ...short } = WRITTEN
    expect(schema.parse({ spendPermissions: [{ ...short, allowance: 1 }] }).spendPermissions).toMatchObject([
      { allowance: 1n, salt: 0n, extraData: '0x' },
    ])
  })

  it.each([
    { allowance: '0' },
    { allowance: 2 ** 53 },
    { allowance: '-1' },
    { allowance: '1.5' },
    { allowance: '0x' },
    { allowance: (2n ** 160n).toString() },
    { allowance: undefined },
    { salt: (2n ** 256n).toString() },
    { period: 0 },
    { period: 1.5 },
    { end: WRITTEN.start },
    { end: 2 ** 48 },
    { start: -1 },
    { token: `0x${'Ee'.repeat(20)}` },
    { account: '0x12' },
    { network: 'solana' },
    { extraData: '0x1' },
    { extraData: `0x${'00'.repeat(MAX_EXTRA_DATA_BYTES + 1)}` },
    { more: 1 },
  ])('%o is none', (wrong) => {
    expect(read(wrong).success).toBe(false)
  })

  it('are as many as can be asked about, and spenders too', () => {
    const many = (count: number) => schema.safeParse({ spendPermissions: Array.from({ length: count }, () => WRITTEN) }).success
    expect([many(MAX_SPEND_PERMISSIONS), many(MAX_SPEND_PERMISSIONS + 1)]).toEqual([true, false])
    const spenders = (count: number) => schema.safeParse({ spenders: Array.from({ length: count }, () => address('1')) }).success
    expect([spenders(MAX_SPENDERS), spenders(MAX_SPENDERS + 1)]).toEqual([true, false])
  })

  it.each([
    {},
    { kind: 'derived', seed: 'env:SEED' },
    { kind: 'remote', url: 'https://signer.example/', address: address('1') },
    { kind: 'signer', socket: 'run/socket', address: address('1') },
  ])('go with the wallet %o', (wallet) => {
    expect(walletSchema('/etc').parse({ ...wallet, spenders: [address('2')], spendPermissions: [WRITTEN] })).toMatchObject({
      spenders: [address('2')],
      spendPermissions: [{ allowance: 50_000_000n }],
    })
  })

  it('need a network with an rpc, which the configuration says by its path', async () => {
    const spendPermissions = schema.parse({ spendPermissions: [WRITTEN] }).spendPermissions ?? []
    const id = 'eip155:84532'
    expect(unreachablePermissions({ spendPermissions }, [{ id, rpc: 'https://rpc.example' }])).toEqual([])
    expect(unreachablePermissions({ spendPermissions }, [{ id }])).toEqual([[0, expect.stringContaining('no rpc')]])
    expect(unreachablePermissions({}, [])).toEqual([])
    await using folder = await temporaryFolder()
    const file = await folder.write(
      'purser.yaml',
      JSON.stringify({ networks: ['base'].map((one) => ({ id: one })), wallet: { spendPermissions: [WRITTEN] } }),
    )
    await expect(loadConfig({ file, env: {} })).rejects.toThrow('wallet.spendPermissions')
  })
})
