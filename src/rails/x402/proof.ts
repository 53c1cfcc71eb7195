/**
 * The proof: a finished payment header is read again, by the protocol's own codec, and compared with what was decided.
 * Whatever the wallet, or the code before it, did wrong stops here, before a byte can leave.
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

/** @throws PurserError `internal_error` that names the first part of the headers that is not what was decided. */
export async function prove(headers: RawHeaders, decided: Decided): Promise<void> {
  const [name, value, ...rest] = headers
  const { offer, transfer } = decided
  if (name !== PAYMENT_HEADER[versionOf(offer)] || value === undefined || rest.length > 0) throw differs('header')
  const payment = read(value)
  if (payment.x402Version !== offer.protocolVersion) throw differs('version')
  compareOffer(payment, offer)
  compareTransfer(payment, transfer)
  if (!isCanonical(payment.payload.signature)) throw differs('form of the signature')
  if ((await signerOf(payment, transfer.domain)) !== transfer.from) throw differs('signer')
}

/** The protocol version of an offer, as one of the two that this rail speaks. */
export function versionOf(offer: Offer): 1 | 2 {
  return offer.protocolVersion === 1 ? 1 : 2
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

function compareTransfer({ payload: { authorization } }: Finished, transfer: TransferAuthorization): void {
  for (const part of ['from', 'to', 'nonce', 'value', 'validAfter', 'validBefore'] as const) {
    if (authorization[part] !== String(transfer[part])) throw differs(part)
  }
}

/** Checksummed address whose key signed what the header says, under the domain of our own asset. */
async function signerOf(
  { payload: { authorization, signature } }: Finished,
  domain: TransferAuthorization['domain'],
): Promise<Hex | undefined> {
  const { from, to, nonce } = authorization
  const [value, validAfter, validBefore] = [
    BigInt(authorization.value),
    BigInt(authorization.validAfter),
    BigInt(authorization.validBefore),
  ]
  try {
    return await ecdsa.recoverAddress(digestTransfer({ domain, from, to, value, validAfter, validBefore, nonce }), signature)
  } catch {
    return undefined
  }
}

function differs(part: string): PurserError {
  return refused('internal_error', `The finished payment differs from what was decided (${part}). Nothing was sent.`)
}
