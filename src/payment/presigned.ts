/**
 * Transfers that were signed beforehand, where the wallet has nothing else: what a payment needs of them, before it is
 * decided, when it is reserved, and when it is signed. The nonce is the transfer's, and the window too.
 */
import { getAddress } from 'viem'
import { PurserError, type Refusal, refused } from '../errors.ts'
import type { ReserveResult } from '../ledger/ledger.ts'
import { MIN_WINDOW_S } from '../limits.ts'
import { formatAtomic } from '../money.ts'
import { MAX_PRESIGNED_TRIES } from '../presigned-limits.ts'
import type { Quote } from '../rails/quote.ts'
import type { Challenge, Offer } from '../rails/rail.ts'
import { chainIdOf, eip712Of, isSolana } from '../rails/x402/assets.ts'
import type { Hex, Presigned, Wallet, WantedTransfer } from '../wallet/wallet.ts'
import type { Case } from './case.ts'

type Payable = Pick<Case, 'rail'> & { readonly deps: Pick<Case['deps'], 'wallet' | 'clock'> }

/** What the wallet has instead of a key where this offer is paid; on Solana it has one. */
export function presignedFor({ presigned }: Pick<Wallet, 'presigned'>, { network }: Pick<Offer, 'network'>): Presigned | undefined {
  return isSolana(network) ? undefined : presigned
}

/** The challenge without the offers that nothing was signed for, unless that would leave none. */
export function payable(matter: Payable & Pick<Case, 'challenge'>): Challenge {
  const { deps, challenge } = matter
  const { presigned } = deps.wallet
  if (!presigned) return challenge
  const offers = challenge.offers.filter((offer) => {
    if (!presignedFor(deps.wallet, offer)) return true
    const wanted = wantedFor(matter, { offer }, MIN_WINDOW_S)
    return !('code' in wanted) && presigned.knows(wanted)
  })
  return offers.length === 0 ? challenge : { ...challenge, offers }
}

/** Why the wallet has nothing for this offer; undefined where it has, or where it signs what it is asked for. */
export async function presignedBar(matter: Payable, quote: Quote, window_s: number): Promise<Refusal | undefined> {
  const presigned = presignedFor(matter.deps.wallet, quote.offer)
  if (!presigned) return undefined
  const wanted = wantedFor(matter, quote, window_s)
  return 'code' in wanted ? wanted : presigned.bar(wanted)
}

/**
 * Reserves under the nonce of a transfer that no payment has. Where other processes are faster, under another's, a few
 * times. Whatever comes of it, what was set aside is given back or spent.
 */
export async function reservePresigned(
  matter: Payable,
  { presigned, quote, window_s }: { readonly presigned: Presigned; readonly quote: Quote; readonly window_s: number },
  reserve: (nonce: Hex) => Promise<ReserveResult>,
): Promise<ReserveResult> {
  const wanted = wantedFor(matter, quote, window_s)
  if ('code' in wanted) return { kind: 'refused', refusal: wanted }
  for (let tries = 1; ; tries += 1) {
    const taken = await presigned.take(wanted)
    if ('code' in taken) return { kind: 'refused', refusal: taken }
    const reserved = await reserveOne(presigned, taken.nonce, reserve)
    if (reserved.kind !== 'decide_again' || tries >= MAX_PRESIGNED_TRIES || !(await presigned.isSpent(taken.nonce))) return reserved
  }
}

async function reserveOne(presigned: Presigned, nonce: Hex, reserve: (nonce: Hex) => Promise<ReserveResult>): Promise<ReserveResult> {
  let reserved: ReserveResult | undefined
  try {
    reserved = await reserve(nonce)
    return reserved
  } finally {
    // Where nobody knows whether it was reserved, the ledger will say so when it is taken again.
    if (reserved?.kind === 'reserved') presigned.spent(nonce)
    else presigned.giveBack(nonce)
  }
}

/**
 * The window of the transfer behind this nonce, in seconds since 1970; undefined where the wallet signs windows of our own.
 * @throws PurserError where it is no longer, or not for this offer
 */
export function presignedWindow(
  wallet: Pick<Wallet, 'presigned'>,
  { offer }: Pick<Quote, 'offer'>,
  { nonce, now_s }: { readonly nonce: Hex; readonly now_s: number },
): { readonly validAfter_s: number; readonly validBefore_s: number } | undefined {
  const presigned = presignedFor(wallet, offer)
  if (!presigned) return undefined
  const window = presigned.window(nonce)
  if (!window) throw refused('internal_error', 'The reserved transfer is none of the pool. Nothing was sent.')
  const { validAfter_s, validBefore_s } = window
  if (validBefore_s - now_s >= MIN_WINDOW_S && validBefore_s <= (offer.expires_s ?? validBefore_s)) return { validAfter_s, validBefore_s }
  throw new PurserError({
    code: 'wallet_insufficient',
    detail: 'The transfer that was signed beforehand ended while the payment was decided. Nothing was sent.',
    nextAction: 'Repeat the same request: it is paid by another transfer, if the pool has one.',
  })
}

/** What would have to have been signed; a refusal where nothing can have been. */
function wantedFor({ deps, rail }: Payable, { offer }: Pick<Quote, 'offer'>, window_s: number): WantedTransfer | Refusal {
  const { asset, network, payTo, amount, scheme, method } = offer
  const chainId = chainIdOf(network)
  if (rail.nonceOf || scheme !== 'exact' || method !== undefined || chainId === undefined || !asset.eip712) {
    const how = method === undefined ? `${offer.rail} ${scheme}` : `${offer.rail} ${scheme} by ${method}`
    const detail = `The wallet pays by transfers that were signed beforehand, which are for scheme exact of x402 on EVM networks, not for ${how} on ${network}.`
    return { code: 'scheme_not_supported', detail }
  }
  const now_s = Math.floor(deps.clock.now() / 1000)
  return {
    domain: { ...eip712Of(asset), chainId, verifyingContract: getAddress(asset.address) },
    ...{ to: getAddress(payTo), value: amount, now_s, until_s: now_s + window_s },
    ...{ shown: `${formatAtomic(amount, asset.decimals)} ${asset.symbol}`, symbol: asset.symbol },
  }
}
