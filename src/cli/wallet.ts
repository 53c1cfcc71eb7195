/** `purser wallet …`: who pays, and what it can still pay with. */
import type { Command } from 'commander'
import type { Config } from '../config/load.ts'
import type { Fetch } from '../http.ts'
import { formatAtomic } from '../money.ts'
import { WalletAnswer } from './answers.ts'
import { type CommonFlags, command, group } from './options.ts'
import { reachPurser } from './reach.ts'
import { readSettings, type Settings } from './settings.ts'
import { printJson, type Terminal, table } from './terminal.ts'

interface Token {
  readonly network: string
  readonly address: `0x${string}`
  readonly symbol: string
  readonly decimals: number
}

interface Holding extends Token {
  /** Decimal; absent where it could not be read. */
  readonly balance?: string
  readonly balanceAtomic?: string
  /** Why there is no balance. */
  readonly unread?: string
}

export function walletCommand(terminal: Terminal): Command {
  const address = command('address', 'the address that pays; the first use creates the wallet').action((flags: CommonFlags) =>
    showAddress(flags, terminal),
  )
  const balance = command('balance', 'what it holds on the configured networks, asked by their RPC').action((flags: CommonFlags) =>
    showBalance(flags, terminal),
  )
  return group('wallet', [address, balance])
}

async function showAddress(flags: CommonFlags, terminal: Terminal): Promise<void> {
  const address = await addressOf(await readSettings(flags, terminal), terminal)
  if (flags.json) printJson(terminal, { address })
  else terminal.out.line(address)
}

async function addressOf(settings: Settings, terminal: Terminal): Promise<`0x${string}`> {
  await using purser = await reachPurser(settings, terminal)
  const { address } = await purser.admin.get('/v1/wallet', WalletAnswer)
  return `0x${address.slice(2)}`
}

async function showBalance(flags: CommonFlags, terminal: Terminal): Promise<void> {
  const settings = await readSettings(flags, terminal)
  const address = await addressOf(settings, terminal)
  const { openWayOut } = await import('../way-out.ts')
  await using way = await openWayOut(settings.config, terminal.env)
  const holdings = await holdingsOf(address, settings.config, way.fetch)
  terminal.exitCode = holdings.some(({ unread }) => unread !== undefined) ? 1 : 0
  if (flags.json) return printJson(terminal, { address, holdings })
  const columns = [{ title: 'NETWORK' }, { title: 'TOKEN' }, { title: 'BALANCE', align: 'right' as const }, { title: '' }]
  const rows = holdings.map(({ network, symbol, balance, unread }) => [network, symbol, balance ?? '-', unread ?? ''])
  terminal.out.line(
    `${address}\n${rows.length === 0 ? 'No networks are configured, so there is nothing to pay with.' : table(columns, rows)}`,
  )
}

async function holdingsOf(address: `0x${string}`, config: Config, fetch: Fetch): Promise<Holding[]> {
  const all = await Promise.all(
    config.networks.map(async ({ id, rpc }) => {
      const tokens = await tokensOf(id, config)
      if (rpc === undefined) return tokens.map((token) => ({ ...token, unread: `no rpc is configured for ${id}` }))
      return Promise.all(tokens.map((token) => readHolding(token, { address, rpc, fetch })))
    }),
  )
  return all.flat()
}

/** The stablecoins that the x402 packages know, and the configured ones. */
async function tokensOf(network: string, config: Config): Promise<Token[]> {
  const [{ DEFAULT_ASSETS }, { getAddress }] = await Promise.all([import('@x402/evm'), import('viem')])
  const known = Object.entries(DEFAULT_ASSETS).flatMap(([id, assets]) => (id === network ? assets : []))
  const usual = known.map(({ asset, symbol, decimals }) => ({ network, address: getAddress(asset), symbol, decimals }))
  const configured = config.assets.filter((asset) => asset.network === network)
  const own = configured.map(({ address, symbol, decimals }) => ({ network, address: getAddress(address), symbol, decimals }))
  return [...usual.filter(({ address }) => !own.some((token) => token.address === address)), ...own]
}

const ERC20_BALANCE = [
  { type: 'function', name: 'balanceOf', stateMutability: 'view', inputs: [{ type: 'address' }], outputs: [{ type: 'uint256' }] },
] as const

/** A node that does not answer is said so; it is no reason to hide the others. */
async function readHolding(
  token: Token,
  { address, rpc, fetch }: { readonly address: `0x${string}`; readonly rpc: string; readonly fetch: Fetch },
): Promise<Holding> {
  const { createPublicClient, http } = await import('viem')
  const chain = createPublicClient({ transport: http(rpc, { retryCount: 0, fetchFn: (url, init) => fetch(String(url), init) }) })
  try {
    const atomic = await chain.readContract({ address: token.address, abi: ERC20_BALANCE, functionName: 'balanceOf', args: [address] })
    return { ...token, balance: formatAtomic(atomic, token.decimals), balanceAtomic: atomic.toString() }
  } catch (error) {
    return { ...token, unread: `the rpc did not answer (${error instanceof Error ? (error.message.split('\n')[0] ?? '') : error})` }
  }
}
