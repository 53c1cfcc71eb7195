/** EVM networks by their RPC servers. Where a second one is configured, both have to show the same. */
import { FIND_TIMEOUT_MS, MAX_CHAIN_SKEW_MS, MAX_LOG_BLOCKS } from '../limits.ts'
import { agree } from './agreement.ts'
import { bracket } from './block-search.ts'
import type { Chain, ChainFinding, ChainHistory, ChainTime, Incoming, SignedTransfer } from './chain.ts'
import { addressIn, checksummed, TRANSFER, topicOf, USED } from './eip3009.ts'
import { type Block, createEvmNode, type EvmNode, type Log } from './evm-node.ts'
import { finalBlock, look, type Sighting } from './find.ts'
import { pairUses, usesOf } from './nonce-uses.ts'
import { findPermitUses, withoutAuthorization } from './permit-uses.ts'
import { createRpc, RpcError, type RpcOptions } from './rpc.ts'

export interface NetworkAccess {
  /** CAIP-2. */
  readonly id: string
  readonly rpc: string
  readonly secondRpc?: string
  /** Blocks below the head from which on a block is final. */
  readonly finalityBlocks: number
}

export interface EvmChainOptions extends Pick<RpcOptions, 'timeout_ms' | 'fetch'> {
  readonly networks: readonly NetworkAccess[]
}

interface Network {
  readonly id: string
  readonly finality: bigint
  readonly first: EvmNode
  readonly second: EvmNode | undefined
}

type IncomingQuery = Parameters<Chain['incoming']>[0]
type UsesQuery = Parameters<ChainHistory['uses']>[0]

/** @throws Error where a network is no EVM network or a URL is none. */
export function createEvmChain({ networks, ...way }: EvmChainOptions): Chain & ChainHistory {
  const access = new Map(networks.map((one) => [one.id, openNetwork(one, way)]))
  const at = (id: string): Network => {
    const network = access.get(id)
    if (!network) throw new RpcError(`No RPC is configured for ${id}.`)
    return network
  }
  return {
    networks: [...access.keys()],
    find: async (transfer) => {
      const network = access.get(transfer.network)
      return network ? find(network, transfer) : unavailable(`No RPC is configured for ${transfer.network}.`)
    },
    time: async (id) => timeOf(at(id)),
    incoming: async (query) => incoming(at(query.network), query),
    balance: async (query) => at(query.network).first.balance(query),
    allowance: async (query) => at(query.network).first.allowance(query),
    allowanceNonce: async (query) => at(query.network).first.allowanceNonce(query),
    final: async (id) => shown(await newestFinal(at(id))),
    blockBefore: async (id, time_s) => {
      const network = at(id)
      return (await bracket(network.first, await newestFinal(network), time_s)).before.number
    },
    uses: async (query) => uses(at(query.network), query),
    permits: async (query) => findPermitUses(serversOf(at(query.network)), query),
  }
}

function serversOf({ first, second }: Network): EvmNode[] {
  return second ? [first, second] : [first]
}

function openNetwork({ id, rpc, secondRpc, finalityBlocks }: NetworkAccess, way: Omit<EvmChainOptions, 'networks'>): Network {
  const open = (url: string) => createEvmNode(createRpc({ url, ...way }), id)
  return { id, finality: BigInt(finalityBlocks), first: open(rpc), second: secondRpc === undefined ? undefined : open(secondRpc) }
}

async function find({ first, second, finality }: Network, transfer: SignedTransfer): Promise<ChainFinding> {
  const [one, other] = await Promise.all([first, second].map((node) => node && sight(node, transfer, finality)))
  if (!one) throw new Error('a network has no server')
  return other ? agree(one, other) : one.finding
}

