import type { Hex } from 'viem'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { topicOf, USED } from '../../src/chain/eip3009.ts'
import { createEvmNode, type EvmNode } from '../../src/chain/evm-node.ts'
import { createRpc, type Rpc, RpcError } from '../../src/chain/rpc.ts'
import { MAX_LOG_BLOCKS } from '../../src/limits.ts'
import { height, makePayer, type Payer, type SignedPayment, settle } from '../testnet/authorizations.ts'
import { makeTestTls } from '../testnet/certificates.ts'
import { type Chain, NETWORK, startChain, USDC } from '../testnet/chain.ts'
import { type Lie, type RpcGate, startRpcGate } from '../testnet/rpc-gate.ts'

let chain: Chain
let gate: RpcGate
let payer: Payer
let payment: SignedPayment
let transaction: Hex
let node: EvmNode

beforeAll(async () => {
  chain = await startChain()
  gate = await startRpcGate({ rpcUrl: chain.rpcUrl, tls: makeTestTls() })
  payer = await makePayer(chain)
  payment = await payer.sign()
  transaction = (await settle(chain, payment)).transaction
})
beforeEach(() => {
  gate.lie(undefined)
  node = createEvmNode(createRpc({ url: gate.url }), NETWORK)
})
afterAll(async () => {
  await gate[Symbol.asyncDispose]()
  await chain[Symbol.asyncDispose]()
})

const used = async () => ({
  addresses: [USDC],
  topics: [[USED], [topicOf(payer.address)], [payment.transfer.nonce]],
  from: 0n,
  to: await height(chain),
})

/** Changes what a method answers, where it answers at all. */
const instead = (method: string, change: (truth: Record<string, unknown>) => unknown): Lie => {
  return (call, truth) => (call.method === method ? change(z.record(z.string(), z.unknown()).parse(truth)) : truth)
}
const logsInstead = (change: Record<string, unknown>): Lie => {
  return ({ method }, truth) =>
    method === 'eth_getLogs'
      ? z
          .array(z.record(z.string(), z.unknown()))
          .parse(truth)
          .map((log) => ({ ...log, ...change }))
      : truth
}

describe('a server of the network', () => {
  it('shows blocks, events, states and balances', async () => {
    const head = await node.head()
    expect(await node.block(head.number)).toEqual(head)
    const [event] = await node.logs(await used())
    expect(event).toMatchObject({ transaction, block: head.number, blockHash: head.hash, address: USDC.toLowerCase() })
    expect((await node.logsOf(transaction, head)).map(({ index }) => index)).toEqual([0, 1])
    const place = { token: USDC, payer: payer.address, nonce: payment.transfer.nonce }
    expect(await node.isUsed({ ...place, block: head.number })).toBe(true)
    expect(await node.isUsed({ ...place, block: head.number - 1n })).toBe(false)
    expect(await node.balance({ token: USDC, wallet: payer.address })).toBe(10_000_000n - 1_000n)
  })

  it('of another chain is not believed, and is asked again when it is the right one', async () => {
    gate.lie(({ method }, truth) => (method === 'eth_chainId' ? '0x1' : truth))
    await expect(node.head()).rejects.toThrow('is a server of chain 1, not of eip155:84532')
    gate.lie(undefined)
    expect((await node.head()).number).toBe(await height(chain))
  })

  it.each<[string, Lie, (about: EvmNode) => Promise<unknown>, string]>([
    [
      'of another block',
      instead('eth_getBlockByNumber', (block) => ({ ...block, number: '0x0' })),
      (about) => about.block(1n),
      'block 0 for block 1',
    ],
    ['without a time', instead('eth_getBlockByNumber', ({ timestamp: _, ...block }) => block), (about) => about.head(), 'another shape'],
    ['of no block', ({ method }, truth) => (method === 'eth_getBlockByNumber' ? null : truth), (about) => about.block(1n), 'another shape'],
    [
      'with logs of another nonce',
      logsInstead({ topics: [USED, topicOf(USDC), USED] }),
      async (about) => about.logs(await used()),
      'not asked for',
    ],
    [
      'with logs of another token',
      logsInstead({ address: `0x${'11'.repeat(20)}` }),
      async (about) => about.logs(await used()),
      'not asked for',
    ],
    ['with logs of other blocks', logsInstead({ blockNumber: '0xfffff' }), async (about) => about.logs(await used()), 'not asked for'],
    ['with logs that were taken back', logsInstead({ removed: true }), async (about) => about.logs(await used()), 'another shape'],
    [
      'that places a transaction elsewhere',
      instead('eth_getTransactionReceipt', (receipt) => ({ ...receipt, blockHash: `0x${'11'.repeat(32)}` })),
      async (about) => about.logsOf(transaction, await about.head()),
      'another block than its log',
    ],
    [
      'with a transaction that failed',
      instead('eth_getTransactionReceipt', (receipt) => ({ ...receipt, status: '0x0' })),
      async (about) => about.logsOf(transaction, await about.head()),
      'another shape',
    ],
    [
      'with a state that is neither yes nor no',
      ({ method }, truth) => (method === 'eth_call' ? `0x${'00'.repeat(31)}02` : truth),
      (about) => about.isUsed({ token: USDC, payer: payer.address, nonce: payment.transfer.nonce, block: 1n }),
      'no yes or no',
    ],
  ])('is no source of an answer %s', async (_, lie, question, reason) => {
    gate.lie(lie)
    const fault = await question(node).catch((cause: unknown) => cause)
    expect(fault).toBeInstanceOf(RpcError)
    expect(String(fault)).toContain(reason)
  })

  it('is asked for logs in parts that it gives, each block once', async () => {
    const asked: { fromBlock: bigint; toBlock: bigint }[] = []
    const filter = z.tuple([z.object({ fromBlock: z.string().transform(BigInt), toBlock: z.string().transform(BigInt) })])
    const rpc: Rpc = {
      host: 'paper',
      call: async (method, params, schema) => {
        if (method === 'eth_getLogs') asked.push(filter.parse(params)[0])
        return schema.parse(method === 'eth_getLogs' ? [] : '0x14a34')
      },
    }
    await createEvmNode(rpc, NETWORK).logs({ addresses: [USDC], topics: [], from: 10n, to: 10n + 2n * BigInt(MAX_LOG_BLOCKS) })
    const span = BigInt(MAX_LOG_BLOCKS)
    expect(asked).toEqual([
      { fromBlock: 10n, toBlock: 9n + span },
      { fromBlock: 10n + span, toBlock: 9n + 2n * span },
      { fromBlock: 10n + 2n * span, toBlock: 10n + 2n * span },
    ])
  })

  it('is never asked for logs of all addresses', async () => {
    await expect(node.logs({ addresses: [], topics: [], from: 0n, to: 1n })).rejects.toThrow('no address')
  })
})
