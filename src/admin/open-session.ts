/** From what was asked for to a new session: the configuration fills what is absent and bounds what is named. */
import { PurserError, refused } from '../errors.ts'
import type { NewSession } from '../ledger/ledger.ts'
import type { SessionSpec } from '../session/spec.ts'
import { hashToken, mintToken } from '../session/token.ts'
import type { AdminDeps } from './deps.ts'

type OpeningDeps = Pick<AdminDeps, 'clock' | 'ids' | 'wallet' | 'tokenSecret' | 'defaults' | 'assets'>

/**
 * The session that this spec asks for, with a fresh id.
 * @throws PurserError `request_invalid` for a parent, and for networks, assets, wallets and currencies that are not configured.
 */
export async function newSession(spec: SessionSpec, deps: OpeningDeps): Promise<NewSession> {
  refuseParent(spec)
  const means = meansOf(spec, deps)
  await refuseUnknownWallet(means.wallet, deps)
  const id = deps.ids('ses')
  const now = deps.clock.now()
  const { agent, purpose, cap, limits, scope, singleUse, labels } = spec
  return {
    ...{ id, agent, purpose, cap, limits, scope, singleUse, labels },
    ...means,
    tokenHash: hashToken(mintToken(deps.tokenSecret, id)),
    name: null,
    parent: null,
    owner: spec.owner ?? deps.defaults.owner,
    createdAt: now,
    expiresAt: now + spec.ttl_ms,
  }
}

function refuseParent({ parent }: SessionSpec): void {
  if (parent !== null) throw refused('request_invalid', 'parent: child sessions come with a later version; leave it out or send null.')
}

type Means = Pick<NewSession, 'currency' | 'networks' | 'assets' | 'wallet'>

function meansOf(spec: SessionSpec, { defaults, assets }: OpeningDeps): Means {
  const networks = spec.networks ?? defaults.networks
  const named = spec.assets ?? defaults.assets
  const currency = spec.currency ?? defaults.currency
  refuseUnlisted('networks', { named: networks, listed: defaults.networks, isListed: (name) => defaults.networks.includes(name) })
  refuseUnlisted('assets', { named, listed: defaults.assets, isListed: (name) => isListedAsset(name, { defaults, assets }) })
  const currencies = [...new Set([defaults.currency, ...assets.map((asset) => asset.currency)])]
  refuseUnlisted('currency', { named: [currency], listed: currencies, isListed: (name) => currencies.includes(name) })
  return { currency, networks, assets: named, wallet: spec.wallet ?? defaults.wallet }
}

interface Names {
  readonly named: readonly string[]
  readonly listed: readonly string[]
  readonly isListed: (name: string) => boolean
}

function refuseUnlisted(path: string, { named, listed, isListed }: Names): void {
  const unknown = named.filter((name) => !isListed(name))
  if (unknown.length === 0) return
  throw refused('request_invalid', `${path}: ${unknown.join(', ')} is not configured here (configured: ${listed.join(', ') || 'none'}).`)
}

/** A listed symbol covers its addresses; a listed address never covers the symbol, which may stand for more. */
function isListedAsset(name: string, { defaults, assets }: Pick<OpeningDeps, 'defaults' | 'assets'>): boolean {
  if (defaults.assets.includes(name)) return true
  const address = name.toLowerCase()
  const symbols = assets.filter((asset) => asset.address.toLowerCase() === address).map(({ symbol }) => symbol)
  return defaults.assets.some((listed) => listed.toLowerCase() === address || symbols.includes(listed))
}

async function refuseUnknownWallet(wallet: string | null, { wallet: wallets }: OpeningDeps): Promise<void> {
  try {
    await wallets.address(wallet)
  } catch (cause) {
    if (!(cause instanceof PurserError)) throw cause
    throw refused('request_invalid', `wallet: there is no wallet named ${JSON.stringify(wallet)} here.`, cause)
  }
}
