/**
 * Payments through a channel: what was decided is signed by the wallet's typed operations, put into a header, and that
 * header is read again and compared before anything can leave. A voucher is to be journalled by its sum before it is sent.
 */
import { isDeepStrictEqual } from 'node:util'
import { decodePaymentSignatureHeader } from '@x402/core/http'
import { PaymentPayloadSchema } from '@x402/core/schemas'
import { z } from 'zod'
import { type ChannelDeposit, channelIdOf, digestDeposit, digestVoucher } from '../../../channel-digest.ts'
import { CHANNEL_AMOUNT_END } from '../../../channel-limits.ts'
import { type PurserError, refused } from '../../../errors.ts'
import type { RawHeaders } from '../../../http.ts'
import { MAX_PAYMENT_HEADER_BYTES } from '../../../limits.ts'
import { ecdsa, isCanonical } from '../../../secp256k1.ts'
import type { ChannelSigner, Hex } from '../../../wallet/wallet.ts'
import { readStrictJson } from '../../strict-json.ts'
import { chainIdOf } from '../assets.ts'
import { type ChannelOffer, channelOf } from './offer.ts'
import { type ChannelMessage, payloadOf, payloadSchema, type Signatures, signaturesIn } from './payload.ts'

export interface ChannelRequest {
  readonly offer: ChannelOffer
  readonly message: ChannelMessage
  readonly walletName: string | null
}

/** What the wallet signed. `headers` are secret: a voucher is good until its channel is closed. */
export interface ChannelPayment {
  readonly headers: RawHeaders
  readonly channelId: Hex
  readonly payer: Hex
  readonly signatures: Signatures
}

const HEADER = 'PAYMENT-SIGNATURE'
const BYTES32 = /^0x[0-9a-f]{64}$/
const finished = z.strictObject({ x402Version: z.literal(2), accepted: z.unknown(), payload: payloadSchema })

/**
 * Signs exactly this message for this offer.
 * @throws PurserError `internal_error` where the message, the wallet or the finished header is not what was decided, and
 * `challenge_invalid` where the channel would pay the wallet itself.
 */
export async function payThroughChannel({ offer, message, walletName }: ChannelRequest, wallet: ChannelSigner): Promise<ChannelPayment> {
  const payer = await wallet.address(walletName)
  checkMessage(message, offer, payer)
  const { channel, chainId, cumulative } = message
  const terms = depositOf(message, offer)
  const voucher = await wallet.signVoucher(walletName, { chainId, channel: { ...channel }, cumulative })
  const deposit = terms && (await wallet.signDeposit(walletName, { ...terms, channel: { ...channel } }))
  const headers = headersOf(offer, message, { voucher, ...(deposit && { deposit }) })
  const signatures = await proveChannel(headers, { offer, message })
  return { headers, channelId: channelIdOf(channel, chainId), payer, signatures }
}

/** The channel has to be the offer's own: the receiver, the token and the delay are those that were vetted. */
function checkMessage(message: ChannelMessage, offer: ChannelOffer, payer: Hex): void {
  const { channel, chainId, cumulative, kind, deposit } = message
  if (payer === offer.payTo) throw refused('challenge_invalid', `The challenge asks to pay ${payer}, which is the paying wallet itself.`)
  const own = channelOf({ offer, payer, salt: channel.salt })
  if (!isDeepStrictEqual({ ...channel }, own) || chainId !== chainIdOf(offer.network)) throw unsigned('The channel is not the offer’s')
  const least = kind === 'refund' ? 0n : offer.amount
  if (cumulative < least || cumulative >= CHANNEL_AMOUNT_END) throw unsigned('The voucher’s sum is none')
  if (!BYTES32.test(channel.salt)) throw unsigned('The channel’s salt is not 32 bytes')
  if ((kind === 'deposit') !== (deposit !== undefined)) throw unsigned('A deposit has terms, and nothing else has')
  if (deposit) checkDeposit(deposit)
}

function checkDeposit({ amount, validAfter_s, validBefore_s, salt }: NonNullable<ChannelMessage['deposit']>): void {
  const whole = Number.isSafeInteger(validAfter_s) && Number.isSafeInteger(validBefore_s)
  if (!whole || validAfter_s < 0 || validAfter_s >= validBefore_s) throw unsigned('The window is no window')
  if (amount <= 0n || amount >= CHANNEL_AMOUNT_END) throw unsigned('The deposit is none')
  if (!BYTES32.test(salt)) throw unsigned('The deposit’s salt is not 32 bytes')
}

/** Under the domain of our own asset, not the server's. */
function depositOf({ channel, chainId, deposit }: ChannelMessage, { asset }: ChannelOffer): ChannelDeposit | undefined {
  if (!deposit) return undefined
  const { amount, validAfter_s, validBefore_s, salt } = deposit
  return { chainId, channel, eip712: asset.eip712, amount, validAfter: BigInt(validAfter_s), validBefore: BigInt(validBefore_s), salt }
}

/** The offer's own text goes back to the letter: servers compare it with what they sent. */
function headersOf(offer: ChannelOffer, message: ChannelMessage, signatures: Signatures): RawHeaders {
  const payload = JSON.stringify(payloadOf(message, signatures))
  const value = Buffer.from(`{"x402Version":2,"accepted":${offer.raw},"payload":${payload}}`, 'utf8').toString('base64')
  if (value.length > MAX_PAYMENT_HEADER_BYTES) throw refused('challenge_invalid', 'The offer is too long to be echoed. Nothing was sent.')
  return [HEADER, value]
}

/**
 * Reads a finished header by the protocol's own codec.
 * @returns the signatures in it.
 * @throws PurserError `internal_error` that names the first part that is not what was decided.
 */
export async function proveChannel(headers: RawHeaders, { offer, message }: Omit<ChannelRequest, 'walletName'>): Promise<Signatures> {
  const [name, value, ...rest] = headers
  if (name !== HEADER || value === undefined || rest.length > 0) throw differs('header')
  const said = read(value)
  if (!isDeepStrictEqual(said.accepted, JSON.parse(offer.raw))) throw differs('accepted offer')
  const signatures = signaturesIn(said.payload)
  if (said.payload.type !== message.kind) throw differs('kind')
  if (!isDeepStrictEqual(said.payload, payloadOf(message, signatures))) throw differs('payload')
  const { channel, chainId, cumulative } = message
  await checkSigned(signatures.voucher, () => digestVoucher({ chainId, channel, cumulative }), channel.payerAuthorizer)
  const terms = depositOf(message, offer)
  if (terms && signatures.deposit) await checkSigned(signatures.deposit, () => digestDeposit(terms), channel.payer)
  return signatures
}

function read(value: string): z.infer<typeof finished> {
  const decoded = decodePaymentSignatureHeader(value)
  const parsed = finished.safeParse(decoded)
  const strict = readStrictJson(Buffer.from(value, 'base64').toString('utf8')).kind === 'read'
  if (!parsed.success || !strict || !PaymentPayloadSchema.safeParse(decoded).success) throw differs('shape')
  return parsed.data
}

async function checkSigned(signature: Hex, digest: () => Uint8Array, by: Hex): Promise<void> {
  if (!isCanonical(signature)) throw differs('form of the signature')
  const signed = await Promise.resolve()
    .then(() => ecdsa.isSignedBy(digest(), signature, by))
    .catch(() => false)
  if (!signed) throw differs('signer')
}

function unsigned(why: string): PurserError {
  return refused('internal_error', `${why}. Nothing was signed.`)
}

function differs(part: string): PurserError {
  return refused('internal_error', `The finished payment differs from what was decided (${part}). Nothing was sent.`)
}
