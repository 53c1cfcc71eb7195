/** Outer ceilings of EVM networks, read by their RPC servers for people to look at. */
import { encodeFunctionData, type Hex, parseAbi } from 'viem'
import { z } from 'zod'
import { CEILINGS_TIMEOUT_MS, MAX_REASON_CHARS } from '../ceiling-limits.ts'
import type { Clock } from '../clock.ts'
import type { CeilingQuery, CeilingReader, NetworkCeilings, PermissionState, Read, SpendPermission } from '../outer-ceilings.ts'
import { balanceCall } from './eip3009.ts'
import type { NetworkAccess } from './evm-chain.ts'
import { type Block, createEvmNode, type EvmNode } from './evm-node.ts'
import { createRpc, type Rpc, RpcError, type RpcOptions } from './rpc.ts'
import { permissionCall, readPeriod, SPEND_PERMISSION_MANAGER, unusable, yesOrNo } from './spend-permission.ts'

export interface CeilingReaderOptions extends Pick<RpcOptions, 'timeout_ms' | 'fetch'> {
  readonly networks: readonly Pick<NetworkAccess, 'id' | 'rpc' | 'secondRpc'>[]
  readonly clock: Pick<Clock, 'monotonic'>
}

interface Server {
  readonly rpc: Rpc
  readonly node: EvmNode
}

interface Network {
  readonly id: string
  /** One or two. */
  readonly servers: readonly Server[]
}

/** A block that all servers of a network have, and calls as of its end. */
interface Moment {
  readonly time_s: number
  /** What the contract answers, in lower case, as long as it has to be. @throws RpcError where that is nothing, or the servers disagree. */
  view(to: string, data: Hex, words: number): Promise<Hex>
}

const abi = parseAbi(['function allowance(address owner, address spender) view returns (uint256)'])
const answer = z
  .string()
  .regex(/^0x([0-9a-fA-F]{2}){0,4096}$/)
  .transform((text): Hex => `0x${text.slice(2).toLowerCase()}`)

/** @throws Error where a network is no EVM network or a URL is none. */
export function createCeilingReader({ networks, clock, ...way }: CeilingReaderOptions): CeilingReader {
  const access = new Map(networks.map((one) => [one.id, openNetwork(one, way)]))
  return {
    networks: [...access.keys()],
    read: async (query) => {
      const network = access.get(query.network)
      if (!network) return nothingKnown(query, `no rpc is configured for ${query.network}`)
      const until = clock.monotonic() + CEILINGS_TIMEOUT_MS
      const moment = await attempt(() => openMoment(network))
      if (moment.kind === 'unknown') return nothingKnown(query, moment.reason)
      return readAll(query, moment.value, () => clock.monotonic() >= until)
    },
  }
}

function openNetwork(
  { id, rpc, secondRpc }: CeilingReaderOptions['networks'][number],
  way: Pick<RpcOptions, 'timeout_ms' | 'fetch'>,
): Network {
  const open = (url: string): Server => {
    const opened = createRpc({ url, ...way })
    return { rpc: opened, node: createEvmNode(opened, id) }
  }
  return { id, servers: [open(rpc), ...(secondRpc === undefined ? [] : [open(secondRpc)])] }
}

/** The newest block that every server has. */
async function openMoment({ id, servers }: Network): Promise<Moment> {
  const heads = await Promise.all(servers.map(({ node }) => node.head()))
  const block = heads.reduce((oldest, head) => (head.number < oldest.number ? head : oldest))
  const same = async ({ node }: Server, head: Block | undefined) =>
    (head?.number === block.number ? head : await node.block(block.number)).hash === block.hash
  const all = await Promise.all(servers.map((server, place) => same(server, heads[place])))
  if (!all.every(Boolean)) throw new RpcError(`The two servers of ${id} show different blocks ${block.number}.`)
  const at = `0x${block.number.toString(16)}`
  return {
    time_s: block.time_s,
    view: async (to, data, words) => {
      const [one = '0x', ...others] = await Promise.all(servers.map(({ rpc }) => rpc.call('eth_call', [{ to, data }, at], answer)))
      if (others.some((other) => other !== one)) throw new RpcError(`The two servers of ${id} disagree about ${to}.`)
      if (one === '0x') throw new RpcError(`There is no such contract at ${to} on ${id}.`)
      if (one.length !== 2 + words * 64) throw new RpcError(`${to} on ${id} answered with a value of another shape.`)
      return one
    },
  }
}

