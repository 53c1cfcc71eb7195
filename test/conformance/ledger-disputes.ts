/** Disputes and refunds: what is held against a recipient, what came back, and answers that did not arrive after all. */
import { describe, expect, it } from 'vitest'
import type { Refund } from '../../src/ledger/findings.ts'
import type { Payment } from '../../src/ledger/ledger.ts'
import { UNDELIVERED_TTL_MS } from '../../src/limits.ts'
import { BROKEN, CLAIMED, COMPLETE, NEVER_SIGNED, PAY_TO, usd } from '../ledger/fixtures.ts'
import type { Bench } from './ledger.ts'
import { DEAD, SETTLED, states } from './ledger-findings.ts'

export function disputesConformance(bench: () => Bench): void {
  disputing(bench)
  refunding(bench)
  reopening(bench)
  listing(bench)
}

function disputing(bench: () => Bench): void {
  const make = states(bench)
  const dispute = async ({ id }: Pick<Payment, 'id'>) => (await bench().ledger.payment(id))?.dispute

  describe('a dispute', () => {
    it.each(['unknown', 'expired'] as const)('is raised where money moved though the server had its say: %s', async (from) => {
      const { reservation } = await make[from]()
      await bench().ledger.resolve(reservation.paymentId, SETTLED)
      expect(await reservation.payment()).toMatchObject({ dispute: 'settled_though_denied' })
      expect(bench().told).toContain(`${reservation.paymentId} found disputed`)
    })

    it('is raised where it was settled and nobody who works on it has delivered', async () => {
      const { session, reservation } = await make.signed()
      await reservation.post(CLAIMED)
      await reservation.delivered(BROKEN)
      expect(await reservation.payment()).toMatchObject({ dispute: null })
      reservation.release()
      await bench().settled(session)
      expect(await reservation.payment()).toMatchObject({ dispute: 'settled_not_delivered' })
      const { items } = await bench().ledger.receipts({ payment: reservation.paymentId }, { limit: 1 })
      expect(items).toMatchObject([{ kind: 'amendment', dispute: 'settled_not_delivered' }])
    })

    it('is raised for what a crash left settled and the chain shows, not called a denial', async () => {
      const { reservation } = await make.signed()
      await bench().store.restart()
      await bench().ledger.resolve(reservation.paymentId, SETTLED)
      expect(await dispute({ id: reservation.paymentId })).toBe('settled_not_delivered')
    })

    it('is lifted when the agent has its answer after all', async () => {
      const { reservation } = await make.unknown()
      await bench().ledger.resolve(reservation.paymentId, SETTLED)
      await reservation.delivered(COMPLETE)
      expect(await reservation.payment()).toMatchObject({ dispute: null, delivered: true })
    })

    it('stays through delivery where the authorization was taken for something else', async () => {
      const { reservation } = await make.claimed()
      await bench().ledger.resolve(reservation.paymentId, { ...SETTLED, dispute: 'taken_otherwise' })
      await reservation.delivered(COMPLETE)
      expect(await reservation.payment()).toMatchObject({ dispute: 'taken_otherwise', evidence: 'confirmed' })
    })

    it('ends with a payment that never moved', async () => {
      const { session, reservation } = await make.signed()
      await reservation.post(CLAIMED)
      reservation.release()
      await bench().settled(session)
      expect(await reservation.payment()).toMatchObject({ dispute: 'settled_not_delivered' })
      await bench().ledger.resolve(reservation.paymentId, DEAD)
      expect(await reservation.payment()).toMatchObject({ state: 'void', dispute: null })
    })

    it('is what the list of disputed payments shows, and nothing else', async () => {
      const { reservation } = await make.unknown()
      await make.claimed()
      await bench().ledger.resolve(reservation.paymentId, SETTLED)
      const list = async (disputed: boolean) => (await bench().ledger.payments({ disputed }, { limit: 10 })).items.map(({ id }) => id)
      expect(await list(true)).toEqual([reservation.paymentId])
      expect(await list(false)).toHaveLength(1)
    })
  })
}

