/**
 * What a server says of a request that a channel paid for. Its word moves the channel's account where it adds up with what
 * we signed, and nothing else; a 402 may correct the account where our own signature or the chain bears that out.
 */
import type { Answer } from '../../http.ts'
import type { Channel, ChannelNews, PendingVoucher } from '../../ledger/channels.ts'
import type { Payment, Reservation, Terms } from '../../ledger/ledger.ts'
import { formatAtomic } from '../../money.ts'
import type { Settlement } from '../../rails/rail.ts'
import { chainIdOf } from '../../rails/x402/assets.ts'
import { type ChannelAccount, chargedBy, nextVoucher } from '../../rails/x402/channels/account.ts'
import { corrected, readCorrection } from '../../rails/x402/channels/correction.ts'
import { type ChannelOffer, isChannelOffer } from '../../rails/x402/channels/offer.ts'
import { readStatement } from '../../rails/x402/channels/statement.ts'
import type { ChannelConfig, Hex } from '../../wallet/wallet.ts'
import type { Case } from '../case.ts'
import { accountOf } from './plan.ts'

/** Whether a payment on these terms is one through a channel. */
export function isThroughChannel(terms: Terms | undefined): terms is Terms & { readonly method: 'deposit' | 'voucher' } {
  return terms?.method === 'deposit' || terms?.method === 'voucher'
}

interface Sent {
  readonly channel: Channel
  readonly cumulative: bigint
  readonly deposit: bigint | undefined
}

interface Heard {
  readonly reservation: Reservation
  readonly terms: Terms
  readonly answer: Answer
}

/** The settlement that the answer claims, once the channel's account has it; undefined where it says nothing of the money. */
export async function heardOf(matter: Case, { reservation, terms, answer }: Heard): Promise<Settlement | undefined> {
  const { deps } = matter
  const sent = await sentBy(matter, reservation.paymentId)
  if (!sent) return undefined
  const { channel, cumulative, deposit } = sent
  const kind = deposit === undefined ? 'voucher' : 'deposit'
  const said = readStatement(answer, { channelId: channel.id as Hex, network: channel.network, kind })
  if (!said || said.kind === 'refunded') return undefined
  if (said.kind === 'unproven') return unproven(said.reason)
  const account = chargedBy(vouchedBy(sent), said.charge, cumulative)
  if (!account) {
    deps.events.warned(`Payment ${reservation.paymentId}: what the server says it charged does not add up with what was signed.`)
    return unproven('What the server says it charged does not add up with what was signed.')
  }
  if (!(await told(matter, sent, { ...newsOf(sent, account), over: reservation.paymentId })))
    return unproven('The channel’s account was changed by another process meanwhile.')
  await passOver(matter, sent, reservation.paymentId)
  const show = (atomic: bigint) => `${formatAtomic(atomic, terms.asset.decimals)} ${terms.asset.symbol}`
  const reason = `The server charged ${show(said.charge.amount)} to channel ${channel.id}, ${show(account.charged)} in all of ${show(account.deposited)}.`
  return { kind: 'claimed', transaction: said.transaction, network: channel.network, reason }
}

/** The account as of the moment in which this was sent: with its deposit, and its own voucher. */
function vouchedBy({ channel, cumulative, deposit = 0n }: Sent): ChannelAccount {
  const { deposited, charged } = accountOf(channel)
  return { deposited: deposited + deposit, signed: cumulative > charged ? cumulative : charged, charged }
}

function newsOf({ deposit }: Sent, { deposited, charged }: ChannelAccount): ChannelNews {
  return { charged, ...(deposit !== undefined && { deposited, state: 'open' as const }) }
}

async function sentBy({ deps }: Case, paymentId: string): Promise<Sent | undefined> {
  const { channels } = deps.ledger
  const voucher = await channels.voucher(paymentId)
  const channel = voucher && (await channels.channel(voucher.channelId))
  if (!voucher || !channel) return undefined
  const { pending } = channel
  const own = pending?.paymentId === paymentId ? pending : undefined
  return { channel, cumulative: voucher.cumulative, deposit: own?.deposit ?? undefined }
}

