import { numberToHex } from 'viem'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createEvmChain } from '../../src/chain/evm-chain.ts'
import { chainTime, height, makePayer, nextBlockAt, PAYEE, type Payer, settle, transferBack } from '../testnet/authorizations.ts'
import { makeTestTls } from '../testnet/certificates.ts'
import { type Chain, NETWORK, startChain, USDC } from '../testnet/chain.ts'
import { type Lie, type RpcGate, startRpcGate } from '../testnet/rpc-gate.ts'

const FINALITY = 1
let chain: Chain
let gate: RpcGate
let payer: Payer

beforeAll(async () => {
  chain = await startChain()
  gate = await startRpcGate({ rpcUrl: chain.rpcUrl, tls: makeTestTls() })
  payer = await makePayer(chain)
})
beforeEach(() => {
  gate.set('open')
  gate.lie(undefined)
})
afterAll(async () => {
  await gate[Symbol.asyncDispose]()
  await chain[Symbol.asyncDispose]()
})

const alone = () => createEvmChain({ networks: [{ id: NETWORK, rpc: chain.rpcUrl, finalityBlocks: FINALITY }] })
const behindTheGate = () => createEvmChain({ networks: [{ id: NETWORK, rpc: gate.url, finalityBlocks: FINALITY }] })
/** The first server is honest, the second one is what the test makes of it. */
const both = () => createEvmChain({ networks: [{ id: NETWORK, rpc: chain.rpcUrl, secondRpc: gate.url, finalityBlocks: FINALITY }] })
const noLogs: Lie = ({ method }, truth) => (method === 'eth_getLogs' ? [] : truth)
const unused: Lie = (call, truth) => (call.method === 'eth_call' ? `0x${'00'.repeat(32)}` : noLogs(call, truth))

async function settledPayment() {
  const payment = await payer.sign()
  const { transaction } = await settle(chain, payment)
  await nextBlockAt(chain, payment.transfer.validBefore_s)
  await chain.mine({ blocks: 1 + FINALITY })
  return { ...payment, transaction }
}

describe('a network', () => {
  it('that is not configured is not asked', async () => {
    const port = alone()
    const { transfer } = await payer.sign()
    expect(port.networks).toEqual([NETWORK])
    expect(await port.find({ ...transfer, network: 'eip155:1' })).toEqual({
      kind: 'unavailable',
      reason: 'No RPC is configured for eip155:1.',
    })
    await expect(port.time('eip155:1')).rejects.toThrow('No RPC')
  })

  it('whose server is down, broken or of another chain shows nothing', async () => {
    const { transfer } = await settledPayment()
    gate.set('down')
    expect(await behindTheGate().find(transfer)).toMatchObject({ kind: 'unavailable', reason: expect.stringContaining('no answer') })
    gate.set('error')
    expect(await behindTheGate().find(transfer)).toMatchObject({ kind: 'unavailable', reason: expect.stringContaining('503') })
    gate.set('open')
    gate.lie(({ method }, truth) => (method === 'eth_chainId' ? '0x1' : truth))
    expect(await behindTheGate().find(transfer)).toMatchObject({ kind: 'unavailable', reason: expect.stringContaining('chain 1') })
  })

  it('whose server hides events does not make a settled payment dead, because the state says used', async () => {
    const { transfer } = await settledPayment()
    gate.lie(noLogs)
    expect(await behindTheGate().find(transfer)).toMatchObject({ kind: 'unavailable', reason: expect.stringContaining('shows no event') })
  })

  it('tells its time and balances', async () => {
    const port = alone()
    expect(await port.time(NETWORK)).toEqual({ time_s: await chainTime(chain), block: await height(chain) })
    expect(await port.balance({ network: NETWORK, token: USDC, wallet: payer.address })).toBe(await chain.balanceOf(payer.address))
  })
})

