/** Offers to pay by channel as the official server writes them, and the channel of the test wallet. */
import type { RejectedOffer } from '../../../../src/rails/rail.ts'
import { createRegistry, knownAssets } from '../../../../src/rails/x402/assets.ts'
import { type ChannelOffer, channelOf, readChannelOffer } from '../../../../src/rails/x402/channels/offer.ts'
import type { ChannelConfig } from '../../../../src/wallet/wallet.ts'
import { NETWORK, PAY_TO, USDC, wallet } from '../challenges.ts'

export const AUTHORIZER = '0xe9BAA53De6B3F7D9DE7b5baC1A5D0a5B5F9e1F7a'.toLowerCase()
export const SALT = `0x${'a5'.repeat(32)}` as const
export const DAY_S = 86_400

export const CHANNEL_ENTRY = {
  scheme: 'batch-settlement',
  network: NETWORK,
  amount: '1000',
  asset: USDC,
  payTo: PAY_TO,
  maxTimeoutSeconds: 60,
  extra: { name: 'USDC', version: '2', receiverAuthorizer: AUTHORIZER, withdrawDelay: 900, minDeposit: '10000' },
}

const registry = createRegistry({ assets: knownAssets(), networks: [NETWORK] })

export function readEntry(value: unknown, maxWithdrawDelay_s: number = DAY_S, version: 1 | 2 = 2): ChannelOffer | RejectedOffer {
  const entry = { value, raw: JSON.stringify(value) ?? '' }
  return readChannelOffer(entry, { index: 0, version }, registry, { maxWithdrawDelay_s })
}

/** The offer of an entry that has to be taken. */
export function offerOf(value: unknown = CHANNEL_ENTRY): ChannelOffer {
  const offer = readEntry(value)
  if ('code' in offer) throw new Error(offer.reason)
  return offer
}

export async function ownChannel(offer = offerOf()): Promise<ChannelConfig> {
  return channelOf({ offer, payer: await wallet.address(null), salt: SALT })
}
