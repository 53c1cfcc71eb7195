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
import type { Offer } from '../rail.ts'
import { readStrictJson } from '../strict-json.ts'

/** Names of the request headers that carry a payment, by protocol version. */
export const PAYMENT_HEADER = { 1: 'X-PAYMENT', 2: 'PAYMENT-SIGNATURE' } as const

/** How the payload of a scheme stands in a header. */
export interface PayloadForm<P> {
  /** Strict: nothing else may stand in it. */
  readonly schema: z.ZodType<P>
  /** Reads a payload and the end of its header in our own spelling; undefined for every other. */
  readTail(text: string): P | undefined
}

const finished = z.discriminatedUnion('x402Version', [
  z.strictObject({ x402Version: z.literal(1), scheme: z.string(), network: z.string(), payload: z.unknown() }),
  z.strictObject({
    x402Version: z.literal(2),
    accepted: z.unknown(),
    payload: z.unknown(),
    resource: z.unknown().optional(),
    extensions: z.unknown().optional(),
  }),
])
type Finished = z.infer<typeof finished>

const PAYLOAD = '"payload":'
/** By offer that cannot change: what stood before the payload in a header that was read whole and echoes this offer. */
const provenFrames = new WeakMap<Offer, Buffer>()

/**
 * The payload of a finished header, which carries this very offer and nothing else.
 * @throws PurserError `internal_error` that names the first part of the headers that is not what was decided.
 */
export function readFinished<P>(headers: RawHeaders, offer: Offer, form: PayloadForm<P>): P {
  const [name, value, ...rest] = headers
  if (name !== PAYMENT_HEADER[versionOf(offer)] || value === undefined || rest.length > 0) throw differs('header')
  return readFramed(value, offer, form) ?? readWhole(value, offer, form)
}

/** The protocol version of an offer, as one of the two that this rail speaks. */
export function versionOf(offer: Offer): 1 | 2 {
  return offer.protocolVersion === 1 ? 1 : 2
}

/** Undefined where no header with this frame was proven, or the rest is spelled otherwise than ours. */
function readFramed<P>(value: string, offer: Offer, { readTail }: PayloadForm<P>): P | undefined {
  const frame = provenFrames.get(offer)
  if (!frame) return undefined
  const bytes = Buffer.from(value, 'base64')
  if (!frame.equals(bytes.subarray(0, frame.length)) || bytes.toString('base64') !== value) return undefined
  return readTail(bytes.toString('latin1', frame.length))
}

function readWhole<P>(value: string, offer: Offer, form: PayloadForm<P>): P {
  const payment = read(value)
  const payload = form.schema.safeParse(payment.payload)
  if (!payload.success) throw differs('shape')
  if (payment.x402Version !== offer.protocolVersion) throw differs('version')
  compareOffer(payment, offer)
  const text = Buffer.from(value, 'base64').toString('utf8')
  if (readStrictJson(text).kind !== 'read') throw differs('shape')
  if (Object.isFrozen(offer)) rememberFrame(text, offer, form)
  return payload.data
}

/** Where the payload stands last and in our spelling, so that it begins where its frame ends. */
function rememberFrame<P>(text: string, offer: Offer, { readTail }: PayloadForm<P>): void {
  const end = text.lastIndexOf(PAYLOAD) + PAYLOAD.length
  if (readTail(text.slice(end)) !== undefined) provenFrames.set(offer, Buffer.from(text.slice(0, end)))
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

/** The refusal of a finished payment, by its first part that is not what was decided. */
export function differs(part: string): PurserError {
  return refused('internal_error', `The finished payment differs from what was decided (${part}). Nothing was sent.`)
}
