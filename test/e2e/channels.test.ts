/**
 * Many payments, one settlement: the whole program against official sellers by channel on a real chain. What a session
 * spent is in the end what left its wallet for the escrow and did not come back.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { sumOf } from '../testnet/channel-history.ts'
import type { Catalogue } from '../testnet/channels.ts'
import { buy, type ChannelRig, close, expectEqualBooks, shopperOf, shown, startChannelRig, usd } from './channel-rig.ts'
import type { OpenSession } from './purser.ts'

/** Requests by the hundred, on a machine that may have much else to do. */
const LONG_MS = 240_000
const TICK = { prices: { '/tick': '0.001' } }

describe('one channel', () => {
  let rig: ChannelRig
  beforeAll(async () => {
    rig = await startChannelRig()
  })
  afterAll(() => rig?.[Symbol.asyncDispose]())

  it(
    'G1: a thousand micropayments are two transactions on the chain, and the ledger equals the chain to the unit',
    async () => {
      const { purser, world } = rig
      const seller = await world.open(TICK)
      const session = await purser.openSession({ cap: '5.00' })
      const shopper = shopperOf(purser, session)
      for (let i = 0; i < 1_000; i += 1) expect(await buy(shopper, seller)).toMatchObject({ kind: 'goods' })
      expect(await shown(purser, session)).toMatchObject({ spent: '2.00', held: '0.00', payments: 1_000 })
      const end = await close(purser, session)
      const [channel, ...others] = await rig.history()
      expect(others).toEqual([])
      expect(channel).toMatchObject({ deposited: 2_000_000n, claimed: 1_000_000n, returned: 1_000_000n, withdrawals: 0 })
      expect(channel?.transactions).toHaveLength(2)
      expect(end).toMatchObject({ spent: '1.00', held: '0.00', remaining: '4.00', payments: 1_000 })
      expect(seller.served()).toBe(1_000)
      await seller.manager.settle()
      expect(await world.chain.balanceOf(seller.merchant)).toBe(1_000_000n)
      expect(await purser.admin('/v1/receipts/verify')).toMatchObject({ ok: true })
    },
    LONG_MS,
  )

  it('G1: requests that come at once go one after the other, and none is charged twice', async () => {
    const { purser, world } = rig
    const seller = await world.open(TICK)
    const session = await purser.openSession({ cap: '5.00' })
    const shopper = shopperOf(purser, session)
    const before = (await rig.history()).length
    const got = await Promise.all(Array.from({ length: 40 }, () => buy(shopper, seller)))
    expect(got.filter(({ kind }) => kind !== 'goods')).toEqual([])
    const end = await close(purser, session)
    const channels = (await rig.history()).slice(before)
    expect(channels).toMatchObject([{ claimed: 40_000n, returned: 2_000_000n - 40_000n }])
    expectEqualBooks(end, channels)
  })

  it('is topped up where its deposit is used up, and no further than the cap', async () => {
    const { purser, world } = rig
    const seller = await world.open({ prices: { '/tick': '0.75' } })
    const session = await purser.openSession({ cap: '3.00' })
    const shopper = shopperOf(purser, session)
    const before = (await rig.history()).length
    for (let i = 0; i < 4; i += 1) expect(await buy(shopper, seller)).toMatchObject({ kind: 'goods' })
    expect(await buy(shopper, seller)).toMatchObject({ kind: 'refused', status: 403 })
    const channels = (await rig.history()).slice(before)
    expect(sumOf(channels)).toMatchObject({ deposited: 3_000_000n })
    expect(await shown(purser, session)).toMatchObject({ spent: '3.00', held: '0.00' })
    expect(seller.served()).toBe(4)
  })

  it('G6: a deposit counts for the session above as well, and what comes back frees both', async () => {
    const { purser, world } = rig
    const seller = await world.open(TICK)
    const parent = await purser.openSession({ cap: '3.00' })
    const child = await purser.openSession({ cap: '3.00', parent: parent.id, ttl: '30m' })
    expect(await buy(shopperOf(purser, child), seller)).toMatchObject({ kind: 'goods' })
    for (const one of [parent, child]) expect(await shown(purser, one)).toMatchObject({ spent: '2.00', held: '0.00' })
    expect(await close(purser, child)).toMatchObject({ spent: '0.001' })
    expect(await shown(purser, parent)).toMatchObject({ spent: '0.001', held: '0.00', remaining: '2.999' })
  })
})

/** Twelve catalogues, each in need of $16 at most, so that something is left in each channel. */
const TWELVE = Array.from({ length: 12 }, (_, n) => n)
const SIXTEEN = { channels: { deposit: '16.50', maxDeposit: '20', maxWithdrawDelay: '1h' } }

