/**
 * Asking the receiver of a channel to give back what it did not charge: the resource's own URL, with a voucher of what was
 * charged. What it says came of it is a claim; the chain shows whether it is so. Where it counts otherwise than we do, it
 * is believed as far as our own signature or the chain bears it out, and asked once more.
 */
import { isDeepStrictEqual } from 'node:util'
import type { EscrowSighting } from '../../chain/chain.ts'
import { ASK_BACK_TIMEOUT_MS, MAX_WITHDRAW_DELAY_S } from '../../channel-limits.ts'
import type { Refusal } from '../../errors.ts'
import { type Head, headerValues, type RawHeaders } from '../../http.ts'
import type { Channel } from '../../ledger/channels.ts'
import { least } from '../../money.ts'
import { chainIdOf, type Registry } from '../../rails/x402/assets.ts'
import { readHeader } from '../../rails/x402/challenge.ts'
import { corrected, readCorrection } from '../../rails/x402/channels/correction.ts'
import { type ChannelOffer, channelOf, readChannelOffer } from '../../rails/x402/channels/offer.ts'
import { readStatement } from '../../rails/x402/channels/statement.ts'
import type { Session } from '../../session/session.ts'
import type { ChannelConfig, ChannelWallet } from '../../wallet/wallet.ts'
import { configOf } from './heard.ts'

export type AskOut = (
  session: Session,
  request: { readonly url: string; readonly method: string; readonly set?: RawHeaders },
  signal: AbortSignal,
) => Promise<{ readonly kind: 'answer'; readonly answer: Head } | { readonly kind: 'failed'; readonly refusal: Refusal }>

export interface AskBackDeps {
  readonly ask: AskOut
  readonly registry: Registry
  /** The payer's. */
  readonly wallet: Pick<ChannelWallet, 'signVoucher'>
}

export interface Asking {
  readonly session: Session
  readonly channel: Channel
  readonly sighting: EscrowSighting
}

export type AskedBack =
  /** So it says. `charged`: what it counts, as far as it is borne out. */
  | { readonly kind: 'given'; readonly transaction: string; readonly charged: bigint; readonly signed: bigint }
  /** In our own words, for people. */
  | { readonly kind: 'refused'; readonly reason: string }

/** At most so many requests with a voucher: one, and one more after a correction. */
const ATTEMPTS = 2

export async function askBack(deps: AskBackDeps, asking: Asking): Promise<AskedBack> {
  const unpaid = await askOnce(deps, asking)
  if ('reason' in unpaid) return refusedFor(unpaid.reason)
  const offer = offerIn(unpaid, asking, deps.registry)
  if (!offer) return refusedFor('The receiver does not offer this channel any more.')
  let { charged, signed } = asking.channel
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const said = await askOnce(deps, asking, await refundHeaders(deps, asking, { offer, charged }))
    if ('reason' in said) return refusedFor(said.reason)
    const { id, network } = asking.channel
    const statement = readStatement(said, { channelId: hex(id), network, kind: 'refund' })
    if (statement?.kind === 'refunded') return { kind: 'given', transaction: statement.transaction, charged, signed }
    const account = await correctedBy(said, asking, deps.registry)
    if (!account || account.charged === charged) return refusedFor(`The receiver answered ${said.status} and gives nothing back.`)
    ;({ charged, signed } = account)
  }
  return refusedFor('The receiver counts otherwise each time that it is asked.')
}

async function askOnce({ ask }: AskBackDeps, { session, channel }: Asking, set?: RawHeaders): Promise<Head | { reason: string }> {
  const asked = await ask(session, { url: channel.url, method: 'GET', ...(set && { set }) }, AbortSignal.timeout(ASK_BACK_TIMEOUT_MS))
  return asked.kind === 'answer' ? asked.answer : { reason: asked.refusal.detail }
}

/** Of the offers in a 402 the one that is of this very channel; vetted like any other. */
function offerIn({ status, headers }: Head, { channel }: Pick<Asking, 'channel'>, registry: Registry): ChannelOffer | undefined {
  const read = readHeader(headerValues(headers, 'payment-required'))
  if (status !== 402 || read.kind !== 'envelope') return undefined
  const { version, entries } = read.envelope
  const config = configOf(channel)
  // The channel has this delay, whatever the operator allows by now.
  const bounds = { maxWithdrawDelay_s: MAX_WITHDRAW_DELAY_S }
  return entries
    .flatMap((entry, index) => {
      const offer = readChannelOffer(entry, { index, version }, registry, bounds)
      return 'code' in offer ? [] : [offer]
    })
    .find((offer) => offer.network === channel.network && isDeepStrictEqual(channelOf({ offer, ...config }), config))
}

/** A voucher of what was charged lets the receiver claim nothing that it could not claim before. */
async function refundHeaders(
  { wallet }: AskBackDeps,
  { channel, session }: Asking,
  { offer, charged }: { readonly offer: ChannelOffer; readonly charged: bigint },
): Promise<RawHeaders> {
  const config = configOf(channel)
  const message = { kind: 'refund', channel: config, chainId: chainOf(channel), cumulative: charged } as const
  const payer = { address: async () => config.payer, signVoucher: wallet.signVoucher, signDeposit: neverDeposits }
  // Much that a start can do without.
  const { payThroughChannel } = await import('../../rails/x402/channels/payment.ts')
  return (await payThroughChannel({ offer, message, walletName: session.wallet }, payer)).headers
}

function neverDeposits(): Promise<never> {
  return Promise.reject(new Error('a channel that closes takes no deposit'))
}

async function correctedBy(said: Head, { channel, sighting }: Asking, registry: Registry) {
  const offer = offerIn(said, { channel }, registry)
  const { deposited, signed, charged } = channel
  // What was signed beyond what is there is worth nothing.
  const account = { deposited, charged, signed: least(signed, deposited, sighting.balance) }
  const disputed = { account, channel: configOf(channel), chainId: chainOf(channel), chain: sighting }
  const correction = offer && readCorrection(offer, disputed)
  return correction && corrected(disputed, correction)
}

function chainOf({ network }: Channel): number {
  const chainId = chainIdOf(network)
  if (chainId === undefined) throw new Error(`${network} has no payment channels`)
  return chainId
}

function refusedFor(reason: string): AskedBack {
  return { kind: 'refused', reason }
}

function hex(id: string): ChannelConfig['salt'] {
  return id as ChannelConfig['salt']
}
