/** Proof: what chains, time and people find out about a payment after its attempt (G4). */
import { describe, expect, it } from 'vitest'
import type { Finding } from '../../src/ledger/findings.ts'
import { EXPIRY_GRACE_MS, UNDELIVERED_TTL_MS } from '../../src/limits.ts'
import { CLAIMED, COMPLETE, CONFIRMABLE, PAY_TO, usd } from '../ledger/fixtures.ts'
import type { Bench } from './ledger.ts'
import { DEAD, END, EXPIRED, HASH, SETTLED, states } from './ledger-findings.ts'

export function proofConformance(bench: () => Bench): void {
  resolving(bench)
  correcting(bench)
}

function resolving(bench: () => Bench): void {
  const make = states(bench)
  const find = (id: string, finding: Finding) => bench().ledger.resolve(id, finding)

  describe('a finding', () => {
    it.each(['signed', 'sent', 'unknown', 'expired'] as const)(
      'that the transfer happened settles what is %s, and held is spent',
      async (from) => {
        const { session, reservation } = await make[from]()
        const payment = await find(reservation.paymentId, SETTLED)
        expect(payment).toMatchObject({
          state: 'settled',
          evidence: 'confirmed',
          transaction: HASH,
          block: '77',
          settlement: SETTLED.reason,
        })
        expect(await bench().balance(session)).toEqual({ spent: usd(3), held: 0n, payments: 1 })
        expect(await find(reservation.paymentId, SETTLED)).toEqual(payment)
        expect(await bench().balance(session)).toEqual({ spent: usd(3), held: 0n, payments: 1 })
      },
    )

    it.each(['signed', 'sent', 'unknown', 'expired', 'claimed'] as const)(
      'that it can never happen frees what is %s, everywhere',
      async (from) => {
        const { session, reservation } = await make[from]()
        const payment = await find(reservation.paymentId, DEAD)
        expect(payment).toMatchObject({ state: 'void', evidence: 'confirmed', block: '78', settlement: DEAD.reason })
        expect(await bench().balance(session)).toEqual({ spent: 0n, held: 0n, payments: 0 })
        expect(await find(reservation.paymentId, DEAD)).toEqual(payment)
        expect(await bench().balance(session)).toEqual({ spent: 0n, held: 0n, payments: 0 })
      },
    )

    it.each(['signed', 'sent', 'unknown'] as const)('that nobody can tell counts what is %s as spent', async (from) => {
      const { session, reservation } = await make[from]()
      const payment = await find(reservation.paymentId, EXPIRED)
      expect(payment).toMatchObject({ state: 'expired', evidence: null, settlement: EXPIRED.reason })
      expect(await bench().balance(session)).toEqual({ spent: usd(3), held: 0n, payments: 1 })
      expect(await find(reservation.paymentId, EXPIRED)).toEqual(payment)
    })

    it('confirms a server’s word, with the transaction that the chain names', async () => {
      const { session, reservation } = await make.claimed()
      expect(await find(reservation.paymentId, SETTLED)).toMatchObject({ state: 'settled', evidence: 'confirmed', transaction: HASH })
      expect(await bench().balance(session)).toEqual({ spent: usd(3), held: 0n, payments: 1 })
    })

    it.each([
      ['confirmed', DEAD],
      ['confirmed', SETTLED],
      ['void', SETTLED],
      ['void', EXPIRED],
    ] as const)('never contradicts what is final: %s', async (from, finding) => {
      const { session, reservation } = await make[from]()
      const before = [await reservation.payment(), await bench().balance(session)]
      await expect(find(reservation.paymentId, finding)).rejects.toMatchObject({ refusal: { code: 'conflict' } })
      expect([await reservation.payment(), await bench().balance(session)]).toEqual(before)
    })

    it('says nothing about what was never signed, nor about what is not there', async () => {
      const { id } = await bench().openSession()
      const reserved = await bench().reserve(bench().make.request(id, usd(1)))
      for (const finding of [SETTLED, DEAD, EXPIRED]) {
        await expect(find(reserved.paymentId, finding)).rejects.toMatchObject({ refusal: { code: 'conflict' } })
        await expect(find('pay_none', finding)).rejects.toMatchObject({ refusal: { code: 'not_found' } })
      }
    })

    it('is written into the chain of receipts, and told, once', async () => {
      const { reservation } = await make.unknown()
      bench().told.length = 0
      for (let count = 0; count < 2; count++) await find(reservation.paymentId, EXPIRED)
      for (let count = 0; count < 2; count++) await find(reservation.paymentId, DEAD)
      const { items } = await bench().ledger.receipts({ payment: reservation.paymentId }, { limit: 10 })
      expect(items.map(({ kind, state }) => `${kind} ${state}`)).toEqual(['amendment void', 'amendment expired', 'conclusion unknown'])
      expect(items[0]).toMatchObject({ evidence: 'confirmed', block: '78' })
      const { paymentId } = reservation
      expect(bench().told).toEqual([`${paymentId} expired`, `${paymentId} found expired`, `${paymentId} void`, `${paymentId} found void`])
      expect(await bench().ledger.verifyReceipts()).toMatchObject({ ok: true })
    })

    it('gives back limits, windows, frequency and pin with what never moved', async () => {
      const limits = { perTool: { '*': usd(3) }, perWindow: [{ max: usd(3), per_ms: 60_000 }], payments: 1 }
      const { id } = await bench().openSession({ limits })
      const request = bench().make.request(id, usd(3), { pin: true })
      const reservation = await bench().sign(request)
      await reservation.leaveUnknown('why')
      await find(reservation.paymentId, EXPIRED)
      expect(await bench().verdict(bench().make.request(id, usd(1)))).toBe('payment_count_exceeded')
      await find(reservation.paymentId, DEAD)
      const { attempt } = request
      const { pinnedPayTo, frequency } = await bench().ledger.history({
        ...attempt,
        network: attempt.terms.network,
        payTo: PAY_TO,
        tiers: [{ tier: attempt.tier, max: 9, per_ms: 60_000 }],
      })
      expect([pinnedPayTo, frequency[attempt.tier]?.count]).toEqual([undefined, 0])
      expect(await bench().verdict(bench().make.request(id, usd(3)))).toBe('reserved')
    })

    it('makes known only whom the chain has confirmed, where it can be asked, and nobody by a lie', async () => {
      const { id } = await bench().openSession({ networks: [CONFIRMABLE] })
      const request = bench().make.request(id, usd(1), { terms: { network: CONFIRMABLE } })
      const reservation = await bench().sign(request)
      await reservation.post(CLAIMED)
      await reservation.delivered(COMPLETE)
      const known = async () => (await bench().ledger.history({ ...request.attempt, network: CONFIRMABLE, payTo: PAY_TO, tiers: [] })).known
      expect(await known()).toBe(false)
      await find(reservation.paymentId, SETTLED)
      expect(await known()).toBe(true)
      const { session, reservation: liar } = await make.claimed()
      expect(session).not.toBe(id)
      await find(liar.paymentId, DEAD)
      expect(await liar.payment()).toMatchObject({ state: 'void', delivered: true })
    })

    it('forgets the recipient of a settlement that never was', async () => {
      const { reservation } = await make.claimed()
      const payment = await reservation.payment()
      const known = async () =>
        (await bench().ledger.history({ ...payment, network: payment.terms?.network ?? '', payTo: PAY_TO, tiers: [] })).known
      expect(await known()).toBe(true)
      await find(reservation.paymentId, DEAD)
      expect(await known()).toBe(false)
    })

    it('ends the purchase that it frees, and an expired one is a repeat for its time', async () => {
      const { id } = await bench().openSession({ expiresAt: bench().clock.now() + 86_400_000 })
      const [dead, expired] = [bench().make.request(id, usd(1)), bench().make.request(id, usd(1))]
      for (const request of [dead, expired]) {
        const reservation = await bench().sign(request)
        await reservation.leaveUnknown('why')
        reservation.release()
      }
      await find(dead.paymentId, DEAD)
      bench().clock.advance(3_600_000)
      await find(expired.paymentId, EXPIRED)
      expect(await bench().ledger.resume(dead.purchase)).toEqual({ kind: 'none' })
      bench().clock.advance(UNDELIVERED_TTL_MS - 1)
      const repeat = await bench().ledger.resume(expired.purchase)
      if (repeat.kind !== 'repeat') throw new Error(repeat.kind)
      repeat.reservation.release()
      bench().clock.advance(1)
      expect(await bench().ledger.resume(expired.purchase)).toEqual({ kind: 'none' })
    })

    it('takes a late word of the server for an expired one without counting it twice', async () => {
      const { session, reservation } = await make.expired()
      await reservation.post(CLAIMED)
      expect(await reservation.payment()).toMatchObject({ state: 'settled', evidence: 'claimed' })
      expect(await bench().balance(session)).toEqual({ spent: usd(3), held: 0n, payments: 1 })
    })
  })
}

