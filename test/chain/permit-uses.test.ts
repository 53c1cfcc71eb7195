import { encodeFunctionData, type Hex, parseAbi } from 'viem'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Outgoing } from '../../src/chain/chain.ts'
import { checksummed, TRANSFER, topicOf, USED } from '../../src/chain/eip3009.ts'
import { createEvmChain } from '../../src/chain/evm-chain.ts'
import type { Log } from '../../src/chain/evm-node.ts'
import { withoutAuthorization, wordsOf } from '../../src/chain/permit-uses.ts'
import { MAX_PERMIT_TRANSACTIONS, MAX_PERMIT_WORDS } from '../../src/permit2-limits.ts'
import { makePayer, PAYEE, type Payer, settle, submit, transferBack } from '../testnet/authorizations.ts'
import { makeTestTls } from '../testnet/certificates.ts'
import { type Chain, NETWORK, startChain, USDC } from '../testnet/chain.ts'
import { allow, placePermit2 } from '../testnet/permit2.ts'
import { settleCall, settlePermit, signPermit } from '../testnet/permits.ts'
import { type RpcGate, startRpcGate } from '../testnet/rpc-gate.ts'

const MULTICALL: Hex = '0xcA11bde05977b3631167028862bE2a173976CA11'
const multicall = parseAbi([
  'struct Call { address target; bytes callData; }',
  'function tryAggregate(bool requireSuccess, Call[] calls) payable',
])

let chain: Chain
let gate: RpcGate
let payer: Payer
beforeAll(async () => {
  chain = await startChain()
  await placePermit2(chain)
  gate = await startRpcGate({ rpcUrl: chain.rpcUrl, tls: makeTestTls() })
}, 60_000)
beforeEach(async () => {
  gate.lie(undefined)
  payer = await makePayer(chain)
  await allow(chain, payer.address)
})
afterAll(async () => {
  await gate?.[Symbol.asyncDispose]()
  await chain?.[Symbol.asyncDispose]()
})

interface Ledger {
  readonly nonces?: readonly string[]
  /** By transaction, how many payments it settled. */
  readonly settled?: Readonly<Record<string, number>>
}

/** What left the wallet by permits that this ledger does not know, as one server tells it, or two. */
async function search({ nonces = [], settled = {} }: Ledger = {}, servers: 1 | 2 = 1) {
  await chain.mine({ blocks: 2 })
  const second = servers === 2 ? { secondRpc: gate.url } : {}
  const port = createEvmChain({ networks: [{ id: NETWORK, rpc: chain.rpcUrl, ...second, finalityBlocks: 1 }] })
  const { block: final } = await port.final(NETWORK)
  const { outgoing = [] } = await port.uses({ network: NETWORK, tokens: [USDC], wallet: payer.address, from: 0n, to: final })
  const recorded = { isKnown: (nonce: string) => nonces.includes(nonce), settledBy: (hash: string) => settled[hash] ?? 0 }
  return port.permits?.({ network: NETWORK, wallet: payer.address, outgoing, final, ...recorded })
}

const none = { uses: [], unread: [] }

describe('permits of a wallet that the ledger does not know', () => {
  it.each(['exact', 'upto'] as const)('are found by their nonce, with what they moved: %s', async (scheme) => {
    const signed = await signPermit(chain, payer, { scheme })
    const { transaction } = await settlePermit(chain, signed, scheme === 'upto' ? 250n : 1_000n)
    const { nonce } = signed.transfer
    const found = {
      token: USDC,
      nonce,
      transaction,
      block: expect.any(BigInt),
      payTo: PAYEE,
      amountAtomic: scheme === 'upto' ? 250n : 1_000n,
    }
    expect(await search()).toEqual({ uses: [found], unread: [] })
    expect(await search({}, 2)).toEqual({ uses: [found], unread: [] })
  })

  it('are not those that it knows, nor authorizations of the token, nor what the wallet sent itself', async () => {
    const signed = await signPermit(chain, payer, { scheme: 'exact' })
    const { transaction } = await settlePermit(chain, signed)
    await settle(chain, await payer.sign())
    await transferBack(chain, payer.address, { to: PAYEE, amountAtomic: 300n })
    expect(await search({ nonces: [signed.transfer.nonce] })).toEqual(none)
    expect(await search({ settled: { [transaction]: 1 } })).toEqual(none)
  })

  it('are found beside a known one, in calls inside a call, and nobody guesses which moved what', async () => {
    const permits = [await signPermit(chain, payer, { scheme: 'exact' }), await signPermit(chain, payer, { scheme: 'exact' })]
    const calls = permits.map((one) => settleCall(one, 1_000n)).map(({ to, data }) => ({ target: to, callData: data }))
    const data = encodeFunctionData({ abi: multicall, functionName: 'tryAggregate', args: [true, calls] })
    const { transaction, succeeded } = await submit(chain, { to: MULTICALL, data })
    expect(succeeded).toBe(true)
    const [known = '', strange = ''] = permits.map(({ transfer }) => transfer.nonce)
    const told = await search({ nonces: [known], settled: { [transaction]: 1 } })
    expect(told?.uses).toMatchObject([{ nonce: strange, transaction, payTo: null, amountAtomic: null }])
    expect((await search())?.uses.map(({ nonce }) => nonce).sort()).toEqual([known, strange].sort())
  })

  it('are not hidden by a nonce that was used before, wherever it is written', async () => {
    const [first, second] = [await signPermit(chain, payer, { scheme: 'exact' }), await signPermit(chain, payer, { scheme: 'exact' })]
    await settlePermit(chain, first)
    const { to, data } = settleCall(second, 1_000n)
    const { transaction } = await submit(chain, { to, data: `${data}${first.transfer.nonce.slice(2)}` })
    const told = await search({ nonces: [first.transfer.nonce] })
    expect(told?.uses).toMatchObject([{ nonce: second.transfer.nonce, transaction, amountAtomic: 1_000n }])
    // Nor is the old one taken for used again.
    expect((await search())?.uses.filter((use) => use.transaction === transaction)).toHaveLength(1)
  })

  it('are not told where two servers disagree, and that is said', async () => {
    const { transaction } = await settlePermit(chain, await signPermit(chain, payer, { scheme: 'exact' }))
    gate.lie(({ method }, truth) => (method === 'eth_call' ? `0x${'0'.repeat(64)}` : truth))
    expect(await search({}, 2)).toEqual({
      uses: [],
      unread: [expect.stringContaining(`${transaction} used a permit cannot be told: The two`)],
    })
  })
})

