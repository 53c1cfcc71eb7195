/** Authorizations: a vetted offer becomes what its scheme signs, the wallet signs it, and the header that carries it is proven. */
import { ResourceInfoSchema } from '@x402/core/schemas'
import { getAddress } from 'viem'
import { z } from 'zod'
import { refused } from '../../errors.ts'
import type { RawHeaders } from '../../http.ts'
import { MAX_PAYMENT_HEADER_BYTES } from '../../limits.ts'
import type { TransferSigner } from '../../wallet/wallet.ts'
import type { Authorization, AuthorizeRequest, Challenge, Offer } from '../rail.ts'
import { readStrictJson } from '../strict-json.ts'
import { isSolana } from './assets.ts'
import { isChannelOffer } from './channels/offer.ts'
import { IDENTIFIER, withIdentifier } from './extensions/identifier.ts'
import { SPONSORING, sponsoredBy, withAllowance } from './extensions/sponsoring.ts'
import { PAYMENT_HEADER, versionOf } from './finished.ts'
import type { Scheme } from './schemes/scheme.ts'
import { schemeOf } from './schemes/schemes.ts'
import { authorizeOnSolana } from './svm/authorization.ts'
import type { Understood } from './understood.ts'

export type Own = Pick<Understood, 'holds'>

const NONCE = /^0x[0-9a-f]{64}$/

/**
 * Signs exactly the request's offer for its window and nonce.
 * @throws PurserError `internal_error` where the offer, the wallet or the finished header is not what was decided, and
 * `challenge_invalid` where the payment would go to the wallet itself.
 */
export async function authorize(request: AuthorizeRequest, wallet: TransferSigner, understood: Own): Promise<Authorization> {
  const { offer, nonce, validAfter_s, validBefore_s, walletName } = request
  checkRequest(request, understood)
  if (isSolana(offer.network)) return authorizeOnSolana(request, wallet.solana, (payload) => headersOf(request, payload))
  if (isChannelOffer(offer)) {
    const { authorizeThroughChannel } = await import('./channels/authorization.ts')
    return authorizeThroughChannel({ ...request, offer }, wallet)
  }
  const payer = getAddress(await wallet.address(walletName))
  if (payer === offer.payTo) throw refused('challenge_invalid', `The challenge asks to pay ${payer}, which is the paying wallet itself.`)
  const prepared = schemeFor(offer)(request, payer)
  const signature = await prepared.sign(wallet)
  const headers = headersOf(request, prepared.payload(signature), await sponsoredBy(request, payer, wallet))
  await prepared.prove(headers)
  return { headers, payer, payTo: offer.payTo, nonce, validAfter_s, validBefore_s, signature, transfer: prepared.move }
}

function schemeFor(offer: Offer): Scheme {
  const scheme = schemeOf(offer)
  if (!scheme) throw refused('internal_error', 'The offer is of a scheme that is not known here. Nothing was signed.')
  return scheme
}

/** The offer has to be one of a challenge that was read here: the text that will be echoed is the one that it was vetted from. */
export function checkRequest({ challenge, offer, nonce, validAfter_s, validBefore_s }: AuthorizeRequest, understood: Own): void {
  if (!understood.holds(challenge) || !challenge.offers.includes(offer))
    throw refused('internal_error', 'The offer is not one of the challenge. Nothing was signed.')
  const whole = Number.isSafeInteger(validAfter_s) && Number.isSafeInteger(validBefore_s)
  if (!whole || validAfter_s < 0 || validAfter_s >= validBefore_s)
    throw refused('internal_error', 'The window is no window. Nothing was signed.')
  if (!NONCE.test(nonce)) throw refused('internal_error', 'The nonce is not 32 bytes. Nothing was signed.')
}

/** `allowance`: what goes into the extension by which somebody pays for it. */
function headersOf(request: AuthorizeRequest, payload: string, allowance?: string): RawHeaders {
  const { all, needed } = framesOf(request, allowance)
  const full = base64(`${all}${payload}}`)
  return [PAYMENT_HEADER[versionOf(request.offer)], full.length <= MAX_PAYMENT_HEADER_BYTES ? full : base64(`${needed}${payload}}`)]
}

/** What stands before the payload. */
type Frames = Readonly<Record<Echo, string>>

/** By what is echoed and the offer: neither can change. */
const frames = new WeakMap<Challenge, Map<Offer, Frames>>()

/** The same for all payments of an offer, unless its server takes an id of each. */
function framesOf({ offer, challenge, identifier }: AuthorizeRequest, allowance: string | undefined): Frames {
  const ofChallenge = frames.get(challenge) ?? new Map<Offer, Frames>()
  const known = ofChallenge.get(offer)
  if (known && allowance === undefined) return known
  const echoed = versionOf(offer) === 1 ? undefined : readEcho(challenge.echo, { identifier, allowance })
  const fresh = echoed ? { all: versionTwo(offer, echoed.all), needed: versionTwo(offer, echoed.needed) } : versionOne(offer)
  if (!echoed?.own) frames.set(challenge, ofChallenge.set(offer, fresh))
  return fresh
}

function versionOne({ raw, scheme }: Offer): Frames {
  const { network } = z.object({ network: z.string() }).parse(JSON.parse(raw))
  const frame = `{"x402Version":1,"scheme":${JSON.stringify(scheme)},"network":${JSON.stringify(network)},"payload":`
  return { all: frame, needed: frame }
}

/** The offer's own text goes back to the letter: servers compare it with what they sent. */
function versionTwo({ raw }: Offer, echoed: readonly string[]): string {
  return `{"x402Version":2,${echoed.map((member) => `${member},`).join('')}"accepted":${raw},"payload":`
}

/** `needed` leaves out what every server takes a payment without: long schemas do not fit into common header limits. */
type Echo = 'all' | 'needed'

const echoSchema = z.object({ resource: z.unknown().optional(), extensions: z.record(z.string(), z.unknown()).optional() })

interface Echoed extends Readonly<Record<Echo, readonly string[]>> {
  /** Something of this one payment is in it. */
  readonly own: boolean
}

interface OwnParts {
  readonly identifier: string | undefined
  readonly allowance: string | undefined
}

function readEcho(text: string, { identifier, allowance }: OwnParts): Echoed {
  const json = readStrictJson(text)
  const parsed = json.kind === 'read' ? echoSchema.safeParse(json.value).data : undefined
  if (json.kind !== 'read' || !parsed) return { all: [], needed: [], own: false }
  const source = json.sourceOf(parsed.resource)
  const resource = source && ResourceInfoSchema.safeParse(parsed.resource).success ? [`"resource":${source}`] : []
  const extensions = Object.entries(parsed.extensions ?? {}).map(([name, extension]) => {
    const own = ownIn(name, extension, { identifier, allowance })
    const member = `${JSON.stringify(name)}:${own ?? json.sourceOf(extension) ?? JSON.stringify(extension)}`
    return { member, isNeeded: own !== undefined }
  })
  const needed = extensions.filter(({ isNeeded }) => isNeeded)
  return { all: [...resource, ...memberOf(extensions)], needed: memberOf(needed), own: needed.length > 0 }
}

function ownIn(name: string, extension: unknown, { identifier, allowance }: OwnParts): string | undefined {
  if (name === IDENTIFIER) return withIdentifier(extension, identifier)
  return name === SPONSORING ? withAllowance(extension, allowance) : undefined
}

function memberOf(extensions: readonly { readonly member: string }[]): string[] {
  return extensions.length === 0 ? [] : [`"extensions":{${extensions.map(({ member }) => member).join(',')}}`]
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64')
}