/** In bounded time; a server that gives no answer that holds is a finding too. */
async function sight(node: EvmNode, transfer: SignedTransfer, finality: bigint): Promise<Sighting> {
  const late = Promise.withResolvers<Sighting>()
  const timer = setTimeout(() => late.resolve({ finding: unavailable(`${node.host} took too long.`) }), FIND_TIMEOUT_MS)
  const looked = look(node, transfer, finality).catch((fault: unknown) => {
    if (fault instanceof RpcError) return { finding: unavailable(fault.message) }
    throw fault
  })
  try {
    return await Promise.race([looked, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

function unavailable(reason: string): ChainFinding {
  return { kind: 'unavailable', reason }
}

async function timeOf({ id, first, second }: Network): Promise<ChainTime> {
  const [one, other] = await Promise.all([first.head(), second?.head()])
  if (other && Math.abs(one.time_s - other.time_s) * 1000 > MAX_CHAIN_SKEW_MS) {
    throw new RpcError(`The two servers of ${id} disagree about its time: ${one.time_s} and ${other.time_s}.`)
  }
  return shown(one)
}

function shown({ number, time_s }: Block): ChainTime {
  return { time_s, block: number }
}

async function newestFinal({ id, first, finality }: Network): Promise<Block> {
  const final = await finalBlock(first, await first.head(), finality)
  if (!final) throw new RpcError(`${id} has no final block yet.`)
  return final
}

async function incoming(network: Network, { tokens, wallet, after }: IncomingQuery): Promise<Awaited<ReturnType<Chain['incoming']>>> {
  const final = await newestFinal(network)
  if (after === undefined) return { transfers: [], upTo: final.number }
  if (after >= final.number) return { transfers: [], upTo: after }
  const last = after + BigInt(MAX_LOG_BLOCKS)
  const range = { from: after + 1n, to: last < final.number ? last : final.number }
  const logs = await agreedLogs(network, { tokens, topics: [[TRANSFER], null, [topicOf(wallet)]], ...range })
  return { transfers: logs.flatMap((log) => transferIn(network.id, log)), upTo: range.to }
}

interface LogRange {
  readonly tokens: readonly string[]
  readonly topics: readonly (readonly string[] | null)[]
  readonly from: bigint
  readonly to: bigint
}

/** A second server that lags would show fewer; its own final block has to be as far. */
async function agreedLogs(network: Network, { tokens, topics, from, to }: LogRange): Promise<readonly Log[]> {
  if (tokens.length === 0) return []
  const { id, first, second, finality } = network
  const query = { addresses: tokens, topics, from, to }
  const logs = await first.logs(query)
  if (!second) return logs
  const final = await finalBlock(second, await second.head(), finality)
  if (!final || final.number < to) throw new RpcError(`The second server of ${id} does not see block ${to} as final yet.`)
  const others = await second.logs(query)
  if (fingerprint(logs) !== fingerprint(others)) throw new RpcError(`The two servers of ${id} show different logs.`)
  return logs
}

function fingerprint(logs: readonly Log[]): string {
  return JSON.stringify(logs.map((log) => ({ ...log, block: `${log.block}` })))
}

/** Anyone can write transfers of nothing in anyone's name: they are left out. */
function transferIn(network: string, { address, topics, data, transaction, index, block }: Log): Incoming[] {
  const [from, to] = [addressIn(topics[1]), addressIn(topics[2])]
  if (from === undefined || to === undefined || topics.length !== 3 || data.length !== 66) return []
  const amountAtomic = BigInt(data)
  const token = checksummed(address)
  return amountAtomic === 0n ? [] : [{ network, token, from, to, amountAtomic, transaction, logIndex: index, block }]
}

async function uses(network: Network, { tokens, wallet, from, to }: UsesQuery): Promise<Awaited<ReturnType<ChainHistory['uses']>>> {
  const logs = await agreedLogs(network, { tokens, topics: usesOf(wallet), from, to })
  const of = (event: string) => logs.filter(({ topics }) => topics[0] === event)
  const [used, moved] = [of(USED), of(TRANSFER)]
  const [first, last] = await Promise.all([network.first.block(from), network.first.block(to)])
  return { uses: pairUses(used, moved), outgoing: withoutAuthorization(used, moved), from_s: first.time_s, to_s: last.time_s }
}
