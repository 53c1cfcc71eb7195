/**
 * Payment channels (x402's scheme `batch-settlement` on EVM): a deposit into an escrow, vouchers for what is used of it,
 * one settlement, and the rest back. This folder is pure: it reads offers and answers, decides deposits, counts, signs
 * through the wallet's typed operations and proves what it made. Who keeps an account is the ledger's matter.
 *
 * channel: what the escrow knows by payer, receiver, their signers, token, delay and salt. voucher: a signature that
 * lets the receiver claim up to a sum since the channel was opened; it never expires. deposit: what can be claimed at all.
 *
 * An offer to pay by channel: vetted like any other, and besides for what the escrow will hold us to.
 */
import { getAddress, isAddress, zeroAddress } from 'viem'
import { z } from 'zod'
import { CHANNEL_AMOUNT_END, MAX_WITHDRAW_DELAY_S, MIN_WITHDRAW_DELAY_S } from '../../../channel-limits.ts'
import type { ChannelConfig, Hex } from '../../../wallet/wallet.ts'
import type { ChannelTerms, Offer, RejectedOffer } from '../../rail.ts'
import type { Registry } from '../assets.ts'
import type { Entry } from '../challenge.ts'
import { type OfferPlace, readOffer } from '../offer.ts'

export const CHANNEL_SCHEME = 'batch-settlement'

/** One way to pay by channel, vetted. `amount` is the most that one request may cost. */
export interface ChannelOffer extends Offer {
  readonly scheme: typeof CHANNEL_SCHEME
  readonly channel: ChannelTerms
}

export interface ChannelBounds {
  /** How long the operator lets money be locked after it is asked back, in seconds. */
  readonly maxWithdrawDelay_s: number
}

const UINT = /^(0|[1-9][0-9]{0,77})$/
const ADDRESS = /^0x[0-9a-fA-F]{40}$/
const entrySchema = z.looseObject({ scheme: z.literal(CHANNEL_SCHEME), extra: z.looseObject({}) })
const termsSchema = z.object({
  receiverAuthorizer: z.string().regex(ADDRESS),
  withdrawDelay: z.int(),
  minDeposit: z.unknown().optional(),
  assetTransferMethod: z.literal('eip3009').nullish(),
  paymentFlow: z.literal('authorization').nullish(),
})

/** Vets one entry of scheme `batch-settlement`. The reason of a rejected one names places and our own values only. */
export function readChannelOffer(entry: Entry, place: OfferPlace, registry: Registry, bounds: ChannelBounds): ChannelOffer | RejectedOffer {
  const reject = (code: RejectedOffer['code'], reason: string): RejectedOffer => {
    return { index: place.index, code, reason: `Offer ${place.index + 1} ${reason}.` }
  }
  const parsed = entrySchema.safeParse(entry.value)
  if (!parsed.success || place.version !== 2) return reject('scheme_not_supported', 'is no offer to pay by channel')
  // What it shares with every other offer is vetted where every other offer is.
  const common = readOffer({ value: { ...parsed.data, scheme: 'exact' }, raw: entry.raw }, place, registry)
  if ('code' in common) return common
  if (common.svm) return reject('scheme_not_supported', 'asks for a channel on Solana')
  const terms = termsSchema.safeParse(parsed.data.extra)
  if (!terms.success) return reject('scheme_not_supported', `has channel terms that cannot be used (${placesOf(terms.error)})`)
  const { receiverAuthorizer, withdrawDelay, minDeposit } = terms.data
  const authorizer = addressOf(receiverAuthorizer)
  if (!authorizer) return reject('challenge_invalid', 'names a receiver authorizer that is no address')
  const delay = delayFault(withdrawDelay, bounds)
  if (delay) return reject('scheme_not_supported', delay)
  if (common.amount >= CHANNEL_AMOUNT_END) return reject('challenge_invalid', 'has an amount beyond 128 bits')
  const channel = Object.freeze({ receiverAuthorizer: authorizer, withdrawDelay_s: withdrawDelay, minDeposit: uintOf(minDeposit) })
  return { ...common, scheme: CHANNEL_SCHEME, channel }
}

export function isChannelOffer(offer: Offer): offer is ChannelOffer {
  return offer.scheme === CHANNEL_SCHEME && offer.channel !== undefined
}

/** The channel that this offer is paid through. `salt` (32 bytes) tells channels of one wallet to one recipient apart. */
export function channelOf({
  offer,
  payer,
  salt,
}: {
  readonly offer: ChannelOffer
  readonly payer: Hex
  readonly salt: Hex
}): ChannelConfig {
  return {
    payer,
    payerAuthorizer: payer,
    receiver: getAddress(offer.payTo),
    receiverAuthorizer: offer.channel.receiverAuthorizer,
    token: getAddress(offer.asset.address),
    withdrawDelay: offer.channel.withdrawDelay_s,
    salt,
  }
}

function delayFault(delay_s: number, { maxWithdrawDelay_s }: ChannelBounds): string | undefined {
  if (delay_s < MIN_WITHDRAW_DELAY_S || delay_s > MAX_WITHDRAW_DELAY_S) return 'asks for a withdraw delay that the escrow does not take'
  if (delay_s > maxWithdrawDelay_s) return `asks for a withdraw delay of ${delay_s} s; the operator allows ${maxWithdrawDelay_s} s`
  return undefined
}

function addressOf(text: string): Hex | undefined {
  const uniform = text.slice(2) === text.slice(2).toUpperCase() ? text.toLowerCase() : text
  return isAddress(uniform) && uniform.toLowerCase() !== zeroAddress ? getAddress(uniform) : undefined
}

function uintOf(value: unknown): bigint | undefined {
  return typeof value === 'string' && UINT.test(value) ? BigInt(value) : undefined
}

/** Our own names of the members that failed; nothing that the server chose. */
function placesOf(error: z.ZodError): string {
  return [...new Set(error.issues.map(({ path }) => path.map(String).join('.')))].join(', ')
}
