/** Solana networks by their RPC servers. Where a second one is configured, both have to show the same. */
import { FIND_TIMEOUT_MS, MAX_CHAIN_SKEW_MS } from '../limits.ts'
import { TOKEN_2022_PROGRAM, TOKEN_PROGRAM, type TokenProgram } from '../solana-address.ts'
import { agree } from './agreement.ts'
import type { Chain, ChainFinding, ChainTime, SignedTransfer } from './chain.ts'
import { createRpc, RpcError, type RpcOptions } from './rpc.ts'
import { lookOnSolana } from './solana-find.ts'
import { createSolanaNode, type RecentBlock, type SolanaNode } from './solana-node.ts'

export interface SolanaChainOptions extends Pick<RpcOptions, 'timeout_ms' | 'fetch'> {
  readonly networks: readonly { readonly id: string; readonly rpc: string; readonly secondRpc?: string }[]
  /** Which program keeps which mint. */
  readonly tokens: readonly { readonly network: string; readonly address: string; readonly tokenProgram?: string }[]
}

/** What this program knows of Solana: transfers back to our wallets, and payments that no ledger knows, are not looked for. */
export interface SolanaChain extends Pick<Chain, 'networks' | 'find' | 'time' | 'balance'> {
  /** @throws RpcError */
  recentBlock(network: string): Promise<RecentBlock>
}

interface Network {
  readonly id: string
  readonly first: SolanaNode
  readonly second: SolanaNode | undefined
}

/** @throws Error where a URL is none. */
export function createSolanaChain({ networks, tokens, ...way }: SolanaChainOptions): SolanaChain {
  const open = (id: string, url: string) => createSolanaNode(createRpc({ url, ...way }), id)
  const access = new Map(
    networks.map(({ id, rpc, secondRpc }): [string, Network] => [
      id,
      { id, first: open(id, rpc), second: secondRpc === undefined ? undefined : open(id, secondRpc) },
    ]),
  )
  const at = (id: string): Network => {
    const network = access.get(id)
    if (!network) throw new RpcError(`No RPC is configured for ${id}.`)
    return network
  }
  return {
    networks: [...access.keys()],
    find: async (transfer) => find(at(transfer.network), transfer),
    time: async (id) => timeOf(at(id)),
    recentBlock: async (id) => at(id).first.recentBlock(),
    balance: async ({ network, token, wallet }) => {
      const known = tokens.find((one) => one.network === network && one.address === token)
      return at(network).first.balance({ owner: wallet, mint: token, tokenProgram: programOf(known?.tokenProgram) })
    },
  }
}

function programOf(program: string | undefined): TokenProgram {
  if (program === TOKEN_PROGRAM || program === TOKEN_2022_PROGRAM) return program
  throw new RpcError('The program that keeps this token is not known here.')
}

async function find({ first, second }: Network, transfer: SignedTransfer): Promise<ChainFinding> {
  const [one, other] = await Promise.all([first, second].map((node) => node && sight(node, transfer)))
  if (!one) throw new Error('a network has no server')
  return other ? agree({ finding: one }, { finding: other }) : one
}

/** In bounded time; a server that gives no answer that holds is a finding too. */
async function sight(node: SolanaNode, transfer: SignedTransfer): Promise<ChainFinding> {
  const late = Promise.withResolvers<ChainFinding>()
  const timer = setTimeout(() => late.resolve({ kind: 'unavailable', reason: `${node.host} took too long.` }), FIND_TIMEOUT_MS)
  const looked = lookOnSolana(node, transfer).catch((fault: unknown): ChainFinding => {
    if (fault instanceof RpcError) return { kind: 'unavailable', reason: fault.message }
    throw fault
  })
  try {
    return await Promise.race([looked, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

async function timeOf({ id, first, second }: Network): Promise<ChainTime> {
  const [one, other] = await Promise.all([headOf(first), second && headOf(second)])
  if (other && Math.abs(one.time_s - other.time_s) * 1000 > MAX_CHAIN_SKEW_MS)
    throw new RpcError(`The two servers of ${id} disagree about its time: ${one.time_s} and ${other.time_s}.`)
  return one
}

async function headOf(node: SolanaNode): Promise<ChainTime> {
  const slot = await node.head()
  return { block: slot, time_s: await node.timeOf(slot) }
}
