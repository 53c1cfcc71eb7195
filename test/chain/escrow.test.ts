import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { readEscrow } from '../../src/chain/escrow.ts'
import { createRpc, RpcError } from '../../src/chain/rpc.ts'
import type { ChannelConfig } from '../../src/channel-digest.ts'
import { withdrawalCall } from '../../src/withdrawal.ts'
import { height } from '../testnet/authorizations.ts'
import { makeTestTls } from '../testnet/certificates.ts'
import { type Chain, NETWORK, startChain, USDC } from '../testnet/chain.ts'
import { callAs, finalizeWithdraw, initiateWithdraw } from '../testnet/channel-reader.ts'
import { placeEscrow, WITHDRAW_DELAY_S } from '../testnet/channels.ts'
import { fillChannel } from '../testnet/fill-channel.ts'
import { type RpcGate, startRpcGate } from '../testnet/rpc-gate.ts'

const DEPOSIT = 50_000n

let chain: Chain
let gate: RpcGate
beforeAll(async () => {
  chain = await startChain()
  gate = await startRpcGate({ rpcUrl: chain.rpcUrl, tls: makeTestTls() })
})
beforeEach(() => gate.lie(undefined))
afterAll(async () => {
  await gate?.[Symbol.asyncDispose]()
  await chain?.[Symbol.asyncDispose]()
})

async function read(channel: ChannelConfig, network = NETWORK) {
  return readEscrow(createRpc({ url: gate.url }), { network, channel, block: await height(chain) })
}

describe('the escrow', () => {
  it('that is not there tells nothing', async () => {
    const bare = await startChain()
    const channel = await fillChannel(chain, 0n)
    try {
      await expect(readEscrow(createRpc({ url: bare.rpcUrl }), { network: NETWORK, channel, block: 0n })).rejects.toBeInstanceOf(RpcError)
    } finally {
      await bare[Symbol.asyncDispose]()
    }
  })

  it('shows what a channel holds, as of a block', async () => {
    await placeEscrow(chain)
    const before = await height(chain)
    const channel = await fillChannel(chain, DEPOSIT)
    expect(await read(channel)).toEqual({ balance: DEPOSIT, claimed: 0n, withdrawal: undefined })
    const empty = { balance: 0n, claimed: 0n, withdrawal: undefined }
    expect(await readEscrow(createRpc({ url: gate.url }), { network: NETWORK, channel, block: before })).toEqual(empty)
    expect(await read({ ...channel, salt: `0x${'77'.repeat(32)}` })).toEqual(empty)
  })

  it('lets the payer out by the calls that are made here', async () => {
    await placeEscrow(chain)
    const channel = await fillChannel(chain, DEPOSIT)
    const begin = withdrawalCall({ chainId: 84532, channel, amount: 40_000n })
    expect(await callAs(chain, privateKeyToAddress(generatePrivateKey()), begin)).toBe(false)
    expect(await callAs(chain, channel.payer, begin)).toBe(true)
    expect(await read(channel)).toMatchObject({ balance: DEPOSIT, withdrawal: { amount: 40_000n, initiatedAt_s: expect.any(Number) } })
    await chain.mine({ blocks: 1, seconds: WITHDRAW_DELAY_S })
    expect(await callAs(chain, channel.payer, withdrawalCall({ chainId: 84532, channel, amount: null }))).toBe(true)
    expect(await read(channel)).toEqual({ balance: 10_000n, claimed: 0n, withdrawal: undefined })
    expect(await chain.balanceOf(channel.payer)).toBe(40_000n)
  })

  it('is believed in nothing that it cannot say', async () => {
    await placeEscrow(chain)
    const channel = await fillChannel(chain, DEPOSIT)
    await expect(read(channel, 'eip155:1')).rejects.toThrow('not of eip155:1')
    const word = (value: string) => value.padStart(64, '0')
    for (const lie of ['0x', `0x${word('1')}`, `0x${word('1')}${word('2')}`, `0x${'f'.repeat(128)}`]) {
      gate.lie(({ method }, truth) => (method === 'eth_call' ? lie : truth))
      await expect(read(channel)).rejects.toBeInstanceOf(RpcError)
    }
  })
})

it('a withdrawal by these calls is the one of the published interface', async () => {
  await placeEscrow(chain)
  const channel = await fillChannel(chain, DEPOSIT)
  expect(await initiateWithdraw(chain, channel.payer, channel, DEPOSIT)).toBe(true)
  await chain.mine({ blocks: 1, seconds: WITHDRAW_DELAY_S })
  expect(await finalizeWithdraw(chain, channel.payer, channel)).toBe(true)
  expect(channel.token).toBe(USDC)
  expect(await chain.balanceOf(channel.payer)).toBe(DEPOSIT)
})
