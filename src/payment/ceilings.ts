/**
 * The outer ceilings of one wallet, for people: what the chain lets be taken from it, and what spend permissions let be
 * taken for it, whatever caps and policy say. What could not be read is said, and never shown as nothing.
 */
import { uniformAddress } from '../address.ts'
import { MAX_CEILING_TOKENS, MAX_REASON_CHARS, UNBOUNDED_ALLOWANCE } from '../ceiling-limits.ts'
import type { Chain } from '../chain/chain.ts'
import { type Asset, formatAtomic } from '../money.ts'
import type { CeilingReader, PermissionCeiling, Read, SpendPermission, TokenCeiling } from '../outer-ceilings.ts'
import { PERMIT2 } from '../permit-digest.ts'
import type { Wallet } from '../wallet/wallet.ts'
import { distinctAssets } from './outer-ceiling.ts'

/** Of a token; `amount` is decimal, null for a token that is not known here. */
export interface Sum {
  readonly atomic: string
  readonly amount: string | null
}

export interface ShownAllowance {
  readonly spender: string
  readonly name: 'Permit2' | null
  readonly allowed: Sum | null
  /** So much that it is no bound. */
  readonly unbounded: boolean
  /** Why there is no amount. */
  readonly unknown: string | null
}

export interface ShownToken {
  readonly network: string
  readonly token: string
  readonly asset: string
  readonly balance: Sum | null
  readonly unknown: string | null
  /** None on Solana, where nothing is paid by allowances. */
  readonly allowances: readonly ShownAllowance[]
}

export interface ShownPermission {
  readonly network: string
  readonly account: string
  readonly spender: string
  readonly token: string
  readonly asset: string | null
  /** For each period. */
  readonly allowance: Sum
  readonly periodSeconds: number
  readonly state: 'usable' | 'not_approved' | 'revoked' | 'not_started' | 'ended' | null
  /** In the period that runs. */
  readonly spent: Sum | null
  readonly left: Sum | null
  /** What is left, or what the account has where that is less. */
  readonly takeable: Sum | null
  readonly nextPeriodAt: string | null
  readonly endsAt: string | null
  readonly unknown: string | null
}

export interface ShownCeilings {
  readonly address: string
  readonly solana?: string
  readonly tokens: readonly ShownToken[]
  readonly spendPermissions: readonly ShownPermission[]
  readonly warnings: readonly string[]
}

export interface CeilingsOptions {
  /** Opened at the first look. */
  readonly reader: () => Promise<CeilingReader>
  readonly chain: Pick<Chain, 'networks' | 'balance'>
  readonly wallet: Pick<Wallet, 'address' | 'solana'>
  readonly assets: readonly Asset[]
  /** Beside Permit2. */
  readonly spenders: readonly `0x${string}`[]
  readonly permissions: readonly SpendPermission[]
}

/** @throws PurserError `not_found` for a wallet that is not configured */
export type Ceilings = (walletName: string | null) => Promise<ShownCeilings>

export function createCeilings(options: CeilingsOptions): Ceilings {
  const spenders = distinctSpenders(options.spenders)
  const known = distinctAssets(options.assets)
  return async (walletName) => {
    const { wallet, permissions } = options
    const address = await wallet.address(walletName)
    const solana = await wallet.solana?.address(walletName)
    const assets = known.slice(0, MAX_CEILING_TOKENS)
    const networks = [...new Set([...assets, ...permissions].map(({ network }) => network))]
    const on = { ...options, assets, spenders, address, solana }
    const seen = await Promise.all(networks.map((network) => look(network, on)))
    const [tokens, spendPermissions] = [seen.flatMap((one) => one.tokens), seen.flatMap((one) => one.spendPermissions)]
    const left = known.length - assets.length
    const warnings = [...tokens.flatMap(warningsOfToken), ...spendPermissions.flatMap(warningsOfPermission)]
    if (left > 0) warnings.push(`${left} further tokens are not shown.`)
    return { address, ...(solana !== undefined && { solana }), tokens, spendPermissions, warnings }
  }
}

interface Looking extends CeilingsOptions {
  readonly address: string
  readonly solana: string | undefined
}

async function look(network: string, on: Looking): Promise<Pick<ShownCeilings, 'tokens' | 'spendPermissions'>> {
  const assets = on.assets.filter((one) => one.network === network)
  if (network.startsWith('solana:')) return { tokens: await Promise.all(assets.map((asset) => onSolana(asset, on))), spendPermissions: [] }
  const permissions = on.permissions.filter((one) => one.network === network)
  const tokens = assets.map(({ address }) => address)
  const read = await (await on.reader()).read({ network, wallet: on.address, tokens, spenders: on.spenders, permissions })
  return {
    tokens: assets.map((asset, place) => shownToken(asset, partOf(read.tokens, place), on.spenders)),
    spendPermissions: permissions.map((one, place) => shownPermission(one, partOf(read.permissions, place), on.assets)),
  }
}

