/**
 * Offers: one entry of a challenge, vetted. An offer is rebuilt from values that are ours or were checked; decimals,
 * price and EIP-712 domain come from our registry, never from the server. One odd value rejects the whole entry.
 */
import { getAddress, isAddress, zeroAddress } from 'viem'
import { z } from 'zod'
import { MAX_ASKED_WINDOW_S, MAX_OFFER_CHARS } from '../../limits.ts'
import type { Asset } from '../../money.ts'
import { resolveNetwork } from '../../session/networks.ts'
import type { Hex } from '../../wallet/wallet.ts'
import type { Offer, RejectedOffer } from '../rail.ts'
import { chainIdOf, type Registry } from './assets.ts'
import type { Entry } from './challenge.ts'

export interface OfferPlace {
  readonly index: number
  readonly version: 1 | 2
}

const CAIP2 = /^[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}$/
const AMOUNT = /^(0|[1-9][0-9]{0,77})$/
const ADDRESS = /^0x[0-9a-fA-F]{40}$/
const UINT256_END = 2n ** 256n

/** What decides whether an entry is of our kind at all, before its terms are looked at. */
const kindSchema = z.object({
  scheme: z.string(),
  network: z.string(),
  extra: z
    .object({
      assetTransferMethod: z.unknown().optional(),
      paymentFlow: z.unknown().optional(),
      facilitatorAddress: z.unknown().optional(),
    })
    .nullish(),
})
type Kind = z.infer<typeof kindSchema>

const termsSchema = z.object({
  asset: z.string().regex(ADDRESS),
  payTo: z.string().regex(ADDRESS),
  maxTimeoutSeconds: z.int().min(1).max(MAX_ASKED_WINDOW_S),
  /** Version 2; version 1 says `maxAmountRequired`. */
  amount: z.unknown().optional(),
  maxAmountRequired: z.unknown().optional(),
  extra: z.object({ name: z.string().nullish(), version: z.string().nullish() }).nullish(),
})
type Terms = z.infer<typeof termsSchema>

export class Rejected extends Error {
  override readonly name = 'Rejected'
  readonly code: RejectedOffer['code']
  constructor(code: RejectedOffer['code'], reason: string) {
    super(reason)
    this.code = code
  }
}

/** Vets one entry. The reason of a rejected one names places and our own values, never what the server wrote. */
export function readOffer(entry: Entry, place: OfferPlace, registry: Registry): Offer | RejectedOffer {
  try {
    return vet(entry, place, registry)
  } catch (fault) {
    if (!(fault instanceof Rejected)) throw fault
    return { index: place.index, code: fault.code, reason: `Offer ${place.index + 1} ${fault.message}.` }
  }
}

function vet(entry: Entry, { index, version }: OfferPlace, registry: Registry): Offer {
  const kind = vetKind(entry.value, version, registry)
  const { network } = kind
  if (entry.raw.length > MAX_OFFER_CHARS && version === 2) reject('challenge_invalid', `is longer than ${MAX_OFFER_CHARS} characters`)
  const parsed = termsSchema.safeParse(entry.value)
  if (!parsed.success) return reject('challenge_invalid', `has an unusable ${placesOf(parsed.error)}`)
  const terms = parsed.data
  const asset = vetAsset(terms, network, registry)
  return {
    rail: 'x402',
    protocolVersion: version,
    ...kind,
    asset,
    amount: vetAmount(version === 1 ? terms.maxAmountRequired : terms.amount),
    payTo: vetPayTo(terms.payTo, network, registry),
    askedWindow_s: terms.maxTimeoutSeconds,
    index,
    raw: entry.raw,
  }
}

function vetKind(
  value: unknown,
  version: 1 | 2,
  registry: Registry,
): Pick<Offer, 'scheme' | 'method' | 'facilitator' | 'network' | 'flow'> {
  const parsed = kindSchema.safeParse(value)
  if (!parsed.success) return reject('challenge_invalid', 'has no scheme, no network or a broken extra')
  const kind = parsed.data
  const way = kind.scheme === 'upto' && version === 2 ? vetUpto(kind) : vetExact(kind, version)
  const flow = kind.extra?.paymentFlow ?? 'authorization'
  const known = flow === 'authorization' || (flow === 'upfront' && way.scheme === 'exact')
  if (!known) return reject('scheme_not_supported', 'asks for a payment flow that is not supported')
  const network = vetNetwork(kind.network, version, registry)
  return { ...way, network, flow, ...(way.scheme === 'upto' && { facilitator: vetFacilitator(kind) }) }
}

