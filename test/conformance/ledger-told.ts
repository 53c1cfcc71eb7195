/** What books are told: every receipt, under one id, through crashes and with others at work beside (at least once). */
import { describe, expect, it } from 'vitest'
import { type BooksDeps, createBooks } from '../../src/alerts/books.ts'
import type { Address } from '../../src/approval/people.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import type { ToldStore } from '../../src/ledger/told.ts'
import { MAX_BOOK_NOTICES } from '../../src/people-limits.ts'
import { CLAIMED, usd } from '../ledger/fixtures.ts'
import type { Bench } from './ledger.ts'

const HOOK: Address = { channel: 'webhook', name: 'approvals.webhooks[0]', url: 'https://books.example/', events: ['payment.settled'] }

/** The ledger of a process that is killed right before or after its step is on the disk. */
function dying(ledger: Ledger, when: 'before' | 'after', seen: string[]): BooksDeps['ledger'] {
  const { told } = ledger
  const killed: ToldStore = {
    settledPlace: (known) => told.settledPlace(known),
    receiptsBetween: (span) => told.receiptsBetween(span),
    toldUpTo: (receiver) => told.toldUpTo(receiver),
    waitingFor: (target) => told.waitingFor(target),
    async tell(telling) {
      seen.push(...telling.notices.map(({ id }) => id))
      if (when === 'after') await told.tell(telling)
      throw new Error('killed here')
    },
  }
  return { told: killed, receipts: (...page) => ledger.receipts(...page), session: (id) => ledger.session(id) }
}

export function toldConformance(bench: () => Bench): void {
  const books = (ledger: Ledger, more: Partial<BooksDeps> = {}) =>
    createBooks({ ledger, shared: [HOOK], clock: bench().clock, events: { warned: () => undefined }, onQueued: () => undefined, ...more })
  const pay = async (sessionId: string) => {
    const request = bench().make.request(sessionId, usd(0.01))
    const reservation = await bench().sign(request)
    await reservation.post(CLAIMED)
    return request.paymentId
  }
  /** What was queued, by payment: the order of what is sent at once is nobody's promise. */
  const queued = async (ledger: Ledger) => {
    const { items } = await ledger.approvals.notices({}, { limit: 1_000 })
    const all = items.map(({ id, type, payload }) => ({ id, type, paymentId: JSON.parse(payload).data.paymentId as string }))
    return all.sort((a, b) => a.paymentId.localeCompare(b.paymentId))
  }
  const paid = (ids: readonly string[]) => ids.map((paymentId) => ({ type: 'payment.settled', paymentId }))

  describe('receipts that are told', () => {
    it('begin with what comes after the first subscription, not with all history', async () => {
      const { id } = await bench().openSession()
      await pay(id)
      const keeper = books(bench().ledger)
      await keeper.tellNew()
      expect(await queued(bench().ledger)).toEqual([])
      const later = await pay(id)
      await keeper.tellNew()
      expect(await queued(bench().ledger)).toMatchObject(paid([later]))
    })

    it('are queued once each, however often somebody looks', async () => {
      const { id } = await bench().openSession()
      const keeper = books(bench().ledger)
      await keeper.tellNew()
      const ids = [await pay(id), await pay(id), await pay(id)]
      await keeper.tellNew()
      await keeper.tellNew()
      await books(bench().ledger).tellNew()
      expect(await queued(bench().ledger)).toMatchObject(paid(ids))
    })

    it('G9: none is lost where the process dies between receipt and queueing', async () => {
      const { id } = await bench().openSession()
      await books(bench().ledger).tellNew()
      const ids = [await pay(id), await pay(id)]
      const ledger = await bench().store.restart()
      await books(ledger).tellNew()
      expect(await queued(ledger)).toMatchObject(paid(ids))
    })

    it.each(['before', 'after'] as const)(
      'G9: none is lost and none has another id where the process dies just %s they are queued',
      async (when) => {
        const { id } = await bench().openSession()
        const { ledger } = bench()
        await books(ledger).tellNew()
        const ids = [await pay(id)]
        const seen: string[] = []
        await expect(books(ledger, { ledger: dying(ledger, when, seen) }).tellNew()).rejects.toThrow('killed here')
        const next = await bench().store.restart()
        ids.push(await pay(id))
        await books(next).tellNew()
        const after = await queued(next)
        expect(after).toMatchObject(paid(ids))
        expect([after[0]?.id]).toEqual(seen)
      },
    )

    it('are queued once where two look at the same moment', async () => {
      const { id } = await bench().openSession()
      const { ledger, store } = bench()
      const other = store.second ? await store.second() : ledger
      const [one, two] = [books(ledger), books(other)]
      await one.tellNew()
      await two.tellNew()
      const ids = [await pay(id), await pay(id)]
      const passed = await Promise.all([one.tellNew(), two.tellNew()])
      expect(passed.toSorted()).toEqual([0, 2])
      await Promise.all([one.tellNew(), two.tellNew()])
      expect(await queued(ledger)).toMatchObject(paid(ids))
    })

    it('wait in the ledger while a receiver does not answer, and go on when it does', async () => {
      const { id } = await bench().openSession({ cap: usd(1) })
      const { ledger } = bench()
      const keeper = books(ledger)
      await keeper.tellNew()
      const ids: string[] = []
      for (let n = 0; n < MAX_BOOK_NOTICES + 2; n += 1) ids.push(await pay(id))
      await keeper.tellNew()
      await keeper.tellNew()
      expect(await queued(ledger)).toMatchObject(paid(ids.slice(0, MAX_BOOK_NOTICES)))
      for (const notice of (await ledger.approvals.notices({}, { limit: 100 })).items)
        await ledger.approvals.updateNotice({ ...notice, state: 'delivered', deliveredAt: 1 })
      await keeper.tellNew()
      expect(await queued(ledger)).toMatchObject(paid(ids))
    })

    it('a step that another process has made already queues nothing', async () => {
      const { told } = bench().ledger
      expect(await told.tell({ receiver: 'r', from: undefined, to: 3n, notices: [] })).toBe(true)
      expect(await told.tell({ receiver: 'r', from: undefined, to: 4n, notices: [] })).toBe(false)
      expect(await told.tell({ receiver: 'r', from: 2n, to: 4n, notices: [] })).toBe(false)
      expect(await told.tell({ receiver: 'r', from: 3n, to: 5n, notices: [] })).toBe(true)
      expect([await told.toldUpTo('r'), await told.toldUpTo('other')]).toEqual([5n, undefined])
    })
  })
}
