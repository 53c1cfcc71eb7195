/**
 * One server of a network: typed questions, and answers that are compared with what was asked. What does not fit is an
 * RpcError, so that nothing is concluded from a server that is broken, of another chain, or lies clumsily.
 */
import { z } from 'zod'
import { MAX_LOG_BLOCKS } from '../limits.ts'
import { PERMIT2 } from '../permit-digest.ts'
import { balanceCall, chainIdOf, stateCall } from './eip3009.ts'
import { allowanceCall, bitmapCall, isSet, noncesCall } from './permit2.ts'
import { type Rpc, RpcError } from './rpc.ts'

export interface Block {
  readonly number: bigint
  readonly hash: string
  /** Seconds since 1970. */
  readonly time_s: number
}

/** All hex in lower case. */
export interface Log {
  readonly address: string
  readonly topics: readonly string[]
  readonly data: string
  readonly block: bigint
  readonly blockHash: string
  readonly transaction: string
  readonly index: number
}

export interface LogQuery {
  /** At least one. */
  readonly addresses: readonly string[]
  /** For each place the values that are wanted; null takes any. */
  readonly topics: readonly (readonly string[] | null)[]
  /** Both inclusive. */
  readonly from: bigint
  readonly to: bigint
}

/** Every method throws RpcError where the server gives no answer that holds. */
export interface EvmNode {
  readonly host: string
  head(): Promise<Block>
  block(number: bigint): Promise<Block>
  /** In the order of the chain. */
  logs(query: LogQuery): Promise<readonly Log[]>
  /** The logs of a transaction that succeeded in this very block. */
  logsOf(transaction: string, block: Pick<Block, 'number' | 'hash'>): Promise<readonly Log[]>
  /** Used or cancelled, as of the end of this block. */
  isUsed(place: { readonly token: string; readonly payer: string; readonly nonce: string; readonly block: bigint }): Promise<boolean>
  balance(place: { readonly token: string; readonly wallet: string }): Promise<bigint>
  /** Whether Permit2 has this nonce as used or made worthless, as of the end of this block. */
  isPermitUsed(place: { readonly payer: string; readonly nonce: string; readonly block: bigint }): Promise<boolean>
  /** What the token lets Permit2 take, as of now. */
  allowance(place: { readonly token: string; readonly wallet: string }): Promise<bigint>
  /** How many permits (EIP-2612) of this wallet the token has taken, as of the head. */
  allowanceNonce(place: { readonly token: string; readonly wallet: string }): Promise<bigint>
  /** What the transaction called with, in lower case. */
  inputOf(transaction: string): Promise<string>
}

const quantity = z
  .string()
  .regex(/^0x[0-9a-fA-F]{1,64}$/)
  .transform((text) => BigInt(text))
const seconds = quantity.refine((value) => value < 2n ** 53n).transform((value) => Number(value))
const bytes = (length: number) =>
  z
    .string()
    .regex(new RegExp(`^0x[0-9a-fA-F]{${length * 2}}$`))
    .transform((text) => text.toLowerCase())
const word = bytes(32)
const blockSchema = z
  .object({ number: quantity, hash: word, timestamp: seconds })
  .transform(({ number, hash, timestamp }): Block => ({ number, hash, time_s: timestamp }))
const logSchema = z
  .object({
    address: bytes(20),
    topics: z.array(word).max(4),
    data: z.string().regex(/^0x([0-9a-fA-F]{2})*$/),
    blockNumber: quantity,
    blockHash: word,
    transactionHash: word,
    logIndex: seconds,
    removed: z.literal(false).optional(),
  })
  .transform(({ address, topics, data, blockNumber, blockHash, transactionHash, logIndex }): Log => {
    return { address, topics, data: data.toLowerCase(), block: blockNumber, blockHash, transaction: transactionHash, index: logIndex }
  })
const receiptSchema = z.object({
  status: z.literal('0x1'),
  blockNumber: quantity,
  blockHash: word,
  transactionHash: word,
  logs: z.array(logSchema),
})

const transactionSchema = z.object({ input: z.string().regex(/^0x([0-9a-fA-F]{2})*$/) })

