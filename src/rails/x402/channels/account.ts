/**
 * The account of one channel: whole atomic units, all of them counted from the channel's opening, as the escrow counts.
 * What a voucher allows is out until the channel is closed, so a channel owes the most that was ever signed.
 */
import { CHANNEL_AMOUNT_END } from '../../../channel-limits.ts'
import { type Asset, priceOf } from '../../../money.ts'

/** charged ≤ signed ≤ deposited. */
export interface ChannelAccount {
  /** What the escrow holds for the channel, or held before it was claimed. */
  readonly deposited: bigint
  /** The highest voucher that was ever signed. */
  readonly signed: bigint
  /** What the server has charged of it, as far as it said so. */
  readonly charged: bigint
}

export type NextVoucher =
  | { readonly kind: 'voucher'; readonly cumulative: bigint }
  /** The deposit does not cover it. */
  | { readonly kind: 'short'; readonly cumulative: bigint; readonly missing: bigint }

/**
 * What the next request is vouched for with: what was charged, and this request. A server takes no other sum.
 * @throws RangeError where the account or the amount is none.
 */
export function nextVoucher(account: ChannelAccount, amount: bigint): NextVoucher {
  checkAccount(account)
  if (amount <= 0n) throw new RangeError('a request of a channel costs something')
  const cumulative = account.charged + amount
  if (cumulative >= CHANNEL_AMOUNT_END) throw new RangeError('the escrow counts in 128 bits')
  if (cumulative <= account.deposited) return { kind: 'voucher', cumulative }
  return { kind: 'short', cumulative, missing: cumulative - account.deposited }
}

/** The account with this voucher signed. To be durable before the voucher leaves. @throws RangeError beyond the deposit. */
export function vouched(account: ChannelAccount, cumulative: bigint): ChannelAccount {
  return checkAccount({ ...account, signed: higher(account.signed, cumulative) })
}

/** The account after a deposit of this amount that the chain took. */
export function deposited(account: ChannelAccount, amount: bigint): ChannelAccount {
  return checkAccount({ ...account, deposited: account.deposited + amount })
}

/** What a server says that it charged for one request, and in all. */
export interface Charge {
  readonly amount: bigint
  readonly cumulative: bigint
}

/**
 * The account after a charge; undefined where it cannot be true: more than was vouched for, or another sum than ours.
 * @param voucher the cumulative amount of the voucher that it answers.
 */
export function chargedBy(account: ChannelAccount, charge: Charge, voucher: bigint): ChannelAccount | undefined {
  checkAccount(account)
  const { amount, cumulative } = charge
  if (amount < 0n || account.charged + amount !== cumulative) return undefined
  return cumulative <= voucher && voucher <= account.signed ? { ...account, charged: cumulative } : undefined
}

/**
 * What a step from one sum to another costs in millionths of the token's currency. Sums are rounded, steps are not: any
 * number of steps together costs what their end costs, rounded up once.
 */
export function stepPrice(asset: Asset, { from, to }: { readonly from: bigint; readonly to: bigint }): bigint {
  if (from < 0n || to < from) throw new RangeError('a channel’s sums only grow')
  return priceOf(to, asset) - priceOf(from, asset)
}

/** What nobody can claim by any voucher that was signed: to be asked back. */
export function unvouched({ deposited: all, signed }: ChannelAccount): bigint {
  return all - signed
}

export function higher(one: bigint, other: bigint): bigint {
  if (one > other) return one
  return other
}

function checkAccount(account: ChannelAccount): ChannelAccount {
  const { deposited: all, signed, charged } = account
  if (charged < 0n || charged > signed || signed > all || all >= CHANNEL_AMOUNT_END)
    throw new RangeError('the account of a channel does not add up')
  return account
}
