/**
 * Planning: how the next request is paid through its recipient's channel. Where the deposit covers it, a voucher, which
 * costs what its step of the channel's sum costs; else a deposit, as large as the operator's bounds and the session's allow,
 * which is decided, reserved and paid as the whole amount that it is.
 */
import type { Refusal } from '../../errors.ts'
import { bucketsOf } from '../../ledger/buckets.ts'
import type { Channel, ChannelKey } from '../../ledger/channels.ts'
import type { Payment } from '../../ledger/ledger.ts'
import { formatAtomic, least, priceOf } from '../../money.ts'
import type { Quote } from '../../rails/quote.ts'
import { type ChannelAccount, nextVoucher, stepPrice } from '../../rails/x402/channels/account.ts'
import { type DepositBounds, decideDeposit } from '../../rails/x402/channels/deposit.ts'
import { type ChannelOffer, isChannelOffer } from '../../rails/x402/channels/offer.ts'
import { remainingOf, type Session } from '../../session/session.ts'
import { lineageOf } from '../bars.ts'
import type { Case } from '../case.ts'
import { placeOf } from '../place.ts'

/** In millionths of the session's currency. */
export type OperatorBounds = Pick<DepositBounds, 'deposit' | 'maxDeposit'>

/** How a request goes through a channel, as planned on an account that may have changed since. */
export interface Through {
  /** The challenge's own. */
  readonly offer: ChannelOffer
  /** As it was read; undefined where it is to be opened. */
  readonly channel: Channel | undefined
  readonly cumulative: bigint
  /** What is deposited for it, atomic units; undefined where a voucher is enough. */
  readonly deposit: bigint | undefined
  /** What the request itself costs, in millionths. */
  readonly counts: bigint
}

export interface Planned {
  readonly matter: Case
  readonly quote: Quote
}

/** The offer of the challenge that this quote is for, where it is paid through a channel. */
export function channelOfferIn({ challenge, offer: { index } }: Quote): ChannelOffer | undefined {
  const offer = challenge.offers.find((one) => one.index === index)
  return offer && isChannelOffer(offer) ? offer : undefined
}

export function keyOf(session: Session, offer: ChannelOffer): ChannelKey {
  const { network, asset, payTo, channel } = offer
  const { receiverAuthorizer, withdrawDelay_s } = channel
  return { sessionId: session.id, network, asset: asset.address, receiver: payTo, receiverAuthorizer, withdrawDelay_s }
}

/** The quote as it is paid now: with what a deposit or a voucher moves. What goes through no channel stays as it is. */
export async function plan(matter: Case, quote: Quote): Promise<Planned | Refusal> {
  const { channels, ledger } = matter.deps
  const offer = channelOfferIn(quote)
  if (!offer) return { matter, quote }
  if (!channels) return { code: 'scheme_not_supported', detail: 'Nothing is paid through channels here. Nothing was paid.' }
  const found = await ledger.channels.current(keyOf(matter.request.session, offer))
  const channel = found && (await withItsDeposit(matter, found))
  if (channel && 'code' in channel) return channel
  const account = accountOf(channel)
  const next = nextVoucher(account, offer.amount)
  const counts = stepPrice(offer.asset, { from: account.charged, to: next.cumulative })
  const through = { offer, channel, cumulative: next.cumulative, counts }
  if (next.kind === 'voucher') return planned(matter, quote, { ...through, deposit: undefined })
  const wish = { asset: offer.asset, deposited: account.deposited, missing: next.missing }
  const decision = decideDeposit(wish, await boundsFor(matter, { offer, bounds: channels.bounds, deposited: account.deposited }))
  if (decision.kind === 'refused') return { ...decision.refusal, amount: counts, currency: quote.currency }
  return planned(matter, quote, { ...through, deposit: decision.amountAtomic }, decision.price)
}