export function createEvmNode(rpc: Rpc, network: string): EvmNode {
  const { host } = rpc
  const ask = checkedRpc(rpc, network)
  const block = async (number: bigint) => {
    const found = await ask('eth_getBlockByNumber', [toQuantity(number), false], blockSchema)
    if (found.number !== number) throw new RpcError(`${host} answered with block ${found.number} for block ${number}.`)
    return found
  }
  const view = (token: string, data: string, at: string) => ask('eth_call', [{ to: token, data }, at], word)
  return {
    host,
    block,
    head: () => ask('eth_getBlockByNumber', ['latest', false], blockSchema),
    logs: (query) => readLogs(ask, host, query),
    logsOf: async (transaction, { number, hash }) => {
      const receipt = await ask('eth_getTransactionReceipt', [transaction], receiptSchema)
      const fits = receipt.transactionHash === transaction && receipt.blockNumber === number && receipt.blockHash === hash
      if (!fits) throw new RpcError(`${host} places transaction ${transaction} in another block than its log.`)
      return receipt.logs
    },
    isUsed: async ({ token, payer, nonce, block: at }) => {
      const state = BigInt(await view(token, stateCall({ payer, nonce }), toQuantity(at)))
      if (state > 1n) throw new RpcError(`${host} answered authorizationState with something that is no yes or no.`)
      return state === 1n
    },
    balance: async ({ token, wallet }) => BigInt(await view(token, balanceCall(wallet), 'latest')),
    isPermitUsed: async ({ payer, nonce, block: at }) =>
      isSet(BigInt(await view(PERMIT2, bitmapCall({ payer, nonce }), toQuantity(at))), nonce),
    allowanceNonce: async ({ token, wallet }) => BigInt(await view(token, noncesCall(wallet), 'latest')),
    allowance: async ({ token, wallet }) => BigInt(await view(token, allowanceCall(wallet), 'latest')),
    inputOf: async (transaction) => (await ask('eth_getTransactionByHash', [transaction], transactionSchema)).input.toLowerCase(),
  }
}

type Ask = Rpc['call']

/** The server's chain id is asked for once, before anything else is believed. */
function checkedRpc(rpc: Rpc, network: string): Ask {
  const expected = BigInt(chainIdOf(network))
  let checked = false
  return async (method, params, schema) => {
    if (!checked) {
      const id = await rpc.call('eth_chainId', [], quantity)
      if (id !== expected) throw new RpcError(`${rpc.host} is a server of chain ${id}, not of ${network}.`)
      checked = true
    }
    return rpc.call(method, params, schema)
  }
}

/** Servers refuse wide ranges, so that they are asked for in parts; a log that was not asked for is a fault of the server. */
async function readLogs(ask: Ask, host: string, query: LogQuery): Promise<readonly Log[]> {
  const { addresses, topics, from, to } = query
  if (addresses.length === 0) throw new Error('logs of no address are asked for, which would mean all addresses')
  const found: Log[] = []
  for (let start = from; start <= to; start += BigInt(MAX_LOG_BLOCKS)) {
    const last = start + BigInt(MAX_LOG_BLOCKS) - 1n
    const part = { ...query, from: start, to: last < to ? last : to }
    const filter = { address: addresses, topics, fromBlock: toQuantity(part.from), toBlock: toQuantity(part.to) }
    const logs = await ask('eth_getLogs', [filter], z.array(logSchema))
    if (!logs.every((log) => wasAsked(log, part))) throw new RpcError(`${host} answered with a log that was not asked for.`)
    found.push(...logs)
  }
  return found.sort((one, other) => (one.block === other.block ? one.index - other.index : one.block < other.block ? -1 : 1))
}

function wasAsked({ address, topics, block }: Log, query: LogQuery): boolean {
  const wanted = (values: readonly string[] | null, topic: string | undefined) =>
    values === null || values.some((value) => value.toLowerCase() === topic)
  return (
    block >= query.from &&
    block <= query.to &&
    query.addresses.some((one) => one.toLowerCase() === address) &&
    query.topics.every((values, place) => wanted(values, topics[place]))
  )
}

function toQuantity(number: bigint): string {
  return `0x${number.toString(16)}`
}
