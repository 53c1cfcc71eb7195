import { numberToHex } from 'viem'
import { generatePrivateKey } from 'viem/accounts'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createEscrows } from '../../src/chain/escrows.ts'
import { createLocalWallet } from '../../src/wallet/local-key.ts'
import { height } from '../testnet/authorizations.ts'
import { makeTestTls } from '../testnet/certificates.ts'
import { type Chain, NETWORK, startChain } from '../testnet/chain.ts'
import { placeEscrow, WITHDRAW_DELAY_S } from '../testnet/channels.ts'
import { fillChannel } from '../testnet/fill-channel.ts'
import { type RpcGate, startRpcGate } from '../testnet/rpc-gate.ts'

const DEPOSIT = 50_000n
const CHAIN_ID = 84532

let chain: Chain
let gate: RpcGate
beforeAll(async () => {
  chain = await startChain()
  gate = await startRpcGate({ rpcUrl: chain.rpcUrl, tls: makeTestTls() })
  await placeEscrow(chain)
})
beforeEach(() => {
  gate.lie(undefined)
  gate.set('open')
})
afterAll(async () => {
  await gate?.[Symbol.asyncDispose]()
  await chain?.[Symbol.asyncDispose]()
})

const escrowsOf = (finalityBlocks: number, secondRpc?: string) =>
  createEscrows({ networks: [{ id: NETWORK, rpc: gate.url, finalityBlocks, ...(secondRpc !== undefined && { secondRpc }) }] })

async function payerWith(wei: bigint) {
  const key = generatePrivateKey()
  const wallet = createLocalWallet({ key })
  const channel = await fillChannel(chain, DEPOSIT, key)
  await chain.rpc('anvil_setBalance', [channel.payer, numberToHex(wei)])
  const noted: string[] = []
  const withdraw = (amount: bigint | null, note = async (transaction: string) => void noted.push(transaction)) =>
    escrowsOf(0).withdraw({
      network: NETWORK,
      withdrawal: { chainId: CHAIN_ID, channel, amount },
      sign: (transaction) => wallet.signWithdrawal(null, transaction),
      noted: note,
    })
  return { channel, withdraw, noted }
}

const sentSince = (before: number) => gate.calls.slice(before).filter((call) => String(call).includes('eth_sendRawTransaction')).length

describe('escrows', () => {
  it('show a channel as of the newest final block, with its time', async () => {
    const { channel } = await payerWith(0n)
    await chain.mine({ blocks: 1 })
    const state = await escrowsOf(1).state({ network: NETWORK, channel })
    expect(state).toMatchObject({ balance: DEPOSIT, claimed: 0n, withdrawal: undefined, block: (await height(chain)) - 1n })
    expect(state.time_s).toBeGreaterThan(0)
    const early = await payerWith(0n)
    expect(await escrowsOf(1_000).state({ network: NETWORK, channel: early.channel }).catch(String)).toContain('no final block yet')
    await expect(escrowsOf(1).state({ network: 'eip155:1', channel })).rejects.toThrow('No RPC')
  })

  it('of two servers conclude nothing that only one of them shows', async () => {
    const { channel } = await payerWith(0n)
    const both = escrowsOf(0, chain.rpcUrl)
    expect(await both.state({ network: NETWORK, channel })).toMatchObject({ balance: DEPOSIT })
    gate.lie(({ method }, truth) => (method === 'eth_call' ? `0x${'0'.repeat(128)}` : truth))
    await expect(both.state({ network: NETWORK, channel })).rejects.toThrow('different sums')
    const lagging = createEscrows({ networks: [{ id: NETWORK, rpc: chain.rpcUrl, secondRpc: gate.url, finalityBlocks: 0 }] })
    gate.lie(({ method }, truth) => (method === 'eth_getBlockByNumber' ? { ...(truth as object), number: '0x1' } : truth))
    await expect(lagging.state({ network: NETWORK, channel })).rejects.toThrow('as final yet')
  })

  it('let the payer out, in two transactions that are noted before they leave', async () => {
    const { channel, withdraw, noted } = await payerWith(10n ** 18n)
    const begun = await withdraw(40_000n)
    expect(noted).toEqual([begun])
    const escrows = escrowsOf(0)
    // What was sent is in a block soon, and not at once.
    await expect.poll(() => escrows.fate(NETWORK, begun)).toEqual({ kind: 'succeeded', block: expect.any(BigInt) })
    await chain.mine({ blocks: 1 })
    expect((await escrows.state({ network: NETWORK, channel })).withdrawal?.amount).toBe(40_000n)
    await expect(withdraw(null)).rejects.toThrow('refused eth_call')
    await chain.mine({ blocks: 1, seconds: WITHDRAW_DELAY_S })
    const ended = await withdraw(null)
    expect(noted).toEqual([begun, ended])
    await expect.poll(() => escrows.fate(NETWORK, ended)).toMatchObject({ kind: 'succeeded' })
    expect(await chain.balanceOf(channel.payer)).toBe(40_000n)
    expect(await escrows.state({ network: NETWORK, channel })).toMatchObject({ balance: 10_000n, withdrawal: undefined })
  })

  it('send nothing that could not be noted, nor what the escrow would refuse', async () => {
    const { withdraw } = await payerWith(10n ** 18n)
    const before = gate.calls.length
    await expect(withdraw(1n, () => Promise.reject(new Error('the journal is full')))).rejects.toThrow('the journal is full')
    await expect(withdraw(DEPOSIT + 1n)).rejects.toThrow('withdraw: amount')
    expect(sentSince(before)).toBe(0)
  })

  it('say what the payer lacks for gas, and where to send it, before anything is signed', async () => {
    const { channel, withdraw, noted } = await payerWith(7n)
    const before = gate.calls.length
    const fault = await withdraw(1n).catch(String)
    expect(fault).toContain(`${channel.payer} has 0.000000000000000007 of the coin that pays gas on ${NETWORK}`)
    expect(fault).toMatch(/send it 0\.\d+ more\. Nothing was sent\.$/)
    expect([noted, sentSince(before)]).toEqual([[], 0])
  })

  it('tell a transaction that waits from one that nobody knows and one that failed', async () => {
    const { withdraw } = await payerWith(10n ** 18n)
    const escrows = escrowsOf(0)
    expect(await escrows.fate(NETWORK, `0x${'ab'.repeat(32)}`)).toEqual({ kind: 'gone' })
    await chain.rpc('evm_setAutomine', [false])
    try {
      const waiting = await withdraw(1n)
      expect(await escrows.fate(NETWORK, waiting)).toEqual({ kind: 'waiting' })
      await chain.mine({ blocks: 1 })
      expect(await escrows.fate(NETWORK, waiting)).toMatchObject({ kind: 'succeeded' })
      gate.lie(({ method }, truth) => (method === 'eth_getTransactionReceipt' ? { ...(truth as object), status: '0x0' } : truth))
      expect(await escrows.fate(NETWORK, waiting)).toMatchObject({ kind: 'failed' })
    } finally {
      await chain.rpc('evm_setAutomine', [true])
    }
  })
})
