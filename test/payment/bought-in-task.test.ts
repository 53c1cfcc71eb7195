import { describe, expect, it } from 'vitest'
import { MAX_SHOWN_RESOURCE_CHARS, MAX_TASK_LATEST, MAX_TASK_PAYMENTS } from '../../src/limits.ts'
import { boughtInTask } from '../../src/payment/bought-in-task.ts'
import { answer, COMPLETE, type Rig, settled, startRig, type Upstream, URL_ASKED } from './rig.ts'

async function buy(rig: Rig, url: string, upstream: Upstream = () => settled()): Promise<void> {
  const outcome = await rig.pay(upstream, { request: rig.request({ url, hints: { payNever: false, task: 't' } }) })
  if (outcome.kind === 'answer') await outcome.delivered(COMPLETE)
}

/** A stranger's price: refused, and on record. */
async function refuse(rig: Rig, url: string): Promise<void> {
  await buy(rig, `https://stranger.test/${url}`)
}

describe('what a task has bought', () => {
  it('counts and adds up what moved or may have, not what was refused', async () => {
    await using rig = await startRig()
    await buy(rig, `${URL_ASKED}/1`)
    await buy(rig, `${URL_ASKED}/2`, () => answer(402))
    await buy(rig, `${URL_ASKED}/3`, () => ({ kind: 'failed', sent: true, code: 'upstream_timeout', detail: 'Silence.' }))
    await refuse(rig, 'a')
    const { count, amount, currency, latest, amountOf } = await boughtInTask(rig.ledger, rig.session, 't')
    expect({ count, amount, currency, amountOf }).toEqual({ count: 3, amount: 3_000n, currency: 'USD', amountOf: undefined })
    expect(latest.map(({ state }) => state)).toEqual(['unknown', 'unknown', 'settled'])
  })

  it('adds up the deposit of a channel, and counts its vouchers, which moved nothing more', async () => {
    await using rig = await startRig()
    await buy(rig, URL_ASKED)
    const [sample] = (await rig.ledger.payments({ session: rig.session.id }, { limit: 1 })).items
    if (!sample?.terms) throw new Error('nothing was bought')
    const { terms } = sample
    const items = (['voucher', 'deposit'] as const).map((method) => ({ ...sample, terms: { ...terms, method } }))
    const ledger = { payments: async () => ({ items, next: null }), countInTask: async () => 2 }
    const { count, amount, latest } = await boughtInTask(ledger, rig.session, 't')
    expect([count, amount, latest.map((one) => one.amount)]).toEqual([2, 1_000n, [1_000n, 1_000n]])
  })

  it('nothing of another task or session is told', async () => {
    await using rig = await startRig()
    await buy(rig, URL_ASKED)
    const other = await rig.openSession()
    expect(await boughtInTask(rig.ledger, rig.session, 'u')).toMatchObject({ count: 0, amount: 0n, latest: [] })
    expect(await boughtInTask(rig.ledger, other, 't')).toMatchObject({ count: 0, amount: 0n, latest: [] })
  })

  it('names the newest few only, each by a URL of bounded length and without its query', async () => {
    await using rig = await startRig()
    for (let n = 0; n <= MAX_TASK_LATEST; n++) await buy(rig, `${URL_ASKED}/${n}${'x'.repeat(MAX_SHOWN_RESOURCE_CHARS)}?key=secret`)
    const { latest, count } = await boughtInTask(rig.ledger, rig.session, 't')
    expect([count, latest.length]).toEqual([MAX_TASK_LATEST + 1, MAX_TASK_LATEST])
    expect(latest[0]?.resource).toMatch(new RegExp(`^${URL_ASKED}/${MAX_TASK_LATEST}x+$`))
    expect(latest[0]?.resource).toHaveLength(MAX_SHOWN_RESOURCE_CHARS)
  })

  it('many refusals hide nothing that was bought before them', async () => {
    await using rig = await startRig()
    await buy(rig, URL_ASKED)
    for (let n = 0; n < MAX_TASK_PAYMENTS; n++) await refuse(rig, String(n))
    expect(await boughtInTask(rig.ledger, rig.session, 't')).toMatchObject({ count: 1, amount: 1_000n, latest: [{ resource: URL_ASKED }] })
  })

  it('reads a bounded number of payments, and says of how many the sum is', async () => {
    await using rig = await startRig()
    const [one] = await bought(rig)
    const page = { items: Array.from({ length: MAX_TASK_PAYMENTS }, () => one), next: 'more' }
    const asked: (number | undefined)[] = []
    const ledger = {
      countInTask: async () => 1_000_000,
      payments: async (filter: { state?: string }, { limit }: { limit: number }) => {
        asked.push(limit)
        return filter.state === undefined || filter.state === 'settled' ? page : { items: [], next: null }
      },
    }
    const told = await boughtInTask(ledger, rig.session, 't')
    expect(told).toMatchObject({ count: 1_000_000, amountOf: MAX_TASK_PAYMENTS, amount: 1_000n * BigInt(MAX_TASK_PAYMENTS) })
    expect(asked).toEqual(Array.from({ length: 6 }, () => MAX_TASK_PAYMENTS))
  })
})

async function bought(rig: Rig) {
  await buy(rig, URL_ASKED)
  const { items } = await rig.ledger.payments({ state: 'settled' }, { limit: 1 })
  const [one] = items
  if (!one) throw new Error('nothing was bought')
  return [one] as const
}
