import { describe, expect, it } from 'vitest'
import type { Channel } from '../../../src/ledger/channels.ts'
import type { SendResult } from '../../../src/session/exchange.ts'
import { type Rig, startRig, URL_ASKED } from '../rig.ts'
import { asksByChannel, type Brought, brought, charges, correction, LOST, PRICE, rejects } from './till.ts'

const BOUNDS = { deposit: 20_000n, maxDeposit: 100_000n }

function open(options: Parameters<typeof startRig>[0] = {}) {
  return startRig({ channels: BOUNDS, ...options })
}

/** Buys `n`, and gives back what came of it and what the server was brought. */
async function buy(rig: Rig, n: number, says: (what: Brought) => SendResult, changes: Record<string, unknown> = {}) {
  const seen: Brought[] = []
  const upstream = (headers: Parameters<typeof brought>[0]) => {
    const what = brought(headers)
    seen.push(what)
    return says(what)
  }
  const outcome = await rig.pay(upstream, { request: rig.request({ url: `${URL_ASKED}?n=${n}` }), unpaid: asksByChannel({}, changes) })
  if (outcome.kind === 'answer') await outcome.delivered({ status: 200, bytes: 5, complete: true })
  return { outcome, seen }
}

const honest = (what: Brought) => charges(what, PRICE, what.cumulative)

async function channelOf(rig: Rig): Promise<Channel> {
  const [channel] = (await rig.ledger.channels.channels({}, { limit: 1 })).items
  if (!channel) throw new Error('no channel')
  return channel
}

async function states(rig: Rig) {
  const { items } = await rig.ledger.payments({ session: rig.session.id }, { limit: 100 })
  return items.toReversed().map(({ terms, state }) => [terms?.method, state])
}

describe('what a server says it charged', () => {
  it('moves the account where it adds up with what was signed', async () => {
    await using rig = await open()
    await buy(rig, 1, honest)
    await buy(rig, 2, honest)
    expect(await channelOf(rig)).toMatchObject({ state: 'open', deposited: 20_000n, signed: 2_000n, charged: 2_000n, pending: null })
  })

  it('may be less than was vouched for', async () => {
    await using rig = await open()
    await buy(rig, 1, (what) => charges(what, 400n, 400n))
    const { seen } = await buy(rig, 2, honest)
    expect(seen).toMatchObject([{ kind: 'voucher', cumulative: 1_400n }])
    expect(await channelOf(rig)).toMatchObject({ signed: 1_400n, charged: 1_400n })
  })

  it.each([
    ['more than was vouched for', (what: Brought) => charges(what, PRICE + 1n, what.cumulative + 1n)],
    ['another sum than ours', (what: Brought) => charges(what, PRICE, what.cumulative + 5n)],
    ['nothing', () => ({ ...LOST })],
    ['another channel', (what: Brought) => charges({ ...what, channelId: `0x${'77'.repeat(32)}` }, PRICE, what.cumulative)],
  ])('moves nothing where it is %s: the payment stays unknown', async (_, says) => {
    await using rig = await open()
    await buy(rig, 1, honest)
    await buy(rig, 2, says)
    expect(await states(rig)).toEqual([
      ['deposit', 'settled'],
      ['voucher', 'unknown'],
    ])
    expect(await channelOf(rig)).toMatchObject({ charged: 1_000n, signed: 2_000n, pending: { cumulative: 2_000n } })
  })
})

describe('a lost answer', () => {
  it('G3: is asked for again with the same voucher', async () => {
    await using rig = await open()
    await buy(rig, 1, honest)
    const lost = await buy(rig, 2, () => LOST)
    const again = await buy(rig, 2, honest)
    expect(again.seen).toEqual(lost.seen)
    expect(await channelOf(rig)).toMatchObject({ charged: 2_000n, pending: null })
  })

  it('was not charged where the next request goes on from the same sum', async () => {
    await using rig = await open()
    await buy(rig, 1, honest)
    await buy(rig, 2, () => LOST)
    await buy(rig, 3, honest)
    expect(await states(rig)).toEqual([
      ['deposit', 'settled'],
      ['voucher', 'void'],
      ['voucher', 'settled'],
    ])
  })

  it('stays unknown where the next one is cheaper: its voucher is the higher one, and may still be claimed', async () => {
    await using rig = await open()
    await buy(rig, 1, honest)
    await buy(rig, 2, () => LOST)
    await buy(rig, 3, (what) => charges(what, 400n, what.cumulative), { amount: '400' })
    expect((await states(rig)).map(([, state]) => state)).toEqual(['settled', 'unknown', 'settled'])
    expect(await channelOf(rig)).toMatchObject({ charged: 1_400n, signed: 2_000n })
  })

  it('was charged where the server says so with our own signature: the next request is paid by another voucher, once', async () => {
    await using rig = await open()
    await buy(rig, 1, honest)
    const [lost] = (await buy(rig, 2, () => LOST)).seen
    if (!lost) throw new Error('nothing was sent')
    const { outcome, seen } = await buy(rig, 3, (what) => (what.cumulative === 2_000n ? rejects(correction(2_000n, lost)) : honest(what)))
    expect(outcome.kind).toBe('answer')
    expect(seen.map(({ cumulative }) => cumulative)).toEqual([2_000n, 3_000n])
    expect(await channelOf(rig)).toMatchObject({ state: 'open', signed: 3_000n, charged: 3_000n, pending: null })
    expect((await states(rig)).map(([, state]) => state)).toEqual(['settled', 'unknown', 'void', 'settled'])
  })
})

describe('a correction', () => {
  const forged = { cumulative: 9_000n, signature: `0x${'11'.repeat(65)}` }

  it('that no signature of ours bears out is not taken: the channel is paid through no more', async () => {
    await using rig = await open()
    await buy(rig, 1, honest)
    const { outcome, seen } = await buy(rig, 2, (what) => rejects(correction(9_000n, { ...what, ...forged })))
    expect(outcome).toMatchObject({ kind: 'refuse', refusal: { code: 'payment_rejected' } })
    expect(seen).toHaveLength(1)
    expect(await channelOf(rig)).toMatchObject({ state: 'closing', charged: 1_000n })
    expect((await buy(rig, 3, honest)).seen).toEqual([])
  })

  it('below what the chain shows to be claimed is not taken', async () => {
    await using rig = await open({ channels: { ...BOUNDS, onChain: async () => ({ balance: 20_000n, claimed: 1_000n }) } })
    await buy(rig, 1, honest)
    await buy(rig, 2, (what) => rejects(correction(500n, what)))
    expect(await channelOf(rig)).toMatchObject({ state: 'closing' })
  })

  it('that says what we say changes nothing, and is not asked again and again', async () => {
    await using rig = await open()
    await buy(rig, 1, honest)
    const { outcome, seen } = await buy(rig, 2, (what) => rejects(correction(1_000n, what)))
    expect(outcome).toMatchObject({ kind: 'refuse', refusal: { code: 'payment_rejected' } })
    expect(seen).toHaveLength(1)
    expect(await channelOf(rig)).toMatchObject({ state: 'open', charged: 1_000n })
  })
})
