/**
 * The proof: a finished payment header is read again and compared with what was decided. Whatever the wallet, or the code
 * before it, did wrong stops here, before a byte can leave. The first header for an offer is read whole, by the
 * protocol's own codec; what stood before its payload is the same to the byte in all that follow, or they are read whole too.
 */
import { isDeepStrictEqual } from 'node:util'
import { decodePaymentSignatureHeader } from '@x402/core/http'
import { PaymentPayloadSchema } from '@x402/core/schemas'
import { z } from 'zod'
import { type PurserError, refused } from '../../errors.ts'
import type { RawHeaders } from '../../http.ts'
import { ecdsa, isCanonical } from '../../secp256k1.ts'
import { digestTransfer } from '../../transfer-digest.ts'
import type { Hex, TransferAuthorization } from '../../wallet/wallet.ts'
import type { Offer } from '../rail.ts'
import { readStrictJson } from '../strict-json.ts'

/** Names of the request headers that carry a payment, by protocol version. */
export const PAYMENT_HEADER = { 1: 'X-PAYMENT', 2: 'PAYMENT-SIGNATURE' } as const

/** What a finished header has to say. The transfer's domain is that of our own registry. */
export interface Decided {
  readonly offer: Offer
  readonly transfer: TransferAuthorization
}

const hex = z.templateLiteral(['0x', z.string().regex(/^[0-9a-fA-F]*$/)])
const payload = z.strictObject({
  signature: hex,
  authorization: z.strictObject({
    from: hex,
    to: hex,
    value: z.string(),
    validAfter: z.string(),
    validBefore: z.string(),
    nonce: hex,
  }),
})
const finished = z.discriminatedUnion('x402Version', [
  z.strictObject({ x402Version: z.literal(1), scheme: z.string(), network: z.string(), payload }),
  z.strictObject({
    x402Version: z.literal(2),
    accepted: z.unknown(),
    payload,
    resource: z.unknown().optional(),
    extensions: z.unknown().optional(),
  }),
])
type Finished = z.infer<typeof finished>
type Payload = z.infer<typeof payload>

const PAYLOAD = '"payload":'
/** A payload with the end of its header, in the one spelling that is taken without the codec. */
const TAIL =
  /^\{"signature":"(0x[0-9a-f]{130})","authorization":\{"from":"(0x[0-9a-fA-F]{40})","to":"(0x[0-9a-fA-F]{40})","value":"([0-9]{1,78})","validAfter":"([0-9]{1,16})","validBefore":"([0-9]{1,16})","nonce":"(0x[0-9a-f]{64})"\}\}\}$/

/** By offer that cannot change: what stood before the payload in a header that was read whole and echoes this offer. */
const provenFrames = new WeakMap<Offer, Buffer>()

/** @throws PurserError `internal_error` that names the first part of the headers that is not what was decided. */
export async function prove(headers: RawHeaders, decided: Decided): Promise<void> {
  const [name, value, ...rest] = headers
  const { offer, transfer } = decided
  if (name !== PAYMENT_HEADER[versionOf(offer)] || value === undefined || rest.length > 0) throw differs('header')
  const said = readFramed(value, offer) ?? readWhole(value, offer)
  compareTransfer(said, transfer)
  if (!isCanonical(said.signature)) throw differs('form of the signature')
  if (!(await isSigned(said, transfer))) throw differs('signer')
}

/** The protocol version of an offer, as one of the two that this rail speaks. */
export function versionOf(offer: Offer): 1 | 2 {
  return offer.protocolVersion === 1 ? 1 : 2
}

/** Undefined where no header with this frame was proven, or the rest is spelled otherwise than ours. */
function readFramed(value: string, offer: Offer): Payload | undefined {
  const frame = provenFrames.get(offer)
  if (!frame) return undefined
  const bytes = Buffer.from(value, 'base64')
  if (!frame.equals(bytes.subarray(0, frame.length)) || bytes.toString('base64') !== value) return undefined
  const [whole, signature, from, to, amount, validAfter, validBefore, nonce] = TAIL.exec(bytes.toString('latin1', frame.length)) ?? []
  if (whole === undefined || !isHex(signature) || !isHex(from) || !isHex(to) || !isHex(nonce)) return undefined
  const authorization = { from, to, value: amount ?? '', validAfter: validAfter ?? '', validBefore: validBefore ?? '', nonce }
  return { signature, authorization }
}

function isHex(text: string | undefined): text is Hex {
  return text?.startsWith('0x') === true
}

function readWhole(value: string, offer: Offer): Payload {
  const payment = read(value)
  if (payment.x402Version !== offer.protocolVersion) throw differs('version')
  compareOffer(payment, offer)
  const text = Buffer.from(value, 'base64').toString('utf8')
  if (readStrictJson(text).kind !== 'read') throw differs('shape')
  if (Object.isFrozen(offer)) rememberFrame(text, offer)
  return payment.payload
}

/** Where the payload stands last and in our spelling, so that it begins where its frame ends. */
function rememberFrame(text: string, offer: Offer): void {
  const end = text.lastIndexOf(PAYLOAD) + PAYLOAD.length
  if (TAIL.test(text.slice(end))) provenFrames.set(offer, Buffer.from(text.slice(0, end)))
}

function read(value: string): Finished {
  const decoded = decodePaymentSignatureHeader(value)
  const parsed = finished.safeParse(decoded)
  if (!parsed.success || !PaymentPayloadSchema.safeParse(decoded).success) throw differs('shape')
  return parsed.data
}

function compareOffer(payment: Finished, offer: Offer): void {
  const entry: unknown = JSON.parse(offer.raw)
  if (payment.x402Version === 2) {
    if (!isDeepStrictEqual(payment.accepted, entry)) throw differs('accepted offer')
    return
  }
  const named = z.object({ network: z.string() }).parse(entry)
  if (payment.scheme !== offer.scheme) throw differs('scheme')
  if (payment.network !== named.network) throw differs('network')
}

export function compareTransfer({ authorization }: Payload, transfer: TransferAuthorization): void {
  for (const part of ['from', 'to', 'nonce', 'value', 'validAfter', 'validBefore'] as const) {
    if (authorization[part] !== String(transfer[part])) throw differs(part)
  }
}

/** Under the domain of our own asset, not the server's. What is decided is what the header says by now. */
export async function isSigned({ signature }: Payload, transfer: TransferAuthorization): Promise<boolean> {
  try {
    return await ecdsa.isSignedBy(digestTransfer(transfer), signature, transfer.from)
  } catch {
    return false
  }
}

export function differs(part: string): PurserError {
  return refused('internal_error', `The finished payment differs from what was decided (${part}). Nothing was sent.`)
}