/** Undefined where somebody else changed the account: what is written down stays as it is. */
async function told({ deps }: Case, { channel }: Sent, news: ChannelNews): Promise<Channel | undefined> {
  return deps.ledger.channels.tell(channel.id, channel.version, news)
}

/**
 * The voucher before this one, whose answer was lost: this one went on from the same sum, so it was not charged; and where
 * this one's sum is no less, it lets nobody claim anything either.
 */
async function passOver({ deps, through }: Case, { channel, cumulative }: Sent, paymentId: string): Promise<void> {
  const lost: PendingVoucher | null | undefined = through?.channel?.pending
  if (!lost || lost.paymentId === paymentId || lost.deposit !== null || lost.base !== channel.charged) return
  if (cumulative < lost.cumulative) return
  const before = await deps.ledger.payment(lost.paymentId)
  if (!before || !isUndecided(before)) return
  const reason = 'The channel went on from the sum before it, so that it was never charged.'
  await deps.ledger.resolve(before.id, { kind: 'dead', evidence: 'confirmed', block: null, reason })
}

function isUndecided({ state, terms }: Payment): boolean {
  return terms?.method === 'voucher' && (state === 'unknown' || state === 'sent' || state === 'signed')
}

/**
 * What a 402 to a voucher says of the account, where it can be believed. True: this request was not charged, its payment
 * is void, and the next voucher is another one, so that the purchase is to be decided anew.
 */
export async function corrects(
  matter: Case,
  { reservation, terms, answer }: Omit<Heard, 'terms'> & { readonly terms: Terms | undefined },
): Promise<boolean> {
  if (answer.status !== 402 || !isThroughChannel(terms)) return false
  const sent = await sentBy(matter, reservation.paymentId)
  const offer = sent && offerIn(matter, sent, answer)
  if (!sent || !offer || sent.deposit !== undefined) return false
  const account = await correctedAccount(matter, sent, offer)
  if (!account) {
    matter.deps.events.warned(`Channel ${sent.channel.id}: its server counts otherwise than we signed. It is closed.`)
    await told(matter, sent, { state: 'closing' })
    return false
  }
  const before = accountOf(sent.channel)
  if (account.charged === before.charged && account.deposited === before.deposited) return false
  if (nextVoucher(account, offer.amount).cumulative === sent.cumulative) return false
  if (!(await told(matter, sent, { ...account, over: reservation.paymentId }))) return false
  await reservation.void({ kind: 'not_charged', reason: 'The server counts otherwise, and was right.', code: 'payment_rejected' })
  return true
}

/** The offer of the second 402 that is of this very channel. */
function offerIn({ rail, request }: Case, { channel }: Sent, answer: Answer): ChannelOffer | undefined {
  const detected = rail.detect(answer, undefined, request.headers)
  if (detected?.kind !== 'challenge') return undefined
  return detected.challenge.offers
    .filter(isChannelOffer)
    .find(({ network, asset, payTo, channel: terms }) =>
      [
        network === channel.network,
        asset.address === channel.asset,
        payTo === channel.receiver,
        terms.receiverAuthorizer === channel.receiverAuthorizer,
      ].every(Boolean),
    )
}

async function correctedAccount({ deps }: Case, { channel }: Sent, offer: ChannelOffer): Promise<ChannelAccount | undefined> {
  const chainId = chainIdOf(channel.network)
  if (chainId === undefined) return undefined
  const config = configOf(channel)
  const chain = await deps.channels?.onChain(channel.network, config)
  const disputed = { account: accountOf(channel), channel: config, chainId, chain }
  const correction = readCorrection(offer, disputed)
  // Without a word on the account nothing is known to be wrong with it.
  return correction ? corrected(disputed, correction) : disputed.account
}

/** As the escrow knows it. */
export function configOf(channel: Channel): ChannelConfig {
  const { payer, receiver, receiverAuthorizer, asset, withdrawDelay_s, salt } = channel
  return {
    ...{ payer: payer as Hex, payerAuthorizer: payer as Hex, receiver: receiver as Hex },
    ...{ receiverAuthorizer: receiverAuthorizer as Hex, token: asset as Hex, withdrawDelay: withdrawDelay_s, salt: salt as Hex },
  }
}

function unproven(reason: string): Settlement {
  return { kind: 'unproven', transaction: undefined, network: undefined, reason }
}
