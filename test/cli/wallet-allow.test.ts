import { numberToHex } from 'viem'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startChain } from '../testnet/chain.ts'
import { type RunningPurser, runHere, startPurser } from './running-purser.ts'

let chain: Awaited<ReturnType<typeof startChain>>
let purser: RunningPurser
beforeAll(async () => {
  chain = await startChain()
  purser = await startPurser({ networks: [{ id: 'eip155:84532', rpc: chain.rpcUrl }] })
}, 60_000)
afterAll(async () => {
  await purser?.[Symbol.asyncDispose]()
  await chain?.[Symbol.asyncDispose]()
})

const PLACE = ['--network', 'eip155:84532', '--asset', 'USDC']
const allow = (...argv: string[]) => runHere(['wallet', 'allow', '--config', purser.configFile, ...argv], purser.env)

describe('wallet allow', () => {
  it('says that the wallet pays the gas, where it has none; nothing is allowed', async () => {
    const { code, err } = await allow(...PLACE, '--amount', '5')
    expect([code, err]).toEqual([1, expect.stringContaining('The wallet itself pays the gas')])
    expect((await allow(...PLACE, '--show')).out).toContain('Permit2 may take 0 USDC on eip155:84532')
  })

  it('lets Permit2 take as much as is named and no more, and shows it', async () => {
    await chain.rpc('anvil_setBalance', [purser.app.walletAddress, numberToHex(10n ** 18n)])
    const first = await allow(...PLACE, '--amount', '2.5')
    expect(first.code).toBe(0)
    expect(first.out).toMatch(/^Permit2 may take 2\.5 USDC on eip155:84532 from 0x[0-9a-fA-F]{40}\. Transaction 0x[0-9a-f]{64}\.\n$/)
    expect(JSON.parse((await allow(...PLACE, '--show', '--json')).out)).toMatchObject({ allowedAtomic: '2500000', transaction: null })
    expect((await allow('--network', 'base-sepolia', '--asset', 'USDC', '--amount', '0')).out).toContain('may take 0 USDC on eip155:84532')
  })

  it.each([
    ['no amount', [...PLACE], 'Give --amount'],
    ['an amount and --show', [...PLACE, '--amount', '1', '--show'], 'Give --amount'],
    ['no number', [...PLACE, '--amount', 'unlimited'], 'not an amount'],
    ['another network', ['--network', 'eip155:1', '--asset', 'USDC', '--amount', '1'], 'There is no network eip155:1'],
    ['another token', ['--network', 'eip155:84532', '--asset', 'EURC', '--amount', '1'], 'There is no token EURC'],
  ])('refuses %s', async (_, argv, said) => {
    const { code, err } = await allow(...argv)
    expect([code === 0, err]).toEqual([false, expect.stringContaining(said)])
  })
})
