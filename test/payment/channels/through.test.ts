/** Payments through a channel, decided and signed by the real flow, with the official server and facilitator on the local chain. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Channel } from '../../../src/ledger/channels.ts'
import type { PaymentOutcome } from '../../../src/session/exchange.ts'
import { readChannel } from '../../testnet/channel-reader.ts'
import { CHANNEL_PRICE } from '../../testnet/channels.ts'
import { type Rig, URL_ASKED } from '../rig.ts'
import { BOUNDS, type Seller, startSeller } from './seller.ts'

let seller: Seller
beforeAll(async () => {
  seller = await startSeller()
})
afterAll(() => seller?.[Symbol.asyncDispose]())

async function buy(rig: Rig, n: number): Promise<PaymentOutcome> {
  const outcome = await rig.pay(seller.upstream, { request: rig.request({ url: `${URL_ASKED}?n=${n}` }), unpaid: await seller.ask() })
  if (outcome.kind === 'answer') await outcome.delivered({ status: 200, bytes: 5, complete: true })
  return outcome
}

async function onlyChannel(rig: Rig): Promise<Channel> {
  const { items } = await rig.ledger.channels.channels({ session: rig.session.id }, { limit: 10 })
  const [channel] = items
  if (!channel || items.length > 1) throw new Error(`${items.length} channels`)
  return channel
}

async function payments(rig: Rig) {
  const { items } = await rig.ledger.payments({ session: rig.session.id }, { limit: 100 })
  return items.toReversed()
}

describe('a session that pays through a channel', () => {
  it('G1: deposits once, streams vouchers, and its budget holds the deposit alone', async () => {
    await using rig = await seller.rig()
    const before = seller.settlements()
    for (let n = 0; n < 5; n++) expect((await buy(rig, n)).kind).toBe('answer')
    expect(seller.settlements() - before).toBe(1)
    expect((await payments(rig)).map(({ terms, state }) => [terms?.method, terms?.amountAtomic, state])).toEqual([
      ['deposit', BOUNDS.deposit, 'settled'],
      ...Array.from({ length: 4 }, () => ['voucher', CHANNEL_PRICE, 'settled']),
    ])
    expect(await rig.balance()).toMatchObject({ spent: BOUNDS.deposit, held: 0n })
    const channel = await onlyChannel(rig)
    expect(channel).toMatchObject({
      state: 'open',
      deposited: BOUNDS.deposit,
      signed: 5n * CHANNEL_PRICE,
      charged: 5n * CHANNEL_PRICE,
      pending: null,
    })
    expect(await readChannel(seller.chain, channel.id as `0x${string}`)).toMatchObject({ balance: BOUNDS.deposit, claimed: 0n })
  })

  it('deposits again where the channel is used up, and never more than the operator lets lie in it', async () => {
    await using rig = await seller.rig({ channels: { deposit: 2_000n, maxDeposit: 5_000n } })
    for (let n = 0; n < 5; n++) expect((await buy(rig, n)).kind).toBe('answer')
    expect(await buy(rig, 5)).toMatchObject({ kind: 'refuse', refusal: { code: 'per_payment_limit_exceeded' } })
    expect((await payments(rig)).flatMap(({ terms }) => (terms?.method === 'deposit' ? [terms.amountAtomic] : []))).toEqual([
      2_000n,
      2_000n,
      1_000n,
    ])
    expect(await rig.balance()).toMatchObject({ spent: 5_000n })
  })

  it('G1: deposits no more than the session has left, and vouchers go on when it has nothing left', async () => {
    await using rig = await seller.rig({ session: { cap: 3_000n } })
    for (let n = 0; n < 3; n++) expect((await buy(rig, n)).kind).toBe('answer')
    expect(await rig.balance()).toMatchObject({ spent: 3_000n, held: 0n })
    expect(await buy(rig, 3)).toMatchObject({ kind: 'refuse', refusal: { code: 'spending_limit_exceeded' } })
  })

  it('counts a limit by what each request costs, not by the deposit', async () => {
    await using rig = await seller.rig({ session: { limits: { perRecipient: { '*': 3_000n } } } })
    for (let n = 0; n < 3; n++) expect((await buy(rig, n)).kind).toBe('answer')
    expect(await buy(rig, 3)).toMatchObject({ kind: 'refuse', refusal: { code: 'recipient_limit_exceeded' } })
    expect(await rig.balance()).toMatchObject({ spent: 3_000n })
  })

  it('G3: requests at once go through it one after the other, each paid once', async () => {
    await using rig = await seller.rig()
    const outcomes = await Promise.all(Array.from({ length: 12 }, (_, n) => buy(rig, n)))
    expect(outcomes.every(({ kind }) => kind === 'answer')).toBe(true)
    expect(await onlyChannel(rig)).toMatchObject({ deposited: BOUNDS.deposit, charged: 12n * CHANNEL_PRICE })
  })

  it('pays nothing through channels where the policy prohibits the payment', async () => {
    await using rig = await seller.rig({ policy: { tiers: [] } })
    expect((await buy(rig, 0)).kind).toBe('refuse')
    expect((await rig.ledger.channels.channels({}, { limit: 10 })).items).toEqual([])
  })
})
