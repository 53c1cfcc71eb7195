/**
 * How much is deposited: what the operator says, never what a server would like. A deposit is whole money out of the
 * session's hands until the channel is closed, so every bound that holds for a payment holds for it.
 */
import { CHANNEL_AMOUNT_END } from '../../../channel-limits.ts'
import type { Refusal } from '../../../errors.ts'
import { type Asset, displayAmount, least, priceOf } from '../../../money.ts'
import { higher } from './account.ts'

/** In millionths of the asset's currency. */
export interface DepositBounds {
  /** What the operator has deposited at a time. */
  readonly deposit: bigint
  /** What the operator lets lie in one channel. */
  readonly maxDeposit: bigint
  /** What the session and each of its ancestors can still spend; the least of them. */
  readonly remaining: bigint
  /** What the recipient's limit leaves; absent where it has none. */
  readonly recipientLeft?: bigint
}

export interface DepositWish {
  readonly asset: Asset
  /** Atomic units that lie in the channel already, claimed ones included. */
  readonly deposited: bigint
  /** Atomic units without which the request cannot be vouched for. */
  readonly missing: bigint
}

export type DepositDecision =
  | { readonly kind: 'deposit'; readonly amountAtomic: bigint; readonly price: bigint }
  | { readonly kind: 'refused'; readonly refusal: Refusal }

/**
 * The operator's deposit, or more where one request needs it, cut to the tightest bound; refused where that is too little.
 * @throws RangeError where nothing is missing.
 */
export function decideDeposit(wish: DepositWish, bounds: DepositBounds): DepositDecision {
  const { asset, missing } = wish
  if (missing <= 0n) throw new RangeError('nothing is deposited where nothing is missing')
  const room = roomOf(wish, bounds)
  const wanted = higher(atomicWithin(bounds.deposit, asset), missing)
  const amountAtomic = least(wanted, atomicWithin(least(room.inChannel, room.remaining, room.recipient), asset), room.inEscrow)
  if (amountAtomic < missing) return { kind: 'refused', refusal: tooLittle(wish, room) }
  return { kind: 'deposit', amountAtomic, price: priceOf(amountAtomic, asset) }
}

interface Room {
  readonly inChannel: bigint
  readonly remaining: bigint
  readonly recipient: bigint | undefined
  /** Atomic. */
  readonly inEscrow: bigint
}

function roomOf({ asset, deposited }: DepositWish, { maxDeposit, remaining, recipientLeft }: DepositBounds): Room {
  const taken = priceOf(deposited, asset)
  return {
    inChannel: maxDeposit > taken ? maxDeposit - taken : 0n,
    remaining,
    recipient: recipientLeft,
    inEscrow: CHANNEL_AMOUNT_END - 1n - deposited,
  }
}

/** The most atomic units that cost no more than this, rounding included. */
export function atomicWithin(amount: bigint, { decimals, rate }: Asset): bigint {
  return amount <= 0n || rate <= 0n ? 0n : (amount * 10n ** BigInt(decimals)) / rate
}

function tooLittle({ asset, missing }: DepositWish, { inChannel, remaining, recipient }: Room): Refusal {
  const needed = priceOf(missing, asset)
  const says = (bound: string, left: bigint) =>
    `The request needs a deposit of ${displayAmount(needed, asset.currency)}, and ${bound} ${displayAmount(left, asset.currency)}. Nothing was deposited.`
  if (remaining < needed) return { code: 'spending_limit_exceeded', detail: says('the session has', remaining) }
  if (recipient !== undefined && recipient < needed)
    return { code: 'recipient_limit_exceeded', detail: says('the recipient’s limit leaves', recipient) }
  return { code: 'per_payment_limit_exceeded', detail: says('what may lie in one channel leaves', inChannel) }
}