function planned(matter: Case, quote: Quote, through: Through, price = through.counts): Planned {
  const { offer, deposit } = through
  const moved = deposit === undefined ? { method: 'voucher' as const } : { method: 'deposit' as const, amount: deposit }
  const priced = { ...quote, offer: { ...offer, ...moved }, amount: price, price: through.counts }
  return { matter: { ...matter, through }, quote: priced }
}

/** A voucher beyond what was deposited is worth nothing, and nothing goes on from it. */
export function accountOf(channel: Channel | undefined): ChannelAccount {
  if (!channel) return { deposited: 0n, signed: 0n, charged: 0n }
  const { deposited, signed, charged } = channel
  return { deposited, signed: least(signed, deposited), charged }
}

/** What became of a deposit that was under way when the channel was last looked at. */
async function withItsDeposit({ deps }: Case, channel: Channel): Promise<Channel | Refusal> {
  const { ledger } = deps
  if (channel.state === 'closing') return CLOSING
  const { pending } = channel
  if (pending?.deposit == null) return channel
  const payment = await ledger.payment(pending.paymentId)
  const known = payment && isOpen(payment) ? await deps.settleNow(payment) : payment
  if (known && isOpen(known)) return underWay(known, pending.deposit)
  const deposited = known?.state === 'settled' ? channel.deposited + pending.deposit : channel.deposited
  const news = { over: pending.paymentId, ...(known?.state === 'settled' && { deposited, state: 'open' as const }) }
  return (await ledger.channels.tell(channel.id, channel.version, news)) ?? ELSEWHERE
}

const OPEN: ReadonlySet<Payment['state']> = new Set(['reserved', 'signed', 'sent', 'unknown'])

function isOpen({ state }: Payment): boolean {
  return OPEN.has(state)
}

function underWay({ id, terms }: Payment, deposit: bigint): Refusal {
  const shown = terms ? `${formatAtomic(deposit, terms.asset.decimals)} ${terms.asset.symbol}` : 'money'
  return {
    code: 'purchase_in_progress',
    detail: `The deposit of ${shown} into the recipient’s channel (payment ${id}) may still be taken; until that is known nothing more is paid there.`,
    retryAfter_s: 5,
  }
}

/** Another process has the channel in hand. */
export const ELSEWHERE: Refusal = {
  code: 'purchase_in_progress',
  detail: 'Another request is being paid through the same channel right now. Nothing was paid for this one.',
  retryAfter_s: 1,
}

const CLOSING: Refusal = {
  code: 'purchase_in_progress',
  detail: 'The channel to this recipient is being closed; a new one is opened when its rest has come back. Nothing was paid.',
  retryAfter_s: 60,
}

/** A deposit is bounded by all that a payment of its amount would be bounded by, so that it is cut instead of refused. */
async function boundsFor(
  { deps, request }: Case,
  { offer, bounds, deposited }: { readonly offer: ChannelOffer; readonly bounds: OperatorBounds; readonly deposited: bigint },
): Promise<DepositBounds> {
  const { session, hints, url } = request
  const line = await lineageOf(deps.ledger, (await deps.ledger.session(session.id)) ?? session)
  const { origin, host } = placeOf(url)
  const counted = { origin, host, tool: null, user: null, categories: [], terms: { payTo: offer.payTo } }
  const recipient = line.flatMap(({ limits }) =>
    bucketsOf(limits, counted).flatMap(({ code, max }) => (code === 'recipient_limit_exceeded' ? [max ?? 0n] : [])),
  )
  const [first, ...others] = recipient
  const remaining = least(remainingOf(line[0] ?? session), ...line.map(remainingOf))
  const maxDeposit = least(bounds.maxDeposit, hints.maxAmount, ...line.map(({ limits }) => limits.perPayment))
  if (first === undefined) return { ...bounds, maxDeposit, remaining }
  const [most, inChannel] = [least(first, ...others), priceOf(deposited, offer.asset)]
  return { ...bounds, maxDeposit, remaining, recipientLeft: most > inChannel ? most - inChannel : 0n }
}
