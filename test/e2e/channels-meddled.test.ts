/**
 * Sellers by channel that lose, deny, overcharge and forge, and one that gives nothing back: whatever they say, no more
 * leaves than was signed for, the session goes on or its channel is closed, and both books are equal in the end.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ChannelHistory } from '../testnet/channel-history.ts'
import type { Deed } from '../testnet/channel-meddler.ts'
import { buy, type ChannelRig, close, expectEqualBooks, type Shown, shopperOf, shown, startChannelRig, untilClosed } from './channel-rig.ts'

const PRICE = 1_000n
const DEPOSIT = 100_000n
const LONG_MS = 120_000
const TICK = { prices: { '/tick': '0.001' } }

let rig: ChannelRig
beforeAll(async () => {
  rig = await startChannelRig({ channels: { deposit: '0.10', maxDeposit: '1', maxWithdrawDelay: '1h' } })
})
afterAll(() => rig?.[Symbol.asyncDispose]())

interface Meddled {
  readonly statuses: readonly string[]
  readonly served: number
  readonly end: Shown
  readonly channels: readonly ChannelHistory[]
}

/** One honest request, one that suffers, two more, and the end of the session. */
async function meddled(deed: Deed): Promise<Meddled> {
  const seller = await rig.world.open(TICK)
  const session = await rig.purser.openSession({ cap: '1.00' })
  const shopper = shopperOf(rig.purser, session)
  const statuses: string[] = []
  for (const at of [0, 1, 2, 3]) {
    if (at === 1) seller.meddler.next(deed)
    const got = await buy(shopper, seller)
    statuses.push(got.kind === 'refused' ? got.code : got.kind)
  }
  const end = await close(rig.purser, session)
  return { statuses, served: seller.served(), end, channels: await historyOf(end) }
}

/** Of the channels of one session. */
async function historyOf({ channels = [] }: Shown): Promise<ChannelHistory[]> {
  const ids = new Set(channels.map(({ id }) => id.toLowerCase()))
  return (await rig.history()).filter(({ id }) => ids.has(id.toLowerCase()))
}

const CHARGED = [
  ['lose-answer', 'payment_unknown'],
  ['error-500', 'other'],
  ['silent', 'goods'],
] as const
const FORGED = ['overcharge', 'correct-beyond', 'correct-by-stranger'] as const

describe('a seller that', () => {
  const outcomes = new Map<Deed, Meddled>()
  const outcomeOf = (deed: Deed): Meddled => {
    const outcome = outcomes.get(deed)
    if (!outcome) throw new Error(`nobody did ${deed}`)
    return outcome
  }
  // Closing waits for a loop of some seconds: all of them at once.
  beforeAll(async () => {
    const deeds: readonly Deed[] = [...CHARGED.map(([deed]) => deed), 'lose-request', 'raise-price', ...FORGED]
    await Promise.all(deeds.map(async (deed) => outcomes.set(deed, await meddled(deed))))
  })

  it.each(CHARGED)('charged and does %s: the next voucher learns it, and what was charged is what is spent', (deed, heard) => {
    const { statuses, served, channels } = outcomeOf(deed)
    expect(statuses).toEqual(['goods', heard, 'goods', 'goods'])
    expect(served).toBe(4)
    expect(channels).toMatchObject([{ claimed: 4n * PRICE, returned: DEPOSIT - 4n * PRICE }])
  })

  it('never saw the request: the next voucher is for the same sum, and nothing is paid for nothing', () => {
    const { statuses, served, channels } = outcomeOf('lose-request')
    expect(statuses).toEqual(['goods', 'payment_unknown', 'goods', 'goods'])
    expect(served).toBe(3)
    expect(channels).toMatchObject([{ claimed: 3n * PRICE, returned: DEPOSIT - 3n * PRICE }])
  })

  it('raises its price after the challenge is paid nothing then, and the new price once that was decided', () => {
    const { statuses, served, channels } = outcomeOf('raise-price')
    expect(statuses).toEqual(['goods', 'payment_rejected', 'goods', 'goods'])
    expect(served).toBe(3)
    expect(channels).toMatchObject([{ claimed: 5n * PRICE, returned: DEPOSIT - 5n * PRICE }])
  })

  it.each(FORGED)('G1: does %s: its word moves no account, and it gets no more than was signed for', (deed) => {
    const { served, channels } = outcomeOf(deed)
    const claimed = channels.reduce((sum, channel) => sum + channel.claimed, 0n)
    expect(claimed <= BigInt(served) * PRICE).toBe(true)
  })

  it('G1: does any of that: both books are equal in the end, and nothing is held', () => {
    for (const { end, channels } of outcomes.values()) expectEqualBooks(end, channels)
  })
})

describe('a seller that gives nothing back', () => {
  it(
    'is withdrawn from after its delay by recovery, and may claim meanwhile what it was vouched for',
    async () => {
      const { purser, world, payer } = rig
      const seller = await world.open(TICK)
      const session = await purser.openSession({ cap: '1.00', ttl: '1h' })
      const shopper = shopperOf(purser, session)
      for (let i = 0; i < 3; i += 1) expect(await buy(shopper, seller)).toMatchObject({ kind: 'goods' })
      seller.meddler.refunds(false)
      await world.chain.rpc('anvil_setBalance', [payer, '0xde0b6b3a7640000'])
      await purser.admin(`/v1/sessions/${session.id}/close`, { method: 'POST', body: '{}' })
      const written = async () => (await historyOf(await shown(purser, session))).flatMap(({ transactions }) => transactions)
      // It is asked a few times before, a minute apart.
      await expect.poll(() => rig.skip(60).then(written), { timeout: LONG_MS, interval: 2_000 }).toHaveLength(2)
      expect(await shown(purser, session)).toMatchObject({ spent: '0.10', channels: [{ state: 'closing' }] })
      await seller.manager.claimAndSettle()
      await rig.skip(900)
      const end = await untilClosed(purser, session)
      const channels = await historyOf(end)
      expect(channels).toMatchObject([{ deposited: DEPOSIT, claimed: 3n * PRICE, returned: 97_000n, withdrawals: 1 }])
      expectEqualBooks(end, channels)
      expect(end).toMatchObject({ spent: '0.003', remaining: '0.997' })
      expect(seller.meddler.asked()).toBeGreaterThan(0)
    },
    LONG_MS,
  )
})
