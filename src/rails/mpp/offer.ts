/**
 * Offers: one challenge, vetted. Only an EVM charge by EIP-3009 can be paid; whatever else a challenge asks for, or may
 * ask for in words that are not known here, rejects it. Decimals, price and EIP-712 domain come from our own registry.
 */
import { z } from 'zod'
import { MAX_WINDOW_S } from '../../limits.ts'
import type { Asset } from '../../money.ts'
import { MAX_CHALLENGE_ECHO_CHARS, MAX_CHALLENGE_NAME_CHARS, MAX_CHALLENGE_REQUEST_CHARS } from '../../mpp-limits.ts'
import type { Offer, RejectedOffer } from '../rail.ts'
import { readStrictJson } from '../strict-json.ts'
import type { Registry } from '../x402/assets.ts'
import { Rejected, reject, vetAmount, vetPayTo } from '../x402/offer.ts'
import type { Params } from './challenge.ts'
import { readTime_s } from './time.ts'

export interface OfferPlace {
  readonly index: number
  /** The request has an `Authorization` of its own, in whose place a credential would stand. */
  readonly authorized: boolean
}

/** The header that carries the credential where a challenge names none. */
export const DEFAULT_HEADER = 'Authorization'
/** Headers that a server may name: a credential in any other could pass for something else there, or on its way. */
export const CREDENTIAL_HEADERS: ReadonlyMap<string, string> = new Map(
  [DEFAULT_HEADER, 'Payment-Authorization'].map((name) => [name.toLowerCase(), name]),
)

const NEEDED = ['id', 'realm', 'method', 'intent', 'request', 'expires']
const OPTIONAL = ['digest', 'header', 'opaque']
const LONGER: ReadonlyMap<string, number> = new Map([
  ['request', MAX_CHALLENGE_REQUEST_CHARS],
  ['opaque', MAX_CHALLENGE_ECHO_CHARS],
])
const PRINTABLE = /^[\x20-\x7e]+$/
const ADDRESS = /^0x[0-9a-fA-F]{40}$/
const DIGEST = /^sha-256=([A-Za-z0-9+/]{43}=)$/
const SHOWN_METHODS: readonly string[] = ['tempo', 'stripe']

/** What decides whether a charge is one that an authorization pays, before its terms are looked at. */
const kindSchema = z.object({
  splits: z.unknown().optional(),
  feePayer: z.unknown().optional(),
  methodDetails: z.object({
    credentialTypes: z.unknown().optional(),
    splits: z.unknown().optional(),
    feePayer: z.unknown().optional(),
  }),
})

const termsSchema = z.strictObject({
  amount: z.string(),
  currency: z.string().regex(ADDRESS),
  recipient: z.string().regex(ADDRESS),
  description: z.string().nullish(),
  externalId: z.string().nullish(),
  splits: z.unknown().optional(),
  feePayer: z.unknown().optional(),
  methodDetails: z.strictObject({
    chainId: z.int().min(1).max(999_999_999_999_999),
    credentialTypes: z.array(z.string()),
    decimals: z.int().optional(),
    permit2Address: z.string().nullish(),
    splits: z.unknown().optional(),
    feePayer: z.unknown().optional(),
  }),
})
type Terms = z.infer<typeof termsSchema>

/** Vets one challenge. The reason of a rejected one names places and our own values, never what the server wrote. */
export function readOffer(params: Params, place: OfferPlace, registry: Registry): Offer | RejectedOffer {
  try {
    return vet(params, place, registry)
  } catch (fault) {
    if (!(fault instanceof Rejected)) throw fault
    return { index: place.index, code: fault.code, reason: `Offer ${place.index + 1} ${fault.message}.` }
  }
}

function vet(params: Params, { index, authorized }: OfferPlace, registry: Registry): Offer {
  vetKind(params)
  vetHeader(params, authorized)
  const terms = vetRequest(params)
  const { asset, network } = vetAsset(terms, registry)
  const bodyDigest = vetDigest(params)
  return {
    ...{ rail: 'mpp', protocolVersion: 1, scheme: 'charge', network, asset, index },
    amount: vetAmount(terms.amount),
    payTo: vetPayTo(terms.recipient, network, registry),
    // The protocol asks for no length of its own, only for an end.
    askedWindow_s: MAX_WINDOW_S,
    expires_s: vetExpires(params),
    ...(bodyDigest !== undefined && { bodyDigest }),
    // A credential is verified and settled before the resource is served.
    flow: 'upfront',
    raw: echoOf(params),
  }
}

function vetKind(params: Params): void {
  const [method, intent] = [textOf(params, 'method'), textOf(params, 'intent')]
  if (method !== 'evm') {
    const shown = SHOWN_METHODS.includes(method) ? `the method ${method}` : 'a method that is not known here'
    reject('scheme_not_supported', `asks for ${shown}; only evm charges are paid`)
  }
  if (intent !== 'charge') reject('scheme_not_supported', 'asks for another intent than charge')
}