function refunding(bench: () => Bench): void {
  const make = states(bench)
  const refund = (paymentId: string, changes: Partial<Refund> = {}): Refund => ({
    paymentId,
    source: 'eip155:84532 0xabc 1',
    amountAtomic: usd(1),
    evidence: 'https://explorer.example/tx/0xabc',
    by: 'chain',
    at: bench().clock.now(),
    ...changes,
  })

  describe('a refund', () => {
    it('is counted once, and no limit grows by it', async () => {
      const { session, reservation } = await make.confirmed()
      const { paymentId } = reservation
      expect(await bench().ledger.refund(refund(paymentId))).toMatchObject({ refunded: usd(1), state: 'settled' })
      expect(await bench().ledger.refund(refund(paymentId))).toBeUndefined()
      expect(await bench().ledger.refund(refund(paymentId, { source: 'entry 2', amountAtomic: usd(0.5) }))).toMatchObject({
        refunded: usd(1.5),
      })
      expect(await bench().balance(session)).toEqual({ spent: usd(3), held: 0n, payments: 1 })
      const { items } = await bench().ledger.receipts({ payment: paymentId }, { limit: 2 })
      expect(items.map(({ refunded }) => refunded)).toEqual(['1.50', '1.00'])
      expect(bench().told.filter((line) => line === `${paymentId} found refunded`)).toHaveLength(2)
    })

    it('is counted in the currency of the price, and parts that do not divide add up to the whole', async () => {
      const { id } = await bench().openSession()
      const request = bench().make.request(id, usd(1), { terms: { amountAtomic: 3n } })
      const reservation = await bench().sign(request)
      await reservation.post(CLAIMED)
      const refunded: (bigint | undefined)[] = []
      for (const source of ['1', '2', '3']) {
        refunded.push((await bench().ledger.refund(refund(request.paymentId, { source, amountAtomic: 1n })))?.refunded)
      }
      expect(refunded).toEqual([333_333n, 666_666n, usd(1)])
    })

    it('lifts a dispute when all came back, and not before', async () => {
      const { reservation } = await make.unknown()
      await bench().ledger.resolve(reservation.paymentId, SETTLED)
      expect(await bench().ledger.refund(refund(reservation.paymentId))).toMatchObject({ dispute: 'settled_though_denied' })
      expect(await bench().ledger.refund(refund(reservation.paymentId, { source: '2', amountAtomic: usd(2) }))).toMatchObject({
        dispute: null,
      })
    })

    it('is not raised again for what came back whole, however often it is looked at', async () => {
      const { reservation } = await make.unknown()
      await bench().ledger.resolve(reservation.paymentId, SETTLED)
      await bench().ledger.refund(refund(reservation.paymentId, { amountAtomic: usd(3) }))
      reservation.release()
      for (let round = 0; round < 2; round++) {
        await bench().ledger.takeOver()
        expect(await bench().ledger.payment(reservation.paymentId)).toMatchObject({ dispute: null, delivered: false })
      }
      await bench().store.restart()
      expect(await bench().ledger.payment(reservation.paymentId)).toMatchObject({ dispute: null })
    })

    it('is for a payment that moved money, more than nothing, and by a person not more than was paid', async () => {
      const { reservation } = await make.void()
      const refused = (code: string) => ({ refusal: { code } })
      await expect(bench().ledger.refund(refund(reservation.paymentId))).rejects.toMatchObject(refused('conflict'))
      await expect(bench().ledger.refund(refund('pay_none'))).rejects.toMatchObject(refused('not_found'))
      const { reservation: paid } = await make.claimed()
      await bench().ledger.refund(refund(paid.paymentId, { source: 'known', amountAtomic: usd(1) }))
      const { reservation: another } = await make.claimed()
      for (const other of [refund(paid.paymentId, { amountAtomic: usd(2) }), refund(another.paymentId)]) {
        await expect(bench().ledger.refund({ ...other, source: 'known' })).rejects.toMatchObject(refused('conflict'))
      }
      await expect(bench().ledger.refund(refund(paid.paymentId, { amountAtomic: usd(3), by: 'ann' }))).rejects.toMatchObject(
        refused('conflict'),
      )
      await expect(bench().ledger.refund(refund(paid.paymentId, { amountAtomic: 0n }))).rejects.toMatchObject(refused('request_invalid'))
      expect(await bench().ledger.refund(refund(paid.paymentId, { amountAtomic: usd(3) }))).toMatchObject({ refunded: usd(4) })
    })

    it('is matched by recipient and token, newest payment first', async () => {
      const [one, two] = [await make.confirmed(), await make.confirmed()]
      await make.unknown()
      const payment = await one.reservation.payment()
      const where = { network: payment.terms?.network ?? '', token: payment.terms?.asset.address ?? '', payTo: PAY_TO }
      const ids = async (changes = {}) => (await bench().ledger.settledTo({ ...where, ...changes })).map(({ id }) => id)
      expect(await ids()).toEqual([two.reservation.paymentId, one.reservation.paymentId])
      expect(await ids({ token: where.token.toLowerCase(), payTo: PAY_TO.toLowerCase() })).toHaveLength(2)
      for (const other of [{ network: 'eip155:1' }, { token: PAY_TO }, { payTo: where.token }]) expect(await ids(other)).toEqual([])
    })

    it('is looked for from where the last look ended, which never goes back', async () => {
      const { ledger } = bench()
      expect(await ledger.scannedTo('eip155:1', '0xAb')).toBeUndefined()
      await ledger.scanned('eip155:1', '0xAb', 2n ** 70n)
      await ledger.scanned('eip155:1', '0xaB', 5n)
      await bench().store.restart()
      expect(await bench().ledger.scannedTo('eip155:1', '0xab')).toBe(2n ** 70n)
      expect(await bench().ledger.scannedTo('eip155:2', '0xab')).toBeUndefined()
    })
  })
}

