/** The quote: the one offer that we would pay, with its price in the session's currency. Chosen once. */
import { uniformAddress } from '../address.ts'
import type { Refusal } from '../errors.ts'
import { priceOf } from '../money.ts'
import type { Challenge, Offer, RejectedOffer } from './rail.ts'

export interface Quote {
  readonly challenge: Challenge
  readonly offer: Offer
  /** Millionths of `currency`, rounded up. */
  readonly amount: bigint
  readonly currency: string
  /** What the request itself costs, where more is paid for it: by a deposit into a channel. */
  readonly price?: bigint
}

/** What the payer may use. Networks as CAIP-2, assets as symbols or addresses. */
export interface Means {
  readonly currency: string
  readonly networks: readonly string[]
  readonly assets: readonly string[]
}

/**
 * Picks the offer: payable by these means, settled after serving rather than before, then the cheapest, then
 * by the token's own way, then the server's order. The refusal names the obstacle that is nearest to being payable.
 */
export function chooseOffer(challenge: Challenge, means: Means): Quote | Refusal {
  const barred: RejectedOffer[] = [...challenge.rejected]
  const quotes: Quote[] = []
  for (const offer of challenge.offers) {
    const obstacle = obstacleTo(offer, means)
    if (obstacle) barred.push(obstacle)
    else quotes.push({ challenge, offer, amount: priceOf(offer.amount, offer.asset), currency: means.currency })
  }
  const [best] = quotes.sort(byPreference)
  return best ?? nearest(barred)
}

function obstacleTo(offer: Offer, means: Means): RejectedOffer | undefined {
  const { asset, network, index } = offer
  if (!means.networks.includes(network)) {
    return {
      index,
      code: 'network_not_allowed',
      reason: `Network ${network} is not among those that may be used (${means.networks.join(', ') || 'none'}).`,
    }
  }
  if (asset.currency !== means.currency) {
    return { index, code: 'asset_unknown', reason: `${asset.symbol} is priced in ${asset.currency}, the session in ${means.currency}.` }
  }
  const address = uniformAddress(asset.address)
  if (!means.assets.some((named) => named === asset.symbol || uniformAddress(named) === address)) {
    return {
      index,
      code: 'asset_unknown',
      reason: `${asset.symbol} is not among the assets of this session (${means.assets.join(', ') || 'none'}).`,
    }
  }
  return undefined
}

function byPreference(a: Quote, b: Quote): number {
  if (a.offer.flow !== b.offer.flow) return a.offer.flow === 'authorization' ? -1 : 1
  if (a.amount !== b.amount) return a.amount < b.amount ? -1 : 1
  // A permit needs an allowance, which a wallet may not have given.
  if (a.offer.method !== b.offer.method) return a.offer.method === undefined ? -1 : 1
  return a.offer.index - b.offer.index
}

const NEARNESS = ['network_not_allowed', 'asset_unknown', 'scheme_not_supported', 'challenge_invalid'] as const

function nearest(barred: readonly RejectedOffer[]): Refusal {
  for (const code of NEARNESS) {
    const found = barred.find((rejected) => rejected.code === code)
    if (found) return { code, detail: found.reason }
  }
  return { code: 'challenge_invalid', detail: 'The challenge lists no way to pay.' }
}
