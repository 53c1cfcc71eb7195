/** `purser wallet …`: who pays, and what it can still pay with. */
import type { Command } from 'commander'
import { z } from 'zod'
import { uniformAddress } from '../address.ts'
import type { Chain } from '../chain/chain.ts'
import type { Config } from '../config/load.ts'
import type { Fetch } from '../http.ts'
import { type Asset, formatAtomic } from '../money.ts'
import { WalletAnswer } from './answers.ts'
import { CliFailure } from './failure.ts'
import { type CommonFlags, command, group } from './options.ts'
import { reachPurser } from './reach.ts'
import { readSettings, type Settings } from './settings.ts'
import { printJson, type Terminal, table } from './terminal.ts'
import { allowCommand } from './wallet-allow.ts'
import { ceilingsCommand } from './wallet-ceilings.ts'
import { encryptCommand } from './wallet-encrypt.ts'
import { presignCommand } from './wallet-presign.ts'

const SessionWalletAnswer = z.looseObject({ wallet: z.looseObject({ address: z.string().nullable() }) })

interface Token {
  readonly network: string
  readonly address: string
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
  const address = command('address', 'the address that pays; the first use creates the wallet')
    .option('--session <id>', 'the address that this session pays from')
    .action((flags: AddressFlags) => showAddress(flags, terminal))
  const balance = command('balance', 'what it holds on the configured networks, asked by their RPC').action((flags: CommonFlags) =>
    showBalance(flags, terminal),
  )
  const more = [ceilingsCommand(terminal), allowCommand(terminal), encryptCommand(terminal), presignCommand(terminal)]
  return group('wallet', [address, balance, ...more])
}

interface AddressFlags extends CommonFlags {
  readonly session?: string
}

async function showAddress(flags: AddressFlags, terminal: Terminal): Promise<void> {
  const settings = await readSettings(flags, terminal)
  const addresses =
    flags.session === undefined
      ? await addressesOf(settings, terminal)
      : { address: await addressOfSession(flags.session, settings, terminal) }
  if (flags.json) printJson(terminal, addresses)
  else for (const address of Object.values(addresses)) terminal.out.line(address)
}

interface Addresses {
  readonly address: `0x${string}`
  /** Where it pays on Solana too. */
  readonly solana?: string
}

async function addressesOf(settings: Settings, terminal: Terminal): Promise<Addresses> {
  await using purser = await reachPurser(settings, terminal)
  const { address, solana } = await purser.admin.get('/v1/wallet', WalletAnswer)
  return { address: `0x${address.slice(2)}`, ...(solana !== undefined && { solana }) }
}

async function addressOfSession(id: string, settings: Settings, terminal: Terminal): Promise<string> {
  await using purser = await reachPurser(settings, terminal)
  const { wallet } = await purser.admin.get(`/v1/sessions/${encodeURIComponent(id)}`, SessionWalletAnswer)
  if (wallet.address !== null) return wallet.address
  throw new CliFailure(`Session ${id} pays from a wallet that is not configured here any more.`)
}

async function showBalance(flags: CommonFlags, terminal: Terminal): Promise<void> {
  const settings = await readSettings(flags, terminal)
  const addresses = await addressesOf(settings, terminal)
  const { openWayOut } = await import('../way-out.ts')
  await using way = await openWayOut(settings.config, terminal.env)
  const holdings = await holdingsOf(addresses, settings.config, way.fetch)
  terminal.exitCode = holdings.some(({ unread }) => unread !== undefined) ? 1 : 0
  if (flags.json) return printJson(terminal, { ...addresses, holdings })
  const columns = [{ title: 'NETWORK' }, { title: 'TOKEN' }, { title: 'BALANCE', align: 'right' as const }, { title: '' }]
  const rows = holdings.map(({ network, symbol, balance, unread }) => [network, symbol, balance ?? '-', unread ?? ''])
  terminal.out.line(
    `${Object.values(addresses).join('\n')}\n${rows.length === 0 ? 'No networks are configured, so there is nothing to pay with.' : table(columns, rows)}`,
  )
}

async function holdingsOf({ address, solana }: Addresses, config: Config, fetch: Fetch): Promise<Holding[]> {
  const { openChain, payableAssets } = await import('../way-out.ts')
  const chain = await openChain(config, fetch)
  return Promise.all(
    distinct(payableAssets(config)).map((token) =>
      readHolding(token, { address: token.network.startsWith('solana:') ? (solana ?? '') : address, chain }),
    ),
  )
}

/** A configured asset stands for the known one of its address. */
function distinct(assets: readonly Asset[]): Token[] {
  const byPlace = new Map(
    assets.map(({ network, address, symbol, decimals }) => [
      `${network} ${uniformAddress(address)}`,
      { network, address, symbol, decimals },
    ]),
  )
  return [...byPlace.values()]
}

/** A node that does not answer is said so; it is no reason to hide the others. */
async function readHolding(
  token: Token,
  { address, chain }: { readonly address: string; readonly chain: Pick<Chain, 'networks' | 'balance'> },
): Promise<Holding> {
  const { network } = token
  if (!chain.networks.includes(network)) return { ...token, unread: `no rpc is configured for ${network}` }
  try {
    const atomic = await chain.balance({ network, token: token.address, wallet: address })
    return { ...token, balance: formatAtomic(atomic, token.decimals), balanceAtomic: atomic.toString() }
  } catch (error) {
    return { ...token, unread: `the rpc did not answer (${error instanceof Error ? (error.message.split('\n')[0] ?? '') : error})` }
  }
}
