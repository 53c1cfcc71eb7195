/** Purchases: one intent, at most one payment, however often the request comes (G3, R1 to R3). */
import { describe, expect, it } from 'vitest'
import { KEYED_PURCHASE_TTL_MS, UNDELIVERED_TTL_MS } from '../../src/limits.ts'
import { BROKEN, CLAIMED, COMPLETE, NEVER_SIGNED, usd } from '../ledger/fixtures.ts'
import type { Bench } from './ledger.ts'

export function purchasesConformance(bench: () => Bench): void {
  const unkeyed = { fingerprint: 'same' }
  const keyed = { fingerprint: 'same', keyDigest: 'key' }
  const day = { expiresAt: Number.MAX_SAFE_INTEGER }

  describe('a purchase without a key', () => {
    it('is its own while all its requesters wait', async () => {
      const { id } = await bench().openSession()
      const [one, two] = [bench().make.request(id, usd(1), unkeyed), bench().make.request(id, usd(1), unkeyed)]
      await bench().sign(one)
      expect(await bench().ledger.resume(two.purchase)).toEqual({ kind: 'none' })
      expect(await bench().verdict(two)).toBe('reserved')
    })

    it('is joined once its requester is gone and the attempt still runs', async () => {
      const { id } = await bench().openSession()
      const request = bench().make.request(id, usd(1), unkeyed)
      const reservation = await bench().sign(request)
      reservation.orphan()
      expect(await bench().ledger.resume(request.purchase)).toEqual({ kind: 'in_progress', purchaseId: request.purchaseId })
    })

    it('is taken over once, with what was signed, when its attempt is over and the outcome unknown', async () => {
      const { id } = await bench().openSession()
      const request = bench().make.request(id, usd(1), unkeyed)
      const reservation = await bench().sign(request)
      await reservation.leaveUnknown('why')
      reservation.release()
      const repeat = await bench().ledger.resume(request.purchase)
      expect(repeat).toMatchObject({
        kind: 'repeat',
        reservation: {
          purchaseId: request.purchaseId,
          paymentId: request.paymentId,
          nonce: request.nonce,
          authorization: { headers: ['X-PAYMENT', `signed ${request.nonce}`] },
        },
      })
      expect(await bench().ledger.resume(request.purchase)).toEqual({ kind: 'none' })
    })

    it('goes to one of many identical requests only', async () => {
      const { id } = await bench().openSession()
      const request = bench().make.request(id, usd(1), unkeyed)
      const reservation = await bench().sign(request)
      reservation.release()
      const kinds = await Promise.all([1, 2, 3].map(async () => (await bench().ledger.resume(request.purchase)).kind))
      expect(kinds.sort()).toEqual(['none', 'none', 'repeat'])
    })

    it('ends with a complete 2xx', async () => {
      const { id } = await bench().openSession()
      const request = bench().make.request(id, usd(1), unkeyed)
      const reservation = await bench().sign(request)
      await reservation.post(CLAIMED)
      await reservation.delivered(COMPLETE)
      reservation.release()
      expect(await bench().ledger.resume(request.purchase)).toEqual({ kind: 'none' })
    })

    it('that was settled and not delivered is a repeat for its time', async () => {
      const { id } = await bench().openSession()
      const request = bench().make.request(id, usd(1), unkeyed)
      const reservation = await bench().sign(request)
      await reservation.post(CLAIMED)
      await reservation.delivered(BROKEN)
      reservation.release()
      bench().clock.advance(UNDELIVERED_TTL_MS - 1)
      const repeat = await bench().ledger.resume(request.purchase)
      expect(repeat.kind).toBe('repeat')
      if (repeat.kind === 'repeat') repeat.reservation.release()
      bench().clock.advance(1)
      expect(await bench().ledger.resume(request.purchase)).toEqual({ kind: 'none' })
    })

    it('that is unknown is a repeat however old', async () => {
      const { id } = await bench().openSession(day)
      const request = bench().make.request(id, usd(1), unkeyed)
      const reservation = await bench().sign(request)
      await reservation.leaveUnknown('why')
      reservation.release()
      bench().clock.advance(30 * 86_400_000)
      expect((await bench().ledger.resume(request.purchase)).kind).toBe('repeat')
    })

    it('ends when it is voided', async () => {
      const { id } = await bench().openSession()
      const request = bench().make.request(id, usd(1), unkeyed)
      const reservation = await bench().reserve(request)
      await reservation.void(NEVER_SIGNED)
      reservation.release()
      expect(await bench().ledger.resume(request.purchase)).toEqual({ kind: 'none' })
    })

    it('that was left before anything was signed is void when it is met, and nothing can be signed for it any more', async () => {
      const { id } = await bench().openSession()
      const request = bench().make.request(id, usd(1), unkeyed)
      const reservation = await bench().reserve(request)
      reservation.release()
      expect(await bench().ledger.resume(request.purchase)).toEqual({ kind: 'none' })
      expect(await bench().balance(id)).toMatchObject({ held: 0n })
      expect(await reservation.payment()).toMatchObject({ state: 'void' })
    })

    it('is not met by another session, fingerprint or key', async () => {
      const [one, two] = [await bench().openSession(), await bench().openSession()]
      const request = bench().make.request(one.id, usd(1), unkeyed)
      const reservation = await bench().sign(request)
      reservation.release()
      const others = [{ sessionId: two.id }, { fingerprint: 'other' }, { keyDigest: 'key' }]
      for (const other of others) expect(await bench().ledger.resume({ ...request.purchase, ...other })).toEqual({ kind: 'none' })
    })
  })

  describe('a purchase with a key', () => {
    it('is always joined', async () => {
      const { id } = await bench().openSession()
      const request = bench().make.request(id, usd(1), keyed)
      expect(await bench().ledger.resume(request.purchase)).toEqual({ kind: 'none' })
      await bench().sign(request)
      expect(await bench().ledger.resume(request.purchase)).toEqual({ kind: 'in_progress', purchaseId: request.purchaseId })
    })

    it('is reserved once, however many come at the same time', async () => {
      const { id } = await bench().openSession()
      const results = await Promise.all([1, 2, 3].map(() => bench().ledger.reserve(bench().make.request(id, usd(1), keyed))))
      expect(results.map(({ kind }) => kind)).toEqual(['reserved', 'in_progress', 'in_progress'])
      expect(await bench().balance(id)).toMatchObject({ payments: 1 })
    })

    it('refuses the key for another request, in either step', async () => {
      const { id } = await bench().openSession()
      await bench().sign(bench().make.request(id, usd(1), keyed))
      const other = bench().make.request(id, usd(1), { ...keyed, fingerprint: 'other' })
      expect(await bench().ledger.resume(other.purchase)).toEqual({ kind: 'key_reused' })
      expect(await bench().ledger.reserve(other)).toEqual({ kind: 'key_reused' })
    })

    it('that was delivered stays to be joined for its time, and its key with it', async () => {
      const { id } = await bench().openSession(day)
      const request = bench().make.request(id, usd(1), keyed)
      const reservation = await bench().sign(request)
      await reservation.post(CLAIMED)
      await reservation.delivered(COMPLETE)
      reservation.release()
      bench().clock.advance(KEYED_PURCHASE_TTL_MS - 1)
      const repeat = await bench().ledger.resume(request.purchase)
      if (repeat.kind !== 'repeat') throw new Error(`expected a repeat, got ${repeat.kind}`)
      expect(await repeat.reservation.payment()).toMatchObject({ state: 'settled', delivered: true })
      repeat.reservation.release()
      expect(await bench().ledger.resume({ ...request.purchase, fingerprint: 'other' })).toEqual({ kind: 'key_reused' })
      bench().clock.advance(1)
      expect(await bench().ledger.resume({ ...request.purchase, fingerprint: 'other' })).toEqual({ kind: 'none' })
    })

    it('that was settled and not delivered is a repeat for a day', async () => {
      const { id } = await bench().openSession(day)
      const request = bench().make.request(id, usd(1), keyed)
      const reservation = await bench().sign(request)
      await reservation.post(CLAIMED)
      reservation.release()
      bench().clock.advance(KEYED_PURCHASE_TTL_MS - 1)
      expect((await bench().ledger.resume(request.purchase)).kind).toBe('repeat')
    })

    it('that was voided leaves its key free', async () => {
      const { id } = await bench().openSession()
      const reservation = await bench().reserve(bench().make.request(id, usd(1), keyed))
      await reservation.void(NEVER_SIGNED)
      expect(await bench().verdict(bench().make.request(id, usd(1), { ...keyed, fingerprint: 'other' }))).toBe('reserved')
    })
  })

  describe('a purchase of a run that is gone', () => {
    it.each([unkeyed, keyed])('is taken over, whoever waited then: %j', async (how) => {
      const { id } = await bench().openSession()
      const request = bench().make.request(id, usd(1), how)
      const reservation = await bench().sign(request)
      reservation.orphan()
      await bench().store.restart()
      expect((await bench().ledger.resume(request.purchase)).kind).toBe('repeat')
    })
  })
}
