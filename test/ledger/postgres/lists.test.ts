import { describe, expect, it } from 'vitest'
import type { Page, PaymentFilter } from '../../../src/ledger/ledger.ts'
import { equal, Lists, readReceipt } from '../../../src/ledger/postgres/lists.ts'
import { readingFrom } from '../../../src/ledger/postgres/reading.ts'
import { MAX_PAGE } from '../../../src/limits.ts'
import { authorizationFor, CLAIMED, OTHER_PAY_TO, PAY_TO, type RequestChanges, usd } from '../fixtures.ts'
import { sharedServer } from './server-stage.ts'
import { serverBench } from './workbench.ts'

const empty = serverBench(sharedServer())

async function stage() {
  const bench = await empty()
  const lists = new Lists(readingFrom(bench.store))
  const session = await bench.open()
  const pay = async (changes: RequestChanges = {}, amount = 1n) => {
    const request = bench.make.request(session.id, amount, changes)
    await bench.write(({ tx, rules }) => rules.reserving.reserve(tx, request))
    return request
  }
  const settle = async (changes: RequestChanges = {}, amount = 1n) => {
    const request = await pay(changes, amount)
    await bench.write(({ tx, rules }) => rules.transitions.sign(tx, request.paymentId, authorizationFor(request)))
    await bench.write(({ tx, rules }) => rules.transitions.settle(tx, request.paymentId, CLAIMED))
    return request
  }
  const ids = async (filter: PaymentFilter) => (await lists.payments(filter, { limit: 10 })).items.map(({ id }) => id)
  return { bench, lists, session, pay, settle, ids }
}

/** All pages of two, one after the other. */
async function leaf<T>(ask: (cursor?: string) => Promise<Page<T>>): Promise<T[]> {
  const { items, next } = await ask()
  const all = [...items]
  for (let cursor = next; cursor !== null; ) {
    const page = await ask(cursor)
    expect(page.items.length).toBeGreaterThan(0)
    all.push(...page.items)
    cursor = page.next
  }
  return all
}

const page = (cursor?: string) => ({ limit: 2, ...(cursor !== undefined && { cursor }) })
const invalid = (detail: string) => ({ refusal: { code: 'request_invalid', detail: expect.stringContaining(detail) } })

describe('a list', () => {
  it('shows everything once, newest first, page by page, though more comes meanwhile', async () => {
    const { lists, pay } = await stage()
    const made: string[] = []
    for (let count = 0; count < 5; count++) made.unshift((await pay()).paymentId)
    const seen = await leaf(async (cursor) => {
      if (cursor !== undefined) await pay()
      return lists.payments({}, page(cursor))
    })
    expect(seen.map(({ id }) => id)).toEqual(made)
  })

  it('of sessions shows all, or the children of one', async () => {
    const { bench, lists, session } = await stage()
    const children = [await bench.open({ parent: session.id }), await bench.open({ parent: session.id })].map(({ id }) => id)
    expect((await leaf((cursor) => lists.sessions(page(cursor)))).map(({ id }) => id)).toEqual([...children.toReversed(), session.id])
    expect((await lists.sessions({ limit: 9 }, session.id)).items.map(({ id }) => id)).toEqual(children.toReversed())
  })

  it('has as many items as are asked for, within bounds, and no cursor of another list', async () => {
    const { lists } = await stage()
    for (const limit of [0, -1, 1.5, Number.NaN]) {
      await expect(lists.sessions({ limit })).rejects.toMatchObject(invalid(`A page has 1 to ${MAX_PAGE} items`))
    }
    for (const cursor of ['', 'x', Buffer.from('recipient:5').toString('base64url'), Buffer.from('seq:-1').toString('base64url')]) {
      await expect(lists.sessions({ limit: 1, cursor })).rejects.toMatchObject(invalid('not one of this list'))
    }
    await expect(lists.recipients({ limit: 1, cursor: Buffer.from('seq:5').toString('base64url') })).rejects.toMatchObject(
      invalid('cursor'),
    )
  })
})