async function onSolana(asset: Asset, { chain, solana }: Looking): Promise<ShownToken> {
  const { network, address: token } = asset
  const reason = `no wallet or no rpc is configured for ${network}`
  if (solana === undefined || !chain.networks.includes(network)) return shownToken(asset, { balance: unread(reason), allowed: [] }, [])
  const balance = await chain.balance({ network, token, wallet: solana }).then(
    (value): Read<bigint> => ({ kind: 'read', value }),
    (fault: unknown) => unread(fault instanceof Error ? fault.message : 'it cannot be read'),
  )
  return shownToken(asset, { balance, allowed: [] }, [])
}

function shownToken(asset: Asset, { balance, allowed }: TokenCeiling, spenders: readonly string[]): ShownToken {
  const { network, address: token, symbol } = asset
  return {
    ...{ network, token, asset: symbol, balance: shown(balance, asset), unknown: reasonOf(balance) },
    allowances: allowed.map((one, place) => {
      const spender = spenders[place] ?? ''
      return {
        ...{ spender, name: spender === PERMIT2 ? 'Permit2' : null, allowed: shown(one, asset), unknown: reasonOf(one) },
        unbounded: one.kind === 'read' && one.value >= UNBOUNDED_ALLOWANCE,
      }
    }),
  }
}

function shownPermission(permission: SpendPermission, { standing, balance }: PermissionCeiling, assets: readonly Asset[]): ShownPermission {
  const { network, account, spender, token, allowance, period, end } = permission
  const asset = assets.find((one) => one.network === network && uniformAddress(one.address) === uniformAddress(token))
  const state = standing.kind === 'read' ? standing.value : undefined
  const sum = (atomic: bigint | undefined) => (atomic === undefined ? null : sumOf(atomic, asset))
  return {
    ...{ network, account, spender, token, asset: asset?.symbol ?? null, allowance: sumOf(allowance, asset), periodSeconds: period },
    ...{ state: state?.state ?? null, spent: sum(state?.spent), left: sum(state?.left), takeable: sum(takeableOf(state?.left, balance)) },
    ...{ nextPeriodAt: isoTime(state?.nextPeriod_s), endsAt: isoTime(end), unknown: reasonOf(standing) ?? reasonOf(balance) },
  }
}

/** Nothing is left: then the account's balance need not be known. */
function takeableOf(left: bigint | undefined, balance: Read<bigint>): bigint | undefined {
  if (left === undefined || left === 0n) return left
  if (balance.kind === 'unknown') return undefined
  return balance.value < left ? balance.value : left
}

function warningsOfToken({ network, asset, allowances }: ShownToken): string[] {
  return allowances.flatMap(({ spender, name, unbounded }) => {
    if (!unbounded) return []
    const mend =
      name === null
        ? 'take it back with the wallet’s own tools'
        : `bound it: purser wallet allow --network ${network} --asset ${asset} --amount …`
    return [`${name ?? spender} is allowed any amount of ${asset} on ${network}, now and later; ${mend}.`]
  })
}

function warningsOfPermission({ network, account, spender, asset, token, left, takeable }: ShownPermission): string[] {
  if (!left || !takeable || BigInt(takeable.atomic) === BigInt(left.atomic)) return []
  const show = ({ amount, atomic }: Sum) => (amount === null ? `${atomic} units of ${token}` : `${amount} ${asset}`)
  return [
    `${account} on ${network} holds ${show(takeable)}, less than the ${show(left)} that its spend permission leaves to ${spender} in this period.`,
  ]
}

function shown(read: Read<bigint>, asset: Asset): Sum | null {
  return read.kind === 'read' ? sumOf(read.value, asset) : null
}

function sumOf(atomic: bigint, asset: Asset | undefined): Sum {
  return { atomic: atomic.toString(), amount: asset ? formatAtomic(atomic, asset.decimals) : null }
}

function reasonOf(read: Read<unknown>): string | null {
  return read.kind === 'unknown' ? read.reason : null
}

/** A server's words are for people: short and printable. */
function unread(reason: string): Read<never> {
  return { kind: 'unknown', reason: reason.replace(/[^\x20-\x7e]+/g, ' ').slice(0, MAX_REASON_CHARS) }
}

/** Null also for times that no calendar has: a permission without an end is written with the largest number. */
function isoTime(time_s: number | null | undefined): string | null {
  const date = new Date((time_s ?? Number.NaN) * 1_000)
  return Number.isNaN(date.getTime()) ? null : date.toISOString()
}

function partOf<Part>(parts: readonly Part[], place: number): Part {
  const part = parts[place]
  if (part === undefined) throw new Error('a reader of ceilings answered less than was asked')
  return part
}

/** Permit2 first, each once. */
function distinctSpenders(more: readonly `0x${string}`[]): `0x${string}`[] {
  const others = new Map(more.map((one) => [uniformAddress(one), one]))
  others.delete(uniformAddress(PERMIT2))
  return [PERMIT2, ...others.values()]
}