/** What the agent says for itself in that header is not taken away from it. */
function vetHeader(params: Params, authorized: boolean): void {
  const name = headerOf(params)
  if (name === undefined) reject('scheme_not_supported', `wants its credential in another header than ${shownHeaders()}`)
  if (name === DEFAULT_HEADER && authorized)
    reject('scheme_not_supported', 'wants its credential in the place of the Authorization that the request has already')
}

function headerOf(params: Params): string | undefined {
  return params.has('header') ? CREDENTIAL_HEADERS.get(params.get('header')?.toLowerCase() ?? '') : DEFAULT_HEADER
}

function shownHeaders(): string {
  return [...CREDENTIAL_HEADERS.values()].join(' or ')
}

function vetRequest(params: Params): Terms {
  const text = textOf(params, 'request')
  const bytes = Buffer.from(text, 'base64url')
  if (bytes.toString('base64url') !== text) reject('challenge_invalid', 'has a request that is not canonical base64url')
  const json = readStrictJson(decodeUtf8(bytes) ?? '')
  if (json.kind === 'refused') return reject('challenge_invalid', `has a request that cannot be read: ${json.reason}`)
  vetCharge(json.value)
  const parsed = termsSchema.safeParse(json.value)
  if (parsed.success) return parsed.data
  if (parsed.error.issues.some(({ code }) => code === 'unrecognized_keys'))
    return reject('scheme_not_supported', 'asks for terms that are not known here')
  return reject('challenge_invalid', `has an unusable ${placesOf(parsed.error)}`)
}

/** Who is paid besides, and who sends the transaction, is not in what the wallet signs. */
function vetCharge(value: unknown): void {
  const { methodDetails, ...request } =
    kindSchema.safeParse(value).data ?? reject('challenge_invalid', 'has a request without method details')
  for (const { splits, feePayer } of [request, methodDetails]) {
    if (!isNothing(splits)) reject('scheme_not_supported', 'splits the payment among several recipients')
    if (!isNothing(feePayer)) reject('scheme_not_supported', 'has a fee payer')
  }
  const types: unknown = methodDetails.credentialTypes
  if (!Array.isArray(types) || !types.includes('authorization'))
    reject('scheme_not_supported', 'does not take an authorization by EIP-3009')
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === null || value === false || (Array.isArray(value) && value.length === 0)
}

function vetAsset({ currency, methodDetails }: Terms, registry: Registry): { readonly asset: Asset; readonly network: string } {
  const { chainId, decimals } = methodDetails
  const network = `eip155:${chainId}`
  if (!registry.allows(network)) reject('network_not_allowed', `asks for ${network}, which is not among the networks that may be paid on`)
  const asset = registry.asset(network, currency)
  if (!asset) return reject('asset_unknown', `asks for the token ${currency.toLowerCase()} on ${network}, which is not configured`)
  if ((decimals ?? asset.decimals) !== asset.decimals)
    reject('challenge_invalid', `gives ${asset.symbol} other decimals than ${asset.decimals}`)
  return { asset, network }
}

function vetExpires(params: Params): number {
  return readTime_s(textOf(params, 'expires')) ?? reject('challenge_invalid', 'has an end that is no time by RFC 3339')
}

/** SHA-256 of the request's body, in hex. */
function vetDigest(params: Params): string | undefined {
  if (!params.has('digest')) return undefined
  const [, base64] = DIGEST.exec(textOf(params, 'digest')) ?? []
  if (base64 === undefined) return reject('challenge_invalid', 'has a body digest that is no SHA-256')
  return Buffer.from(base64, 'base64').toString('hex')
}

/**
 * The parameters that a server needs to know its challenge by, to the letter. Its description is free text that nothing
 * rests on, and stays here.
 */
function echoOf(params: Params): string {
  const names = [...NEEDED, ...OPTIONAL.filter((name) => params.has(name))]
  const echo = JSON.stringify(Object.fromEntries(names.map((name) => [name, textOf(params, name)])))
  if (echo.length > MAX_CHALLENGE_ECHO_CHARS) reject('challenge_invalid', `is longer than ${MAX_CHALLENGE_ECHO_CHARS} characters`)
  return echo
}

/** A parameter that has to be there, in one plain spelling. */
function textOf(params: Params, name: string): string {
  const text = params.get(name)
  if (text === undefined || !PRINTABLE.test(text)) return reject('challenge_invalid', `has no usable ${name}`)
  const max = LONGER.get(name) ?? MAX_CHALLENGE_NAME_CHARS
  return text.length <= max ? text : reject('challenge_invalid', `has a ${name} of more than ${max} characters`)
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** Our own names of the members that failed; nothing that the server chose. */
function placesOf(error: z.ZodError): string {
  return [...new Set(error.issues.map(({ path }) => path.map(String).join('.') || 'request'))].join(', ')
}