describe('an agent with $200 at a dozen catalogues', () => {
  let rig: ChannelRig
  let catalogues: readonly Catalogue[]
  beforeAll(async () => {
    rig = await startChannelRig(SIXTEEN)
    catalogues = await Promise.all(TWELVE.map(() => rig.world.open({ prices: { '/search': '0.50', '/item': '2.00' } })))
  })
  afterAll(() => rig?.[Symbol.asyncDispose]())

  const research = async (session: OpenSession, wanted: readonly number[]) => {
    const shopper = shopperOf(rig.purser, session)
    const all = catalogues.map(async (catalogue, at) => {
      for (let i = 0; i < (wanted[at] ?? 0); i += 1) expect(await buy(shopper, catalogue, '/search')).toMatchObject({ kind: 'goods' })
    })
    await Promise.all(all)
  }

  it(
    'stops at $187 and closes: each is settled once, and the rest has come back',
    async () => {
      const session = await rig.purser.openSession({ cap: '200' })
      await research(
        session,
        TWELVE.map((n) => (n < 2 ? 32 : 31)),
      )
      expect(await shown(rig.purser, session)).toMatchObject({ spent: '198.00', held: '0.00', payments: 374 })
      const end = await close(rig.purser, session)
      const channels = await rig.history()
      expect(channels).toHaveLength(12)
      for (const { transactions } of channels) expect(transactions).toHaveLength(2)
      expect(sumOf(channels)).toEqual({ deposited: 198_000_000n, claimed: 187_000_000n, returned: 11_000_000n })
      expect(end).toMatchObject({ spent: '187.00', held: '0.00', remaining: '13.00' })
      expect(await rig.world.chain.balanceOf(rig.payer)).toBe(1_000_000_000n - 187_000_000n)
    },
    LONG_MS,
  )

  it(
    'G1: in a loop it never passes $200, on the chain as little as in the ledger, and what is left comes back',
    async () => {
      const { purser, world, payer } = rig
      const session = await purser.openSession({ cap: '200' })
      const shopper = shopperOf(purser, session)
      const [before, start] = [(await rig.history()).length, await world.chain.balanceOf(payer)]
      let bought = 0
      for (let round = 0, sold = 1; sold > 0 && round < 20; round += 1) {
        const got = await Promise.all(catalogues.map((catalogue) => buy(shopper, catalogue, '/item')))
        sold = got.filter(({ kind }) => kind === 'goods').length
        bought += sold
        expect(start - (await world.chain.balanceOf(payer)) <= 200_000_000n).toBe(true)
      }
      // Eight at each, and one more where the last $2 were deposited.
      expect(bought).toBe(97)
      expect(await shown(purser, session)).toMatchObject({ spent: '200.00', held: '0.00' })
      const end = await close(purser, session)
      const channels = (await rig.history()).slice(before)
      expect(sumOf(channels)).toEqual({ deposited: 200_000_000n, claimed: 194_000_000n, returned: 6_000_000n })
      expectEqualBooks(end, channels)
      expect(start - (await world.chain.balanceOf(payer))).toBe(194_000_000n)
    },
    LONG_MS,
  )
})