function vetExact({ scheme, extra }: Kind, version: 1 | 2): Pick<Offer, 'scheme' | 'method'> {
  if (scheme !== 'exact') reject('scheme_not_supported', `asks for another scheme than exact${version === 2 ? ' and upto' : ''}`)
  const method = extra?.assetTransferMethod ?? 'eip3009'
  if (method === 'permit2' && version === 2) return { scheme, method }
  if (method !== 'eip3009')
    reject('scheme_not_supported', `asks for another transfer method than eip3009${version === 2 ? ' and permit2' : ''}`)
  return { scheme }
}

function vetUpto({ scheme, extra }: Kind): Pick<Offer, 'scheme' | 'method'> {
  const method = extra?.assetTransferMethod ?? 'permit2'
  if (method !== 'permit2') return reject('scheme_not_supported', 'asks for another transfer method of upto than permit2')
  return { scheme, method }
}

/** Without the one who may settle it, anybody could take any part of the amount. */
function vetFacilitator({ extra }: Kind): Hex {
  const named = extra?.facilitatorAddress
  if (typeof named !== 'string' || !ADDRESS.test(named)) return reject('challenge_invalid', 'names no facilitator that may settle it')
  const facilitator = checksummed(named)
  if (facilitator === undefined) return reject('challenge_invalid', 'names a facilitator whose checksum is wrong')
  if (facilitator === zeroAddress) reject('challenge_invalid', 'names the zero address as its facilitator')
  return facilitator
}

/** Version 2 names chains by CAIP-2 only; version 1 by a closed list of names. */
function vetNetwork(name: string, version: 1 | 2, registry: Registry): string {
  if (version === 2 && !CAIP2.test(name)) reject('challenge_invalid', 'names its network otherwise than by CAIP-2')
  const network = version === 2 ? name : resolveNetwork(name)
  if (network === undefined) return reject('network_not_allowed', 'names a network that is not known here')
  if (!registry.allows(network)) {
    const shown = chainIdOf(network) === undefined ? 'a network that is not EVM' : network
    reject('network_not_allowed', `asks for ${shown}, which is not among the networks that may be paid on`)
  }
  return network
}

function vetAsset({ asset: address, extra }: Terms, network: string, registry: Registry): Asset {
  const asset = registry.asset(network, address)
  if (!asset || chainIdOf(network) === undefined) {
    return reject('asset_unknown', `asks for the token ${address.toLowerCase()} on ${network}, which is not configured`)
  }
  const { name, version } = asset.eip712
  if ((extra?.name ?? name) !== name) reject('challenge_invalid', `gives ${asset.symbol} another EIP-712 name than "${name}"`)
  if ((extra?.version ?? version) !== version)
    reject('challenge_invalid', `gives ${asset.symbol} another EIP-712 version than "${version}"`)
  return asset
}

export function vetAmount(text: unknown): bigint {
  if (typeof text !== 'string' || !AMOUNT.test(text)) return reject('challenge_invalid', 'has no amount in whole atomic units')
  const amount = BigInt(text)
  if (amount === 0n || amount >= UINT256_END) reject('challenge_invalid', 'has an amount of zero or beyond 256 bits')
  return amount
}

export function vetPayTo(address: string, network: string, registry: Registry): Hex {
  const payTo = checksummed(address)
  if (payTo === undefined) return reject('challenge_invalid', 'pays to an address whose checksum is wrong')
  if (payTo === zeroAddress) reject('challenge_invalid', 'pays to the zero address')
  if (registry.asset(network, payTo)) reject('challenge_invalid', 'pays to the contract of a token')
  return payTo
}

/** Undefined where it is written with a checksum that is wrong. */
function checksummed(address: string): Hex | undefined {
  const uniform = address.slice(2) === address.slice(2).toUpperCase() ? address.toLowerCase() : address
  return isAddress(uniform) ? getAddress(uniform) : undefined
}

/** Our own names of the members that failed; nothing that the server chose. */
function placesOf(error: z.ZodError): string {
  return [...new Set(error.issues.map(({ path }) => path.map(String).join('.') || 'shape'))].join(', ')
}

export function reject(code: RejectedOffer['code'], reason: string): never {
  throw new Rejected(code, reason)
}