describe('payments', () => {
  it('are found by what they were for, from when to when', async () => {
    const { bench, session, pay, ids } = await stage()
    const now = bench.clock.now()
    const plain = await pay()
    const special = { tool: 'web_search', task: 't', tier: 'supervised', agent: 'writer', host: 'B.example', decidedAt: now + 10 }
    const other = await pay({ attempt: special, terms: { payTo: OTHER_PAY_TO } })
    const filters: [PaymentFilter, unknown[]][] = [
      [{ session: session.id }, [other, plain]],
      [{ session: 'ses_none' }, []],
      [{ agent: 'writer' }, [other]],
      [{ tool: 'web_search', task: 't', tier: 'supervised' }, [other]],
      [{ state: 'reserved', disputed: false }, [other, plain]],
      [{ state: 'settled' }, []],
      [{ disputed: true }, []],
      [{ recipient: OTHER_PAY_TO.toUpperCase() }, [other]],
      [{ recipient: 'b.EXAMPLE' }, [other]],
      [{ since: now + 10 }, [other]],
      [{ until: now + 10 }, [plain]],
    ]
    for (const [filter, found] of filters) {
      expect([filter, await ids(filter)]).toEqual([filter, found.map((request) => (request === other ? other : plain).paymentId)])
    }
  })

  it('of a state that there is none of are refused', async () => {
    const { lists } = await stage()
    const state: unknown = 'paid'
    const ask = async () => lists.payments(JSON.parse(JSON.stringify({ state })), { limit: 1 })
    await expect(ask()).rejects.toMatchObject(invalid('There is no state of that name'))
  })

  it('that were settled to a recipient in a token are found in any spelling, newest first', async () => {
    const { lists, pay, settle } = await stage()
    const [one, two] = [await settle({ terms: { payTo: PAY_TO.toLowerCase() } }), await settle()]
    await settle({ terms: { payTo: OTHER_PAY_TO } })
    await pay()
    const { network, asset, payTo } = two.attempt.terms
    const found = await lists.settledTo({ network, token: asset.address.toUpperCase().replace('0X', '0x'), payTo })
    expect(found.map(({ id }) => id)).toEqual([two.paymentId, one.paymentId])
    expect(await lists.settledTo({ network: 'eip155:1', token: asset.address, payTo })).toEqual([])
  })
})

describe('receipts', () => {
  it('come back as they were hashed, by what they are about', async () => {
    const { bench, lists, session, settle } = await stage()
    const { paymentId } = await settle()
    const { items } = await lists.receipts({ payment: paymentId }, { limit: 9 })
    expect(items).toMatchObject([{ paymentId, sessionId: session.id, state: 'settled', number: 1 }])
    const [row] = await bench.store.select({ table: 'receipts', where: equal('payment_id', paymentId) })
    expect(row && readReceipt(row)).toEqual(items[0])
    const [now, own] = [bench.clock.now(), { session: session.id }]
    const filters = [own, { ...own, kind: 'conclusion' }, { ...own, kind: 'refusal' }, { agent: 'nobody' }, { since: now + 1 }] as const
    const found = await Promise.all(filters.map((filter) => lists.receipts(filter, { limit: 9 })))
    expect(found.map((one) => one.items.length)).toEqual([1, 1, 0, 0, 0])
  })
})

describe('recipients', () => {
  it('are those against whom something is held, each once with all its currencies, page by page', async () => {
    const { bench, lists, settle } = await stage()
    for (const host of ['c', 'a', 'b']) await settle({ attempt: { host } }, usd(1))
    const disputed = await settle({ attempt: { host: 'b' } }, usd(2))
    await bench.write(({ tx, tables }) => tables.payments.dispute(tx, disputed.paymentId, 'taken_otherwise'))
    const refunded = await settle({ attempt: { host: 'b' } }, usd(4))
    await bench.write(({ tx, tables }) => tables.payments.refund(tx, refunded.paymentId, usd(3)))
    const all = await leaf((cursor) => lists.recipients({ ...page(cursor), limit: 1 }))
    expect(all.map(({ host }) => host)).toEqual(['a', 'b', 'c'])
    const place = { host: 'b', network: disputed.attempt.terms.network }
    expect(all[1]).toMatchObject({ ...place, disputed: 1, disputedAmount: { USD: usd(2) }, refundedAmount: { USD: usd(3) } })
  })
})