describe('what is searched', () => {
  const log = (changes: Partial<Log>): Log => ({
    ...{ address: USDC.toLowerCase(), topics: [], data: '0x', block: 7n, blockHash: '0x7', transaction: '0x1', index: 0 },
    ...changes,
  })
  const payerOf = `0x${'12'.repeat(20)}`
  const used = (changes: Partial<Log> = {}) => log({ topics: [USED, topicOf(payerOf), `0x${'ab'.repeat(32)}`], ...changes })
  const moved = (amount: bigint, changes: Partial<Log> = {}) =>
    log({ topics: [TRANSFER, topicOf(payerOf), topicOf(PAYEE)], data: `0x${amount.toString(16).padStart(64, '0')}`, ...changes })

  it('is every transfer of a transaction that moved more than its authorizations, and none of nothing', () => {
    expect(withoutAuthorization([], [moved(5n)])).toEqual([
      { token: USDC, transaction: '0x1', block: 7n, payTo: checksummed(PAYEE), amountAtomic: 5n },
    ])
    expect(withoutAuthorization([used()], [moved(5n)])).toEqual([])
    expect(withoutAuthorization([used()], [moved(5n), moved(6n)])).toHaveLength(2)
    expect(withoutAuthorization([used({ transaction: '0x2' })], [moved(5n)])).toHaveLength(1)
    expect(withoutAuthorization([], [moved(0n), moved(1n, { data: '0x' })])).toEqual([])
  })

  it('is every word of a call and of calls inside it, once', () => {
    const word = (byte: string) => byte.repeat(32)
    expect(wordsOf(`0x12345678${word('aa')}${word('bb')}`)).toEqual(expect.arrayContaining([`0x${word('aa')}`, `0x${word('bb')}`]))
    expect(wordsOf(`0x12345678${word('aa')}12345678${word('cc')}`)).toContain(`0x${word('cc')}`)
    expect(wordsOf(`0x12345678${word('aa')}${word('aa')}`).filter((one) => one === `0x${word('aa')}`)).toHaveLength(1)
    for (const short of ['0x', '0x1234', '0x12345678', `0x12345678${'a'.repeat(62)}`]) expect(wordsOf(short)).toEqual([])
  })

  it('is bounded, and what is left out is said', async () => {
    const port = createEvmChain({ networks: [{ id: NETWORK, rpc: gate.url, finalityBlocks: 1 }] })
    const outgoing: Outgoing[] = Array.from({ length: MAX_PERMIT_TRANSACTIONS + 3 }, (_, at) => {
      return { token: USDC, transaction: `0x${at.toString(16).padStart(64, '0')}`, block: 1n, payTo: PAYEE, amountAtomic: 1n }
    })
    const long = `0x12345678${Array.from({ length: MAX_PERMIT_WORDS + 1 }, (_, at) => (at + 1).toString(16).padStart(64, 'f')).join('')}`
    gate.lie(({ method }, truth) => (method === 'eth_getTransactionByHash' ? { input: long } : truth))
    const wallet = privateKeyToAddress(generatePrivateKey())
    const told = await port.permits?.({ network: NETWORK, wallet, outgoing, final: 1n, isKnown: () => false, settledBy: () => 0 })
    expect(told?.uses).toEqual([])
    expect(told?.unread).toHaveLength(MAX_PERMIT_TRANSACTIONS + 1)
    expect(told?.unread.at(0)).toContain('its input is too long')
    expect(told?.unread.at(-1)).toBe('3 further transactions were not searched for permits.')
  })
})
