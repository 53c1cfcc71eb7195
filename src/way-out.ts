/**
 * The ways out of this process that the configuration says: directly, or through the parent proxy; and the chains at
 * their ends.
 */
import { readFile } from 'node:fs/promises'
import type { AllowanceWallet } from './chain/allowance-wallet.ts'
import { joinChains } from './chain/both-chains.ts'
import type { CeilingReaderOptions } from './chain/ceilings.ts'
import type { Chain, ChainHistory, Escrows } from './chain/chain.ts'
import { createEvmChain } from './chain/evm-chain.ts'
import { systemPause } from './clock.ts'
import type { Environment } from './config/environment.ts'
import type { Config } from './config/load.ts'
import { resolveParents } from './config/parent.ts'
import type { Fetch } from './http.ts'
import type { Asset } from './money.ts'
import type { CeilingReader } from './outer-ceilings.ts'
import { createParents, type Parents } from './proxy/parent.ts'
import { createParentFetch, type ParentFetch } from './proxy/parent-fetch.ts'
import { isSolana, knownAssets } from './rails/x402/assets.ts'
import { knownMints } from './rails/x402/svm/mints.ts'

export interface WayOut extends ParentFetch {
  readonly parents: Parents
  /** PEM of the further roots that upstreams are verified by. */
  readonly ca: readonly string[]
}

/** @throws SecretError where the parent's password cannot be read */
export async function openWayOut({ proxy }: Pick<Config, 'proxy'>, env: Environment): Promise<WayOut> {
  const ca = await Promise.all(proxy.tls.caFiles.map((file) => readFile(file, 'utf8')))
  const parents = createParents(await resolveParents(proxy.parents, env))
  return { parents, ca, ...createParentFetch(parents, ca) }
}

/** The networks that have an RPC. */
export async function openChain(config: Pick<Config, 'networks' | 'assets'>, fetch: Fetch): Promise<Chain & ChainHistory> {
  const reachable = config.networks.flatMap(({ rpc, ...network }) => (rpc === undefined ? [] : [{ ...network, rpc }]))
  const solana = reachable.filter(({ id }) => isSolana(id))
  const evm = createEvmChain({ networks: reachable.filter(({ id }) => !isSolana(id)), fetch })
  if (solana.length === 0) return evm
  const { createSolanaChain } = await import('./chain/solana-chain.ts')
  return joinChains(evm, createSolanaChain({ networks: solana, tokens: payableAssets(config), fetch }))
}

/** Escrows of payment channels, on the EVM networks that have an RPC. What asks them is loaded by the first question. */
export function openEscrows({ networks }: Pick<Config, 'networks'>, fetch: Fetch): Escrows {
  const reachable = reachableByEvm(networks)
  let opened: Promise<Escrows> | undefined
  const open = () => {
    opened ??= import('./chain/escrows.ts').then(({ createEscrows }) => createEscrows({ networks: reachable, fetch }))
    return opened
  }
  return {
    networks: reachable.map(({ id }) => id),
    state: async (query) => (await open()).state(query),
    withdraw: async (wanted) => (await open()).withdraw(wanted),
    fate: async (network, transaction) => (await open()).fate(network, transaction),
  }
}

/** What the networks that have an RPC permit at most. Solana has its balances alone, which its chain tells. */
export async function openCeilingReader(
  { networks }: Pick<Config, 'networks'>,
  way: Pick<CeilingReaderOptions, 'fetch' | 'clock'>,
): Promise<CeilingReader> {
  const { createCeilingReader } = await import('./chain/ceilings.ts')
  const reachable = reachableByEvm(networks)
  return createCeilingReader({ networks: reachable, ...way })
}

/** What can be paid with on the configured networks: the known stablecoins and the configured assets. */
export function payableAssets({ networks, assets }: Pick<Config, 'networks' | 'assets'>): readonly Asset[] {
  const ids = new Set(networks.map(({ id }) => id))
  return [...knownAssets(), ...knownMints(), ...assets].filter(({ network }) => ids.has(network))
}

/** What an operator may do about the wallet's allowance to Permit2. */
export interface Allowing extends Pick<AllowanceWallet, 'address' | 'allow'> {
  /** Atomic units. @throws Error where the network cannot be asked */
  allowed(place: { readonly network: string; readonly token: string }): Promise<bigint>
}

interface AllowingOptions {
  readonly env: Environment
  readonly fetch: Fetch
  readonly signal: AbortSignal
}

/** With the wallet's own key. @throws SecretError where it cannot be read */
export async function openAllowing(
  config: Pick<Config, 'networks' | 'wallet' | 'assets'>,
  { env, fetch, signal }: AllowingOptions,
): Promise<Allowing> {
  const { wallet, networks } = config
  const [{ resolveSecret, resolveWalletKey, SecretError }, { parseKey }, { createAllowanceWallet }] = await Promise.all([
    import('./config/secrets.ts'),
    import('./wallet/local-key.ts'),
    import('./chain/allowance-wallet.ts'),
  ])
  if (wallet.kind !== 'local') {
    throw new SecretError(
      `The wallet is of kind ${wallet.kind}, and only a local key sends transactions here. Nothing was sent. Approve Permit2 with the wallet's own tools.`,
    )
  }
  const password = wallet.password && (await resolveSecret(wallet.password, env))
  const key = parseKey(await resolveWalletKey(wallet.key, env), password)
  const reachable = networks.flatMap(({ id, rpc }) => (rpc === undefined ? [] : [{ id, rpc }]))
  const { address, allow } = createAllowanceWallet({ key, networks: reachable, fetch, pause: systemPause, signal })
  const chain = await openChain(config, fetch)
  return { address, allow, allowed: ({ network, token }) => chain.allowance({ network, token, wallet: address }) }
}

/** Those whose chain can be asked by Ethereum's JSON-RPC. */
function reachableByEvm(networks: Config['networks']) {
  return networks.flatMap(({ rpc, ...network }) => (rpc === undefined || isSolana(network.id) ? [] : [{ ...network, rpc }]))
}