function correcting(bench: () => Bench): void {
  const make = states(bench)
  const say = (paymentId: string, by: string, changes: { outcome?: 'settled' | 'void'; transaction?: string | null } = {}) =>
    bench().ledger.correct({
      paymentId,
      outcome: 'settled',
      transaction: HASH,
      evidence: `${by} saw it.`,
      by,
      at: bench().clock.now(),
      ...changes,
    })
  const conflict = { refusal: { code: 'conflict' } }

  describe('a correction', () => {
    it('needs two people who say the same, and keeps what both have seen', async () => {
      const { session, reservation } = await make.expired()
      const { paymentId } = reservation
      expect(await say(paymentId, 'ann')).toMatchObject({ kind: 'proposed', correction: { by: 'ann' } })
      expect(await say(paymentId, 'ann')).toMatchObject({ kind: 'proposed' })
      expect(await reservation.payment()).toMatchObject({ state: 'expired' })
      expect(await say(paymentId, 'bob')).toMatchObject({
        kind: 'applied',
        payment: { state: 'settled', evidence: 'operator', transaction: HASH, settlement: 'ann: “ann saw it.”; bob: “bob saw it.”' },
      })
      expect(await bench().balance(session)).toEqual({ spent: usd(3), held: 0n, payments: 1 })
      expect(await say(paymentId, 'bob')).toMatchObject({ kind: 'applied', payment: { state: 'settled' } })
    })

    it('that two people disagree on changes nothing, and the first may think again', async () => {
      const { reservation } = await make.expired()
      const { paymentId } = reservation
      bench().clock.advance(END + EXPIRY_GRACE_MS - bench().clock.now())
      await say(paymentId, 'ann')
      await expect(say(paymentId, 'bob', { outcome: 'void' })).rejects.toMatchObject(conflict)
      await expect(say(paymentId, 'bob', { transaction: `0x${'11'.repeat(32)}` })).rejects.toMatchObject(conflict)
      await say(paymentId, 'ann', { outcome: 'void', transaction: null })
      expect(await say(paymentId, 'bob', { outcome: 'void', transaction: null })).toMatchObject({
        kind: 'applied',
        payment: { state: 'void' },
      })
    })

    it('frees what never moved only when its authorization cannot be taken any more', async () => {
      const { session, reservation } = await make.unknown()
      const { paymentId } = reservation
      bench().clock.advance(END + EXPIRY_GRACE_MS - 1 - bench().clock.now())
      await expect(say(paymentId, 'ann', { outcome: 'void' })).rejects.toMatchObject(conflict)
      bench().clock.advance(1)
      await say(paymentId, 'ann', { outcome: 'void', transaction: null })
      await say(paymentId, 'bob', { outcome: 'void', transaction: null })
      expect(await bench().balance(session)).toEqual({ spent: 0n, held: 0n, payments: 0 })
    })

    it.each(['claimed', 'confirmed', 'void', 'signed'] as const)('is not for what is %s', async (from) => {
      const { reservation } = await make[from]()
      await expect(say(reservation.paymentId, 'ann')).rejects.toMatchObject(conflict)
      await expect(say('pay_none', 'ann')).rejects.toMatchObject({ refusal: { code: 'not_found' } })
    })

    it('gives way to the chain, where that agrees', async () => {
      const { reservation } = await make.expired()
      for (const by of ['ann', 'bob']) await say(reservation.paymentId, by, { transaction: null })
      expect(await bench().ledger.resolve(reservation.paymentId, SETTLED)).toMatchObject({ evidence: 'confirmed', transaction: HASH })
      await expect(bench().ledger.resolve(reservation.paymentId, DEAD)).rejects.toMatchObject(conflict)
    })
  })
}