describe('two servers', () => {
  it('that agree conclude', async () => {
    const { transfer, transaction } = await settledPayment()
    expect(await both().find(transfer)).toMatchObject({ kind: 'settled', transaction })
  })

  it('of which one lies about events and state alike conclude nothing', async () => {
    const { transfer, transaction } = await settledPayment()
    gate.lie(unused)
    const found = await both().find(transfer)
    expect(found).toMatchObject({
      kind: 'unavailable',
      reason: expect.stringMatching(`first says settled by ${transaction}.* second says unused`),
    })
    expect(await behindTheGate().find(transfer)).toMatchObject({ kind: 'dead' })
  })

  it('of which one is down conclude nothing', async () => {
    const { transfer } = await settledPayment()
    gate.set('down')
    expect(await both().find(transfer)).toMatchObject({ kind: 'unavailable' })
  })

  it('that disagree about the time tell none', async () => {
    const block = z.looseObject({ timestamp: z.string() })
    gate.lie(({ method }, truth) => {
      if (method !== 'eth_getBlockByNumber') return truth
      const { timestamp, ...rest } = block.parse(truth)
      return { ...rest, timestamp: numberToHex(BigInt(timestamp) + 31n) }
    })
    await expect(both().time(NETWORK)).rejects.toThrow('disagree about its time')
  })

  it('have to show the same transfers', async () => {
    const before = await height(chain)
    await chain.fund(payer.address, 5n)
    await chain.mine({ blocks: FINALITY })
    const query = { network: NETWORK, tokens: [USDC], wallet: payer.address, after: before }
    expect((await both().incoming(query)).transfers).toHaveLength(1)
    gate.lie(noLogs)
    await expect(both().incoming(query)).rejects.toThrow('different logs')
  })
})

describe('transfers to a wallet', () => {
  const query = (after: bigint | undefined) => ({ network: NETWORK, tokens: [USDC], wallet: payer.address, after })

  it('are looked for from now on at first, and once each afterwards, in final blocks only', async () => {
    const port = alone()
    await chain.fund(PAYEE, 1_000n)
    await chain.mine({ blocks: FINALITY })
    const first = await port.incoming(query(undefined))
    expect(first).toEqual({ transfers: [], upTo: (await height(chain)) - BigInt(FINALITY) })
    const transaction = await transferBack(chain, PAYEE, { to: payer.address, amountAtomic: 400n })
    const block = await height(chain)
    expect((await port.incoming(query(first.upTo))).transfers).toEqual([])
    await chain.mine({ blocks: FINALITY })
    const second = await port.incoming(query(first.upTo))
    const transfer = { network: NETWORK, token: USDC, from: PAYEE, to: payer.address, amountAtomic: 400n, transaction, logIndex: 0, block }
    expect(second).toEqual({ transfers: [transfer], upTo: block })
    expect(await port.incoming(query(second.upTo))).toEqual({ transfers: [], upTo: second.upTo })
  })

  it('of nothing are not seen: anyone can write them in anyone’s name', async () => {
    const port = alone()
    const before = await height(chain)
    await transferBack(chain, PAYEE, { to: payer.address, amountAtomic: 0n })
    await chain.mine({ blocks: FINALITY })
    expect((await port.incoming(query(before))).transfers).toEqual([])
  })

  it('of tokens that nobody named are not asked for', async () => {
    const before = await height(chain)
    await chain.mine({ blocks: 1 + FINALITY })
    expect(await alone().incoming({ ...query(before), tokens: [] })).toMatchObject({ transfers: [] })
  })
})

describe('what a wallet did', () => {
  it('is told by its used nonces, with the times of the blocks that were searched', async () => {
    const port = alone()
    const { transfer, transaction } = await settledPayment()
    const final = await port.final(NETWORK)
    const from = await port.blockBefore(NETWORK, transfer.signedAt_s)
    const { uses, to_s } = await port.uses({ network: NETWORK, tokens: [USDC], wallet: payer.address, from, to: final.block })
    const { nonce, payTo, amountAtomic } = transfer
    expect(uses).toContainEqual({ token: USDC, nonce, transaction, block: expect.any(BigInt), payTo, amountAtomic })
    expect(to_s).toBe(final.time_s)
    expect(final.block).toBe((await height(chain)) - BigInt(FINALITY))
  })
})
