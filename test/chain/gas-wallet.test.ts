import { inspect } from 'node:util'
import { type Hex, numberToHex } from 'viem'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Cancellation, GasWallet } from '../../src/chain/chain.ts'
import { createEvmChain } from '../../src/chain/evm-chain.ts'
import { createGasWallet } from '../../src/chain/gas-wallet.ts'
import { MAX_GAS_PRICE_WEI } from '../../src/limits.ts'
import { DOMAIN, makePayer, type Payer, type SignedPayment, settle } from '../testnet/authorizations.ts'
import { makeTestTls } from '../testnet/certificates.ts'
import { type Chain, NETWORK, startChain, USDC } from '../testnet/chain.ts'
import { type RpcGate, startRpcGate } from '../testnet/rpc-gate.ts'

const KEY = `0x${'c0ffee11'.repeat(8)}` as const
let chain: Chain
let gate: RpcGate
let payer: Payer
let gas: GasWallet

beforeAll(async () => {
  chain = await startChain()
  gate = await startRpcGate({ rpcUrl: chain.rpcUrl, tls: makeTestTls() })
  payer = await makePayer(chain)
  gas = createGasWallet({ key: generatePrivateKey(), networks: [{ id: NETWORK, rpc: gate.url }] })
  await chain.rpc('anvil_setBalance', [gas.address, numberToHex(10n ** 18n)])
})
beforeEach(() => gate.lie(undefined))
afterAll(async () => {
  await gate[Symbol.asyncDispose]()
  await chain[Symbol.asyncDispose]()
})

async function cancellationOf({ authorization: { nonce } }: SignedPayment): Promise<Cancellation> {
  const signature = await payer.wallet.signCancel(null, { domain: DOMAIN, authorizer: payer.address, nonce })
  return { network: NETWORK, token: USDC, authorizer: payer.address, nonce, signature }
}

/** Methods that went through the gate since then. */
const methodsSince = (before: number) => gate.calls.slice(before).map((call) => JSON.parse(String(call)).method as string)

describe('the gas wallet', () => {
  it('cancels an authorization on the chain, which then can never be settled', async () => {
    const payment = await payer.sign()
    const transaction = await gas.cancel(await cancellationOf(payment))
    await chain.client.waitForTransactionReceipt({ hash: transaction as Hex })
    expect((await settle(chain, payment)).succeeded).toBe(false)
    await chain.mine({ blocks: 1 })
    const port = createEvmChain({ networks: [{ id: NETWORK, rpc: chain.rpcUrl, finalityBlocks: 1 }] })
    expect(await port.find(payment.transfer)).toMatchObject({ kind: 'cancelled', transaction })
  })

  it('cancels several at once, each in a transaction of its own', async () => {
    const payments = await Promise.all([payer.sign(), payer.sign(), payer.sign()])
    const transactions = await Promise.all(payments.map(async (payment) => gas.cancel(await cancellationOf(payment))))
    expect(new Set(transactions).size).toBe(3)
    for (const payment of payments) expect(await chain.authorizationUsed(payer.address, payment.authorization.nonce)).toBe(true)
  })

  it('burns no gas where the token would not take the cancellation', async () => {
    const payment = await payer.sign()
    const cancellation = await cancellationOf(payment)
    await settle(chain, payment)
    const before = gate.calls.length
    await expect(gas.cancel(cancellation)).rejects.toThrow('authorization is used or canceled')
    expect(methodsSince(before)).not.toContain('eth_sendRawTransaction')
  })

  it('pays no price that is out of all proportion, whoever names it', async () => {
    gate.lie(({ method }, truth) => (method === 'eth_gasPrice' ? numberToHex(MAX_GAS_PRICE_WEI) : truth))
    const before = gate.calls.length
    await expect(gas.cancel(await cancellationOf(await payer.sign()))).rejects.toThrow('Gas costs')
    expect(methodsSince(before)).not.toContain('eth_sendRawTransaction')
  })

  it('sends nothing to a server of another chain, nor to a network without one', async () => {
    const cancellation = await cancellationOf(await payer.sign())
    await expect(gas.cancel({ ...cancellation, network: 'eip155:1' })).rejects.toThrow('No RPC')
    gate.lie(({ method }, truth) => (method === 'eth_chainId' ? '0x1' : truth))
    await expect(gas.cancel(cancellation)).rejects.toThrow('chain 1')
  })

  it('does not believe another transaction than its own', async () => {
    gate.lie(({ method }, truth) => (method === 'eth_sendRawTransaction' ? `0x${'11'.repeat(32)}` : truth))
    await expect(gas.cancel(await cancellationOf(await payer.sign()))).rejects.toThrow('another transaction')
  })

  it('shows its address and never its key', () => {
    const wallet = createGasWallet({ key: KEY, networks: [] })
    const shown = [inspect(wallet, { depth: 10, showHidden: true }), JSON.stringify(wallet), wallet.cancel.toString()].join()
    expect(shown).toContain(privateKeyToAddress(KEY))
    expect(shown).not.toContain('c0ffee11c0ffee11')
    expect(() => createGasWallet({ key: `${KEY}00`, networks: [] })).toThrow(/^the gas wallet’s key is not a secp256k1 key$/)
  })
})
