/** From what was asked for to a new session: the configuration, or the parent, fills what is absent and bounds what is named. */
import { PurserError, refused } from '../errors.ts'
import type { AdminKey } from '../ledger/administration.ts'
import type { Ledger, NewSession } from '../ledger/ledger.ts'
import { coversAsset } from '../session/asset-names.ts'
import { narrowed, type Opening } from '../session/narrower.ts'
import type { Session } from '../session/session.ts'
import type { SessionRequest, SessionSpec } from '../session/spec.ts'
import { hashToken, mintToken } from '../session/token.ts'
import { OWN_LABELS } from '../session/workload.ts'
import { sentenceOf } from './answers.ts'
import type { AdminDeps } from './deps.ts'

type MintDeps = Pick<AdminDeps, 'clock' | 'ids' | 'tokenSecret' | 'wallet'>
type OpeningDeps = MintDeps & Pick<AdminDeps, 'defaults' | 'assets'>

/**
 * The session that this spec asks for, with a fresh id. It has no parent.
 * @throws PurserError `request_invalid` for networks, assets, wallets and currencies that are not configured.
 */
export async function newSession(spec: SessionSpec, deps: OpeningDeps): Promise<NewSession> {
  const means = meansOf(spec, deps)
  await refuseUnknownWallet(means.wallet, deps)
  const { agent, purpose, cap, limits, scope, singleUse, labels, refill } = spec
  const minted = mint(deps)
  return {
    ...{ agent, purpose, cap, limits, scope, singleUse, labels, refill },
    ...means,
    ...minted,
    wallet: spec.wallet ?? deps.wallet.ofSession?.(minted.id) ?? means.wallet,
    parent: null,
    owner: spec.owner ?? deps.defaults.owner,
    expiresAt: minted.createdAt + spec.ttl_ms,
  }
}

/**
 * The child of `parent` that this asks for, with a fresh id: it can do less in every respect.
 * @throws PurserError `request_invalid` that names everything that is wider than its parent's.
 */
export function newChild(
  parent: Session,
  asked: SessionRequest,
  { opener, ...deps }: MintDeps & Pick<AdminDeps, 'assets'> & Pick<Opening, 'opener'>,
): NewSession {
  const minted = mint(deps)
  const result = narrowed(parent, asked, { now: minted.createdAt, opener, assets: deps.assets })
  if (result.kind === 'refused') throw refused('request_invalid', sentenceOf(result.issues))
  return { ...result.terms, ...minted, wallet: walletOf(parent, asked, ownName(minted.id, deps)) }
}

/** Where a treasury funds the session above, its address is the only one with money. */
function ownName(id: string, { wallet }: MintDeps): string | undefined {
  return wallet.childrenShare ? undefined : wallet.ofSession?.(id)
}

/** A mandate may name the addresses that pay under it, so that what is opened under one keeps to its parent's. */
function walletOf(parent: Session, asked: SessionRequest, own: string | undefined): string | null {
  const shared = Object.hasOwn(parent.labels, `${OWN_LABELS}mandate`)
  return shared ? parent.wallet : (asked.wallet ?? own ?? parent.wallet)
}

function mint({ clock, ids, tokenSecret }: MintDeps): Pick<NewSession, 'id' | 'name' | 'tokenHash' | 'createdAt'> {
  const id = ids('ses')
  return { id, name: null, tokenHash: hashToken(mintToken(tokenSecret, id)), createdAt: clock.now() }
}

/**
 * Opens a session. What was opened under this key before is looked up first: by now its parent may have too little left.
 * @throws PurserError `conflict`, and whatever `make` throws
 */
export async function openOnce(
  ledger: Pick<Ledger, 'openSession' | 'openedWith'>,
  key: AdminKey | undefined,
  make: () => Promise<NewSession>,
): Promise<Session> {
  const first = key && (await ledger.openedWith(key))
  return first ?? ledger.openSession(await make(), key)
}

type Means = Pick<NewSession, 'currency' | 'networks' | 'assets' | 'wallet'>

function meansOf(spec: SessionSpec, { defaults, assets }: OpeningDeps): Means {
  const networks = spec.networks ?? defaults.networks
  const named = spec.assets ?? defaults.assets
  const currency = spec.currency ?? defaults.currency
  refuseUnlisted('networks', { named: networks, listed: defaults.networks, isListed: (name) => defaults.networks.includes(name) })
  refuseUnlisted('assets', { named, listed: defaults.assets, isListed: (name) => coversAsset(defaults.assets, name, assets) })
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

async function refuseUnknownWallet(wallet: string | null, { wallet: wallets }: OpeningDeps): Promise<void> {
  try {
    await wallets.address(wallet)
  } catch (cause) {
    if (!(cause instanceof PurserError)) throw cause
    throw refused('request_invalid', `wallet: there is no wallet named ${JSON.stringify(wallet)} here.`, cause)
  }
}