describe('what bounds any payment bounds channels', () => {
  const PRICES = { prices: { '/tick': '0.01', '/rare': '0.01', '/dear': '0.01', '/casino': '0.01' } }
  let rig: ChannelRig
  let blocked: Catalogue
  beforeAll(async () => {
    const conditions = (more: Record<string, unknown>) => ({
      ...{ maxAmount: '1.00', categories: ['api_calls'], recipientTrust: 'verified', frequency: { max: 1_000, per: '1h' } },
      ...more,
    })
    rig = await startChannelRig(async (world) => {
      blocked = await world.open(PRICES)
      return {
        recipients: { verified: [{ host: 'localhost' }], blocked: [{ host: blocked.host }] },
        channels: { deposit: '0.50', maxDeposit: '50', maxWithdrawDelay: '1h' },
        approvals: { hold: '20s' },
        categories: [
          { host: '*', path: '/casino', category: 'gambling' },
          { host: '*', path: '/dear', category: 'service_procurement' },
          { host: '*', path: '/rare', category: 'rare' },
          { host: '*', category: 'api_calls' },
        ],
        tiers: [
          { name: 'autonomous', conditions: conditions({}), approval: 'none' },
          { name: 'seldom', conditions: conditions({ categories: ['rare'], frequency: { max: 3, per: '1h' } }), approval: 'none' },
          {
            name: 'asking',
            conditions: conditions({ categories: ['service_procurement'], maxAmount: '5.00' }),
            ...{ approval: 'explicit_human', timeout: '4h' },
          },
          { name: 'prohibited', conditions: { categories: ['gambling'] }, approval: 'blocked' },
        ],
      }
    })
  })
  afterAll(() => rig?.[Symbol.asyncDispose]())

  it.each([
    ['recipient_limit_exceeded', (seller: Catalogue) => ({ perRecipient: { [seller.host]: '0.03' } })],
    ['category_limit_exceeded', () => ({ perCategory: { api_calls: '0.03' } })],
    ['tool_limit_exceeded', () => ({ perTool: { search: '0.03' } })],
    ['window_limit_exceeded', () => ({ perWindow: [{ max: '0.03', per: '1h' }] })],
  ])('%s: vouchers count at their own price, the deposit does not count besides', async (code, limits) => {
    const seller = await rig.world.open(PRICES)
    const session = await rig.purser.openSession({ cap: '5.00', limits: limits(seller) })
    const shopper = shopperOf(rig.purser, session)
    for (let i = 0; i < 3; i += 1) expect(await buy(shopper, seller, '/tick', ['Purser-Tool', 'search'])).toMatchObject({ kind: 'goods' })
    expect(await buy(shopper, seller, '/tick', ['Purser-Tool', 'search'])).toMatchObject({ kind: 'refused', status: 403, code })
    expect(seller.served()).toBe(3)
  })

  it('frequency counts every request through a channel', async () => {
    const seller = await rig.world.open(PRICES)
    const session = await rig.purser.openSession({ cap: '5.00' })
    const shopper = shopperOf(rig.purser, session)
    for (let i = 0; i < 3; i += 1) expect(await buy(shopper, seller, '/rare')).toMatchObject({ kind: 'goods' })
    expect(await buy(shopper, seller, '/rare')).toMatchObject({ kind: 'refused', status: 403, code: 'frequency_exceeded' })
  })

  it('a person decides on the first request, and it is the whole deposit that they are asked for', async () => {
    const seller = await rig.world.open(PRICES)
    const session = await rig.purser.openSession({ cap: '5.00' })
    const before = (await rig.history()).length
    const asked = buy(shopperOf(rig.purser, session), seller, '/dear')
    const approval = await vi.waitFor(async () => {
      const { items } = await rig.purser.admin<{ items: { id: string; amount: string; sessionId: string }[] }>(
        '/v1/approvals?state=pending',
      )
      const mine = items.find(({ sessionId }) => sessionId === session.id)
      if (!mine) throw new Error('nobody is asked')
      return mine
    })
    expect(approval.amount).toContain('0.50')
    expect((await rig.history()).length).toBe(before)
    await rig.purser.admin(`/v1/approvals/${approval.id}/approve`, { method: 'POST', body: JSON.stringify({ reason: 'by the test' }) })
    expect(await asked).toMatchObject({ kind: 'goods' })
    expect((await rig.history()).slice(before)).toMatchObject([{ deposited: 500_000n }])
  })

  it('who is prohibited, blocked or asks for too long a delay never gets a channel', async () => {
    const seller = await rig.world.open(PRICES)
    const slow = await rig.world.open({ ...PRICES, withdrawDelay_s: 3_601 })
    const session = await rig.purser.openSession({ cap: '5.00' })
    const shopper = shopperOf(rig.purser, session)
    const before = (await rig.history()).length
    expect(await buy(shopper, seller, '/casino')).toMatchObject({ kind: 'refused', status: 403, code: 'tier_prohibited' })
    expect(await buy(shopper, blocked)).toMatchObject({ kind: 'refused', status: 403, code: 'recipient_blocked' })
    expect(await buy(shopper, slow)).toMatchObject({ kind: 'refused', status: 403, code: 'scheme_not_supported' })
    expect((await rig.history()).length).toBe(before)
    expect(await shown(rig.purser, session)).toMatchObject({ spent: '0.00', held: '0.00' })
  })

  it('one that asks for a longer delay than allowed is paid exactly where it offers that too', async () => {
    const slow = await rig.world.open({ ...PRICES, withdrawDelay_s: 3_601, exactToo: true })
    const session = await rig.purser.openSession({ cap: '5.00' })
    const before = (await rig.history()).length
    expect(await buy(shopperOf(rig.purser, session), slow)).toMatchObject({ kind: 'goods' })
    expect((await rig.history()).length).toBe(before)
    expect(await shown(rig.purser, session)).toMatchObject({ spent: usd(10_000n), held: '0.00' })
  })
})