function reopening(bench: () => Bench): void {
  const make = states(bench)

  describe('an answer that did not arrive after all', () => {
    it('opens the purchase again for its time, whenever it turned out', async () => {
      const { id } = await bench().openSession({ expiresAt: bench().clock.now() + 86_400_000 })
      const request = bench().make.request(id, usd(1))
      const reservation = await bench().sign(request)
      await reservation.post(CLAIMED)
      bench().clock.advance(UNDELIVERED_TTL_MS)
      await reservation.delivered(COMPLETE)
      reservation.release()
      expect(await bench().ledger.resume(request.purchase)).toEqual({ kind: 'none' })
      await bench().ledger.reopen(request.paymentId)
      expect(await reservation.payment()).toMatchObject({
        delivered: false,
        deliveredAt: null,
        delivery: { ...COMPLETE, complete: false },
        dispute: 'settled_not_delivered',
      })
      bench().clock.advance(UNDELIVERED_TTL_MS - 1)
      const repeat = await bench().ledger.resume(request.purchase)
      if (repeat.kind !== 'repeat') throw new Error(repeat.kind)
      await repeat.reservation.delivered(COMPLETE)
      repeat.reservation.release()
      expect(await reservation.payment()).toMatchObject({ delivered: true, dispute: null })
      expect(await bench().ledger.resume(request.purchase)).toEqual({ kind: 'none' })
    })

    it('is no dealing until it has arrived', async () => {
      const { reservation } = await make.claimed()
      const payment = await reservation.payment()
      await bench().ledger.reopen(payment.id)
      const query = { ...payment, network: payment.terms?.network ?? '', payTo: PAY_TO, tiers: [] }
      expect(await bench().ledger.history(query)).toMatchObject({ known: false })
    })

    it('changes nothing for what was not delivered, and is amended in the chain once', async () => {
      const { reservation } = await make.claimed()
      for (let count = 0; count < 2; count++) await bench().ledger.reopen(reservation.paymentId)
      const { items } = await bench().ledger.receipts({ payment: reservation.paymentId }, { limit: 10 })
      expect(items.map(({ delivered }) => delivered)).toEqual([false, true, false])
      await expect(bench().ledger.reopen('pay_none')).rejects.toMatchObject({ refusal: { code: 'not_found' } })
      const { id } = await bench().openSession()
      const voided = await bench().reserve(bench().make.request(id, usd(1)))
      await voided.void(NEVER_SIGNED)
      await bench().ledger.reopen(voided.paymentId)
      expect(await voided.payment()).toMatchObject({ state: 'void', delivered: false })
    })
  })
}

function listing(bench: () => Bench): void {
  describe('recipients', () => {
    it('are listed with what was not delivered, what is disputed and what came back, by name, page by page', async () => {
      const { id } = await bench().openSession({ cap: usd(100) })
      const pay = async (host: string, end: 'delivered' | 'undelivered') => {
        const reservation = await bench().sign(bench().make.request(id, usd(2), { attempt: { host } }))
        await reservation.post(CLAIMED)
        if (end === 'delivered') await reservation.delivered(COMPLETE)
        reservation.release()
        return reservation.paymentId
      }
      const refunded = await pay('c.example', 'delivered')
      await pay('a.example', 'undelivered')
      await pay('a.example', 'undelivered')
      await pay('a.example', 'delivered')
      await pay('b.example', 'delivered')
      await pay('b.example', 'undelivered')
      await bench().settled(id)
      await bench().ledger.refund({ paymentId: refunded, source: '1', amountAtomic: usd(1), evidence: 'seen', by: 'ann', at: 0 })
      const first = await bench().ledger.recipients({ limit: 2 })
      const place = { payTo: PAY_TO, network: 'eip155:84532' }
      expect(first.items).toEqual([
        { ...place, host: 'a.example', undelivered: 2, disputed: 2, disputedAmount: { USD: usd(4) }, refundedAmount: {} },
        { ...place, host: 'b.example', undelivered: 1, disputed: 1, disputedAmount: { USD: usd(2) }, refundedAmount: {} },
      ])
      const second = await bench().ledger.recipients({ limit: 2, cursor: first.next ?? '' })
      expect(second).toEqual({
        items: [{ ...place, host: 'c.example', undelivered: 0, disputed: 0, disputedAmount: {}, refundedAmount: { USD: usd(1) } }],
        next: null,
      })
      await expect(bench().ledger.recipients({ limit: 2, cursor: 'nonsense' })).rejects.toMatchObject({
        refusal: { code: 'request_invalid' },
      })
    })
  })
}
