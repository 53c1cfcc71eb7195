/** Authorizations: a vetted offer becomes a transfer, the wallet signs it, and the header that carries it is proven. */
import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { ResourceInfoSchema } from '@x402/core/schemas'
import { getAddress } from 'viem'
import { z } from 'zod'
import { refused } from '../../errors.ts'
import type { RawHeaders } from '../../http.ts'
import { MAX_PAYMENT_HEADER_BYTES } from '../../limits.ts'
import type { Hex, TransferAuthorization, TransferSigner } from '../../wallet/wallet.ts'
import type { Authorization, AuthorizeRequest, Offer } from '../rail.ts'
import { readStrictJson } from '../strict-json.ts'
import { chainIdOf, type Registry } from './assets.ts'
import { readOffer } from './offer.ts'
import { PAYMENT_HEADER, prove, versionOf } from './proof.ts'

const NONCE = /^0x[0-9a-f]{64}$/

/**
 * Signs exactly the request's offer for its window and nonce.
 * @throws PurserError `internal_error` where the offer, the wallet or the finished header is not what was decided, and
 * `challenge_invalid` where the payment would go to the wallet itself.
 */
export async function authorize(request: AuthorizeRequest, wallet: TransferSigner, registry: Registry): Promise<Authorization> {
  const { offer, nonce, validAfter_s, validBefore_s, walletName } = request
  checkRequest(request, registry)
  const payer = getAddress(await wallet.address(walletName))
  if (payer === offer.payTo) throw refused('challenge_invalid', `The challenge asks to pay ${payer}, which is the paying wallet itself.`)
  const signature = await wallet.signTransfer(walletName, transferOf(request, payer))
  const transfer = transferOf(request, payer)
  const headers = headersOf(request, transfer, signature)
  await prove(headers, { offer, transfer })
  return { headers, payer, payTo: offer.payTo, nonce, validAfter_s, validBefore_s, signature, transfer }
}

/** The offer has to stand in the challenge, and the text that will be echoed, vetted once more, has to give it again. */
function checkRequest({ challenge, offer, nonce, validAfter_s, validBefore_s }: AuthorizeRequest, registry: Registry): void {
  const json = readStrictJson(offer.raw)
  const place = { index: offer.index, version: versionOf(offer) }
  const again = json.kind === 'read' ? readOffer({ value: json.value, raw: offer.raw }, place, registry) : undefined
  const listed = challenge.offers.some((entry) => isDeepStrictEqual(entry, offer))
  if (!listed || !isDeepStrictEqual(again, offer))
    throw refused('internal_error', 'The offer is not one of the challenge. Nothing was signed.')
  const whole = Number.isSafeInteger(validAfter_s) && Number.isSafeInteger(validBefore_s)
  if (!whole || validAfter_s < 0 || validAfter_s >= validBefore_s)
    throw refused('internal_error', 'The window is no window. Nothing was signed.')
  if (!NONCE.test(nonce)) throw refused('internal_error', 'The nonce is not 32 bytes. Nothing was signed.')
}

function transferOf({ offer, nonce, validAfter_s, validBefore_s }: AuthorizeRequest, payer: Hex): TransferAuthorization {
  const { asset, network, payTo, amount } = offer
  const chainId = chainIdOf(network)
  if (chainId === undefined) throw refused('internal_error', `${network} is not an EVM network. Nothing was signed.`)
  return {
    domain: { ...asset.eip712, chainId, verifyingContract: asset.address },
    from: payer,
    to: payTo,
    value: amount,
    validAfter: BigInt(validAfter_s),
    validBefore: BigInt(validBefore_s),
    nonce,
  }
}

function headersOf(request: AuthorizeRequest, transfer: TransferAuthorization, signature: Hex): RawHeaders {
  const { from, to, value, validAfter, validBefore, nonce } = transfer
  const authorization = { from, to, value: `${value}`, validAfter: `${validAfter}`, validBefore: `${validBefore}`, nonce }
  const payload = JSON.stringify({ signature, authorization })
  const { offer } = request
  if (versionOf(offer) === 1) return [PAYMENT_HEADER[1], base64(versionOne(offer, payload))]
  const full = base64(versionTwo(request, payload, 'all'))
  return [PAYMENT_HEADER[2], full.length <= MAX_PAYMENT_HEADER_BYTES ? full : base64(versionTwo(request, payload, 'needed'))]
}

function versionOne({ raw, scheme }: Offer, payload: string): string {
  const { network } = z.object({ network: z.string() }).parse(JSON.parse(raw))
  return `{"x402Version":1,"scheme":${JSON.stringify(scheme)},"network":${JSON.stringify(network)},"payload":${payload}}`
}

/** The offer's own text goes back to the letter: servers compare it with what they sent. */
function versionTwo({ offer, challenge, nonce }: AuthorizeRequest, payload: string, echo: Echo): string {
  const echoed = echoedMembers(challenge.echo, { echo, nonce })
  return `{"x402Version":2,${echoed.map((member) => `${member},`).join('')}"accepted":${offer.raw},"payload":${payload}}`
}

/** `needed` leaves out what every server takes a payment without: long schemas do not fit into common header limits. */
type Echo = 'all' | 'needed'

const IDENTIFIER = 'payment-identifier'
const identifierSchema = z.looseObject({ info: z.looseObject({ required: z.literal(true) }) })
const echoSchema = z.object({ resource: z.unknown().optional(), extensions: z.record(z.string(), z.unknown()).optional() })

function echoedMembers(text: string, { echo, nonce }: { readonly echo: Echo; readonly nonce: Hex }): string[] {
  const json = readStrictJson(text)
  const parsed = json.kind === 'read' ? echoSchema.safeParse(json.value).data : undefined
  if (json.kind !== 'read' || !parsed) return []
  const members: string[] = []
  const resource = json.sourceOf(parsed.resource)
  if (echo === 'all' && resource && ResourceInfoSchema.safeParse(parsed.resource).success) members.push(`"resource":${resource}`)
  const extensions = Object.entries(parsed.extensions ?? {}).flatMap(([name, extension]) => {
    const identified = name === IDENTIFIER ? withIdentifier(extension, nonce) : undefined
    if (echo === 'needed' && !identified) return []
    return [`${JSON.stringify(name)}:${identified ?? json.sourceOf(extension) ?? JSON.stringify(extension)}`]
  })
  if (extensions.length > 0) members.push(`"extensions":{${extensions.join(',')}}`)
  return members
}

/** A server that requires an id of the payment gets one: the same for every presentation, telling nothing of the nonce. */
function withIdentifier(extension: unknown, nonce: Hex): string | undefined {
  const parsed = identifierSchema.safeParse(extension)
  if (!parsed.success) return undefined
  const id = `pay_${createHash('sha256').update(`purser ${IDENTIFIER} ${nonce}`).digest('hex').slice(0, 40)}`
  return JSON.stringify({ ...parsed.data, info: { ...parsed.data.info, id } })
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64')
}
