import { numberToHex } from 'viem'
import { generatePrivateKey } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAllowanceWallet } from '../../src/chain/allowance-wallet.ts'
import { createEvmChain } from '../../src/chain/evm-chain.ts'
import { APPROVE_POLLS } from '../../src/permit2-limits.ts'
import { makeTestTls } from '../testnet/certificates.ts'
import { type Chain, NETWORK, startChain, USDC } from '../testnet/chain.ts'
import { type RpcGate, startRpcGate } from '../testnet/rpc-gate.ts'

let chain: Chain
let gate: RpcGate
beforeAll(async () => {
  chain = await startChain()
  gate = await startRpcGate({ rpcUrl: chain.rpcUrl, tls: makeTestTls() })
})
afterAll(async () => {
  await gate?.[Symbol.asyncDispose]()
  await chain?.[Symbol.asyncDispose]()
})

async function walletWith(wei: bigint) {
  let waits = 0
  const pause = async () => void waits++
  const networks = [{ id: NETWORK, rpc: gate.url }]
  const wallet = createAllowanceWallet({ key: generatePrivateKey(), networks, pause, signal: new AbortController().signal })
  await chain.rpc('anvil_setBalance', [wallet.address, numberToHex(wei)])
  return { wallet, waits: () => waits }
}

const allowed = (wallet: string) =>
  createEvmChain({ networks: [{ id: NETWORK, rpc: chain.rpcUrl, finalityBlocks: 0 }] }).allowance({ network: NETWORK, token: USDC, wallet })

describe('the allowance', () => {
  it('is exactly what was asked for, in the place of the one before', async () => {
    const { wallet } = await walletWith(10n ** 18n)
    for (const amountAtomic of [5_000_000n, 1_000n, 0n]) {
      expect(await wallet.allow({ network: NETWORK, token: USDC, amountAtomic })).toMatch(/^0x[0-9a-f]{64}$/)
      expect(await allowed(wallet.address)).toBe(amountAtomic)
    }
  })

  it('is not given without gas, nor on another network', async () => {
    const { wallet } = await walletWith(0n)
    await expect(wallet.allow({ network: NETWORK, token: USDC, amountAtomic: 1n })).rejects.toThrow(/refused eth_/)
    await expect(wallet.allow({ network: 'eip155:1', token: USDC, amountAtomic: 1n })).rejects.toThrow('No RPC is configured')
    expect(await allowed(wallet.address)).toBe(0n)
  })

  it('that is in no block is waited for, and then left to people', async () => {
    const { wallet, waits } = await walletWith(10n ** 18n)
    gate.lie(({ method }, truth) => (method === 'eth_getTransactionReceipt' ? null : truth))
    await expect(wallet.allow({ network: NETWORK, token: USDC, amountAtomic: 7n })).rejects.toThrow('in no block')
    expect(waits()).toBe(APPROVE_POLLS)
    gate.lie(undefined)
  })

  it('whose transaction failed is said', async () => {
    const { wallet } = await walletWith(10n ** 18n)
    gate.lie(({ method }, truth) => (method === 'eth_getTransactionReceipt' ? { status: '0x0' } : truth))
    await expect(wallet.allow({ network: NETWORK, token: USDC, amountAtomic: 7n })).rejects.toThrow('the allowance is as it was')
    gate.lie(undefined)
  })
})
