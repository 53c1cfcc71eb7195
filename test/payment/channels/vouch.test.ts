import { describe, expect, it } from 'vitest'
import { depositNonceOf } from '../../../src/channel-digest.ts'
import type { Through } from '../../../src/payment/channels/plan.ts'
import { nonceThrough, openedBy } from '../../../src/payment/channels/vouch.ts'
import { nonceOf } from '../../../src/payment/purchase.ts'
import { offerOf } from '../../rails/x402/channels/offers.ts'
import { startRig, URL_ASKED } from '../rig.ts'
import { asksByChannel, brought, charges, PRICE } from './till.ts'

const SECRET = new Uint8Array(32).fill(7)
const PAYER = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C'
const through: Through = { offer: offerOf(), channel: undefined, cumulative: 1_000n, deposit: 20_000n, counts: 1_000n }

describe('the names of a channel', () => {
  it('follow from the purchase that opens it, and are never used for another one', () => {
    const one = openedBy(SECRET, through, { payer: PAYER, purchaseId: 'pur_1' })
    expect(openedBy(SECRET, through, { payer: PAYER, purchaseId: 'pur_1' })).toEqual(one)
    expect(openedBy(SECRET, through, { payer: PAYER, purchaseId: 'pur_2' }).channel.salt).not.toBe(one.channel.salt)
    expect(openedBy(new Uint8Array(32), through, { payer: PAYER, purchaseId: 'pur_1' }).channel.salt).not.toBe(one.channel.salt)
  })

  it('G3: the nonce of a deposit is the one that the token takes it under', () => {
    const naming = { payer: PAYER, purchaseId: 'pur_1' }
    const nonce = nonceThrough(SECRET, through, naming)
    expect(nonce).toBe(depositNonceOf({ ...openedBy(SECRET, through, naming), salt: nonceOf(SECRET, 'pur_1') }))
    expect(nonceThrough(SECRET, { ...through, deposit: undefined }, naming)).toBeUndefined()
  })
})

describe('vouching', () => {
  it('G4: is written down before the voucher leaves', async () => {
    await using rig = await startRig({ channels: { deposit: 20_000n, maxDeposit: 20_000n } })
    const known: unknown[] = []
    const upstream = async (headers: Parameters<typeof brought>[0]) => {
      const what = brought(headers)
      known.push(await rig.ledger.channels.channel(what.channelId))
      return charges(what, PRICE, what.cumulative)
    }
    for (const n of [1, 2]) {
      const request = rig.request({ url: `${URL_ASKED}?n=${n}` })
      const outcome = await rig.pay(upstream, { request, unpaid: asksByChannel() })
      if (outcome.kind === 'answer') await outcome.delivered({ status: 200, bytes: 5, complete: true })
    }
    expect(known).toMatchObject([
      { state: 'opening', signed: 1_000n, pending: { cumulative: 1_000n, base: 0n, deposit: 20_000n } },
      { state: 'open', signed: 2_000n, charged: 1_000n, pending: { cumulative: 2_000n, base: 1_000n, deposit: null } },
    ])
  })

  it('signs nothing where another process was faster', async () => {
    await using rig = await startRig({ channels: { deposit: 20_000n, maxDeposit: 20_000n } })
    rig.deps.ledger.channels.vouch = async () => undefined
    const outcome = await rig.pay(() => charges({ kind: 'voucher', channelId: '', cumulative: 0n, deposit: 0n, signature: '' }, 0n, 0n), {
      unpaid: asksByChannel(),
    })
    expect(outcome).toMatchObject({ kind: 'refuse', refusal: { code: 'purchase_in_progress', moneyState: 'none' } })
    expect(rig.sent).toEqual([])
    expect(await rig.balance()).toMatchObject({ held: 0n, spent: 0n })
  })
})
