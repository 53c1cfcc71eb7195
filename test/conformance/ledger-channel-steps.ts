/** What the tests of channels share: a channel as its rail opens it, and each step of what is bought through it. */
import type { Channel, NewChannel, Vouching } from '../../src/ledger/channels.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { authorizationFor, CLAIMED, NETWORK, OTHER_PAY_TO, termsOf, usd } from '../ledger/fixtures.ts'
import type { Bench } from './ledger.ts'

export const DEPOSIT = { scheme: 'batch-settlement', method: 'deposit' } as const
export const VOUCHER = { scheme: 'batch-settlement', method: 'voucher' } as const
export const NOT_CHARGED = { kind: 'not_charged', reason: 'A correction shows that it was not charged.', code: 'payment_rejected' } as const

export const hex = (seed: string): string => `0x${Buffer.from(seed).toString('hex').padStart(64, '0').slice(-64)}`

/** A channel of this session as its rail would open it. */
export function newChannel(bench: Bench, sessionId: string, changes: Partial<NewChannel> = {}): NewChannel {
  const { asset, payTo, payer } = termsOf(1n)
  return {
    ...{ sessionId, network: NETWORK, asset: asset.address, receiver: payTo, receiverAuthorizer: OTHER_PAY_TO, withdrawDelay_s: 900 },
    ...{ id: hex(bench.ids('chn')), salt: hex(bench.ids('slt')), payer, url: 'https://api.example.com/data', offer: '{}' },
    ...{ decimals: 6, currency: 'USD' },
    ...changes,
  }
}

/** What a request of a channel needs; $1 each, and a deposit of $5, unless told otherwise. */
export function channelSteps(bench: () => Bench) {
  const counts = usd(1)
  const deposit = (session: string, amount = usd(5), changes = {}) => ({
    ...bench().make.request(session, amount, { terms: DEPOSIT, ...changes }),
    counts,
  })
  const voucher = (session: string, amount = counts, changes = {}) => bench().make.request(session, amount, { terms: VOUCHER, ...changes })
  const present = (value: Channel | undefined): Channel => {
    if (!value) throw new Error('the channel had changed')
    return value
  }
  const vouch = async (channel: Channel, vouching: Omit<Vouching, 'version'>) =>
    present(await bench().ledger.channels.vouch(channel.id, { version: channel.version, ...vouching }))
  const tell = async (channel: Channel, news: Parameters<Ledger['channels']['tell']>[2]) =>
    present(await bench().ledger.channels.tell(channel.id, channel.version, news))
  /** Opens a channel with its first request, paid for and told of. */
  const opened = async (sessionId: string, amount = usd(5), changes: Partial<NewChannel> = {}) => {
    const request = deposit(sessionId, amount)
    const reservation = await bench().reserve(request)
    const fresh = await bench().ledger.channels.open(newChannel(bench(), sessionId, changes))
    const pending = await vouch(fresh, { paymentId: request.paymentId, cumulative: counts, deposit: amount })
    await reservation.record(authorizationFor(request))
    await reservation.post(CLAIMED)
    const channel = await tell(pending, { state: 'open', deposited: amount, charged: counts, over: request.paymentId })
    return { channel, paymentId: request.paymentId }
  }
  /** Buys once more: reserved, vouched for, signed; what comes then is the test's affair. */
  const bought = async (channel: Channel, amount = counts) => {
    const request = voucher(channel.sessionId, amount)
    const reservation = await bench().reserve(request)
    const pending = await vouch(channel, { paymentId: request.paymentId, cumulative: channel.charged + amount })
    await reservation.record(authorizationFor(request))
    return { channel: pending, reservation, paymentId: request.paymentId }
  }
  /** As `bought`, and the server says that it charged it. */
  const charged = async (channel: Channel, amount = counts) => {
    const { channel: pending, reservation, paymentId } = await bought(channel, amount)
    await reservation.post(CLAIMED)
    return tell(pending, { charged: channel.charged + amount, over: paymentId })
  }
  const claimOne = async (ledger = bench().ledger) => present((await ledger.channels.claimClosing(9))[0])
  const end = (channel: Channel, returned: bigint) =>
    bench().ledger.channels.close(channel.id, { version: channel.version, returned, transaction: '0xend', block: 7n })
  const current = async (channel: Channel) => present(await bench().ledger.channels.channel(channel.id))
  return { counts, deposit, voucher, vouch, tell, opened, bought, charged, current, claimOne, end }
}