/** A token after the other, so that a server is not asked a hundred questions at once. */
async function readAll(query: CeilingQuery, moment: Moment, isLate: () => boolean): Promise<NetworkCeilings> {
  const { network, wallet, spenders } = query
  const read = <T>(work: () => Promise<T>): Promise<Read<T>> => attempt(() => inTime(work, isLate, network))
  const number = async (to: string, data: Hex) => BigInt(await moment.view(to, data, 1))
  const allowed = (token: string) => Promise.all(spenders.map((one) => read(() => number(token, allowanceOf(wallet, one)))))
  const tokens: NetworkCeilings['tokens'][number][] = []
  for (const token of query.tokens) {
    const balance = await read(() => number(token, balanceCall(lower(wallet))))
    tokens.push({ balance, allowed: await allowed(token) })
  }
  const permissions: NetworkCeilings['permissions'][number][] = []
  for (const one of query.permissions) {
    const standing = await read(() => standingOf(one, moment))
    permissions.push({ standing, balance: await read(() => number(one.token, balanceCall(lower(one.account)))) })
  }
  return { tokens, permissions }
}

async function inTime<T>(work: () => Promise<T>, isLate: () => boolean, network: string): Promise<T> {
  if (isLate()) throw new RpcError(`The servers of ${network} took too long.`)
  return work()
}

/** The order is that of what a person would have to mend first. */
async function standingOf(permission: SpendPermission, { view, time_s }: Moment): Promise<PermissionState> {
  const ask = (question: Parameters<typeof permissionCall>[0], words: number) =>
    view(SPEND_PERMISSION_MANAGER, permissionCall(question, permission), words)
  const [approved, revoked] = await Promise.all([ask('isApproved', 1), ask('isRevoked', 1)])
  if (yesOrNo(revoked)) return unusable('revoked')
  if (!yesOrNo(approved)) return unusable('not_approved')
  const { start, end, allowance } = permission
  if (time_s < start) return unusable('not_started', start)
  if (time_s >= end) return unusable('ended')
  const { end_s, spent } = readPeriod(await ask('getCurrentPeriod', 3), permission, time_s)
  return { state: 'usable', spent, left: allowance - spent, nextPeriod_s: end_s < end ? end_s : null }
}

function allowanceOf(owner: string, spender: string): Hex {
  return encodeFunctionData({ abi, functionName: 'allowance', args: [lower(owner), lower(spender)] })
}

/** Letters in any case are an address; the encoder takes mixed ones for a checksum. */
function lower(address: string): Hex {
  return `0x${address.slice(2).toLowerCase()}`
}

async function attempt<T>(work: () => Promise<T>): Promise<Read<T>> {
  try {
    return { kind: 'read', value: await work() }
  } catch (fault) {
    if (fault instanceof RpcError) return { kind: 'unknown', reason: fault.message.slice(0, MAX_REASON_CHARS) }
    throw fault
  }
}

function nothingKnown({ tokens, spenders, permissions }: CeilingQuery, reason: string): NetworkCeilings {
  const unknown = { kind: 'unknown', reason } as const
  return {
    tokens: tokens.map(() => ({ balance: unknown, allowed: spenders.map(() => unknown) })),
    permissions: permissions.map(() => ({ standing: unknown, balance: unknown })),
  }
}
