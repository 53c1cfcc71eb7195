/**
 * `offer-receipt`: a server signs what it offers in the challenge, and what it took in the answer. A signed offer pins the
 * price: an entry that says something else than what was signed for it is none that can be relied on.
 */
import { z } from 'zod'
import { MAX_SIGNED_CHARS, MAX_SIGNED_OFFERS } from '../../../extension-limits.ts'
import type { SignedOffer, SignedReceipt } from '../../rail.ts'
import { type Kind, readSigned } from './signed.ts'

export const OFFER_RECEIPT = 'offer-receipt'

const text = z.string().max(MAX_SIGNED_CHARS)
const seconds = z.int().min(0)
const offerSchema = z.object({
  version: z.literal(1),
  ...{ resourceUrl: text, scheme: text, network: text, asset: text, payTo: text, amount: text },
  validUntil: seconds.exactOptional(),
})
const receiptSchema = z.object({
  version: z.literal(1),
  ...{ network: text, resourceUrl: text, payer: text },
  issuedAt: seconds,
  transaction: text.exactOptional(),
})
type OfferPayload = z.infer<typeof offerSchema>

const texts = (...names: string[]) => names.map((name) => ({ name, type: 'string' as const }))
const number = (name: string) => ({ name, type: 'uint256' as const })
const OFFER: Kind<OfferPayload> = {
  schema: offerSchema,
  domain: 'x402 offer',
  type: 'Offer',
  members: [number('version'), ...texts('resourceUrl', 'scheme', 'network', 'asset', 'payTo', 'amount'), number('validUntil')],
}
const RECEIPT: Kind<z.infer<typeof receiptSchema>> = {
  schema: receiptSchema,
  domain: 'x402 receipt',
  type: 'Receipt',
  members: [number('version'), ...texts('network', 'resourceUrl', 'payer'), number('issuedAt'), ...texts('transaction')],
}

const offersSchema = z.object({ info: z.object({ offers: z.array(z.unknown()) }) })
const receiptsSchema = z.object({ info: z.object({ receipt: z.unknown() }) })
const indexSchema = z.object({ acceptIndex: z.int().min(0) })
const termsSchema = z.object({ scheme: z.string(), network: z.string(), asset: z.string(), payTo: z.string(), amount: z.string() })

/** A signed offer beside the entry that it is about. */
export interface Pinned extends SignedOffer {
  /** The entry says what was signed. */
  readonly agrees: boolean
}

/** The signed offers of a challenge whose entries are these (version 2). What is about none of them is left out. */
export function readSignedOffers(extension: unknown, entries: readonly unknown[]): Pinned[] {
  const offers = offersSchema.safeParse(extension).data?.info.offers.slice(0, MAX_SIGNED_OFFERS) ?? []
  return offers.flatMap((value) => {
    const signed = readSigned(value, OFFER)
    const index = signed && placeOf(value, signed.payload, entries)
    if (!signed || index === undefined) return []
    const { payload, ...rest } = signed
    return [{ ...rest, index, validUntil_s: payload.validUntil || undefined, agrees: isSame(payload, entries[index]) }]
  })
}

/** Where it names no place, the entry that it describes; an only entry is what it has to describe. */
function placeOf(value: unknown, payload: OfferPayload, entries: readonly unknown[]): number | undefined {
  const named = indexSchema.safeParse(value).data?.acceptIndex
  if (named !== undefined && named < entries.length) return named
  const described = entries.findIndex((entry) => isSame(payload, entry))
  if (described >= 0) return described
  return entries.length === 1 ? 0 : undefined
}

function isSame(payload: OfferPayload, entry: unknown): boolean {
  const terms = termsSchema.safeParse(entry).data
  if (!terms) return false
  const letters = (one: string) => (/^0x/i.test(one) ? one.toLowerCase() : one)
  return (['scheme', 'network', 'asset', 'payTo', 'amount'] as const).every((name) => letters(terms[name]) === letters(payload[name]))
}

/** What the server signed about the payment, if it did. */
export function readSignedReceipt(extension: unknown): SignedReceipt | undefined {
  const signed = readSigned(receiptsSchema.safeParse(extension).data?.info.receipt, RECEIPT)
  if (!signed) return undefined
  const { payload, ...rest } = signed
  const { network, resourceUrl, payer, transaction } = payload
  return { ...rest, network, resourceUrl, payer, ...(transaction ? { transaction } : {}) }
}
