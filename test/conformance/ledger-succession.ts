/** Succession: a payment that takes the place of another one with its nonce, so that a purchase is settled once (G3). */
import { describe, expect, it } from 'vitest'
import type { Reservation, ReserveRequest } from '../../src/ledger/ledger.ts'
import { CLAIMED, COMPLETE, NEVER_SENT, NEVER_SIGNED, usd } from '../ledger/fixtures.ts'
import type { Bench } from './ledger.ts'

const DEAD = { kind: 'dead', evidence: 'confirmed', block: 7n, reason: 'Unused.' } as const
const TAKEN = { kind: 'settled', evidence: 'confirmed', transaction: `0x${'ab'.repeat(32)}`, block: 7n, reason: 'Shown.' } as const

export function successionConformance(bench: () => Bench): void {
  const make = {
    /** Signed, out, and answered by another challenge. */
    async first(keyDigest?: string): Promise<{ request: ReserveRequest; reservation: Reservation; session: string }> {
      const { id } = await bench().openSession()
      const request = bench().make.request(id, usd(1), { fingerprint: 'same', ...(keyDigest ? { keyDigest } : {}) })
      const reservation = await bench().sign(request)
      await reservation.leaveUnknown('Another challenge.')
      return { request, reservation, session: id }
    },
    next({ purchase, nonce, paymentId }: ReserveRequest, amount = usd(3)): ReserveRequest {
      const { fingerprint, keyDigest, sessionId } = purchase
      const keyed = keyDigest === null ? {} : { keyDigest }
      return bench().make.request(sessionId, amount, { fingerprint, nonce, replaces: paymentId, ...keyed })
    },
  }
  /** Which payment a repeat of the purchase finds. */
  const found = async ({ purchase }: ReserveRequest) => {
    const resumed = await bench().ledger.resume(purchase)
    if (resumed.kind === 'repeat') resumed.reservation.release()
    return resumed.kind === 'repeat' ? resumed.reservation.paymentId : resumed.kind
  }

  describe.each([
    ['without a key', undefined],
    ['with a key', 'key'],
  ])('a payment that takes the place of another one, %s', (_name, key) => {
    it('has its nonce, and both are held', async () => {
      const { request, session } = await make.first(key)
      const next = make.next(request)
      const reservation = await bench().sign(next)
      expect(await reservation.payment()).toMatchObject({
        state: 'signed',
        nonce: request.nonce,
        replaces: request.paymentId,
        replacedBy: null,
      })
      expect(await bench().ledger.payment(request.paymentId)).toMatchObject({
        state: 'unknown',
        nonce: request.nonce,
        replacedBy: next.paymentId,
      })
      expect(await bench().balance(session)).toEqual({ spent: 0n, held: usd(4), payments: 2 })
    })

    it('is what a repeat presents, and nothing is bought beside it', async () => {
      const { request, reservation } = await make.first(key)
      const next = await bench().sign(make.next(request))
      reservation.release()
      expect(await found(request)).toBe(key ? 'in_progress' : 'none')
      next.release()
      expect(await found(request)).toBe(next.paymentId)
    })

    it.each([
      ['was never signed', 'reserved'],
      ['never left', 'signed'],
      ['was proven dead', 'dead'],
    ] as const)('gives it back where it %s', async (_why, end) => {
      const { request, reservation, session } = await make.first(key)
      const next = make.next(request)
      const second = end === 'reserved' ? await bench().reserve(next) : await bench().sign(next)
      if (end === 'dead') {
        await second.leaveUnknown('No answer.')
        await bench().ledger.resolve(next.paymentId, DEAD)
      } else await second.void(end === 'reserved' ? NEVER_SIGNED : NEVER_SENT)
      reservation.release()
      expect(await found(request)).toBe(request.paymentId)
      expect(await bench().ledger.payment(request.paymentId)).toMatchObject({ replacedBy: null })
      expect(await bench().balance(session)).toEqual({ spent: 0n, held: usd(1), payments: 1 })
    })

    it('ends the purchase where both are dead', async () => {
      const { request } = await make.first(key)
      const next = make.next(request)
      await (await bench().sign(next)).leaveUnknown('No answer.')
      for (const id of [request.paymentId, next.paymentId]) await bench().ledger.resolve(id, DEAD)
      expect(await found(request)).toBe('none')
    })

    it('gives nothing back where its answer was delivered: the purchase is over, whichever of the two was taken', async () => {
      const { request, reservation, session } = await make.first(key)
      const next = await bench().sign(make.next(request))
      await next.post(CLAIMED)
      await next.delivered(COMPLETE)
      next.release()
      reservation.release()
      await bench().ledger.resolve(request.paymentId, TAKEN)
      await bench().ledger.resolve(next.paymentId, DEAD)
      expect(await found(request)).toBe('none')
      expect(await bench().balance(session)).toEqual({ spent: usd(1), held: 0n, payments: 1 })
    })

    it('is not reserved where the other one can be taken no more, or has a successor', async () => {
      const { request } = await make.first(key)
      await bench().reserve(make.next(request))
      expect(await bench().verdict(make.next(request))).toBe('decide_again')
      const other = await make.first(key ? 'other key' : undefined)
      await bench().ledger.resolve(other.request.paymentId, DEAD)
      expect(await bench().verdict(make.next(other.request))).toBe('decide_again')
    })

    it('G1: is refused where both do not fit, and then the other one keeps its purchase', async () => {
      const { request, reservation } = await make.first(key)
      expect(await bench().verdict(make.next(request, usd(24.5)))).toBe('spending_limit_exceeded')
      reservation.release()
      expect(await found(request)).toBe(request.paymentId)
    })

    it('that was not signed when its run ended is free again, and the other one is presented', async () => {
      const { request } = await make.first(key)
      await bench().reserve(make.next(request))
      await bench().settled(request.purchase.sessionId)
      await bench().store.restart()
      expect(await found(request)).toBe(request.paymentId)
    })
  })

  it.each([
    ['another nonce', { nonce: `0x${'11'.repeat(32)}` as const }],
    ['another token', { terms: { asset: { symbol: 'EURC', address: `0x${'22'.repeat(20)}`, decimals: 6 } } }],
    ['another wallet', { terms: { payer: `0x${'33'.repeat(20)}` } }],
  ])('G3: one of %s does not take the place of a payment', async (_name, changes) => {
    const { request } = await make.first()
    const { purchase, nonce, paymentId } = request
    const strange = bench().make.request(purchase.sessionId, usd(1), { fingerprint: 'same', nonce, replaces: paymentId, ...changes })
    await expect(bench().ledger.reserve(strange)).rejects.toThrow('cannot be replaced')
  })

  describe('on Solana, where the chain knows no nonce,', () => {
    const terms = { network: 'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1' }

    it('G3: nothing takes the place of a payment, because both could settle', async () => {
      const { id } = await bench().openSession()
      const request = bench().make.request(id, usd(1), { fingerprint: 'same', terms })
      await (await bench().sign(request)).leaveUnknown('Another challenge.')
      const next = bench().make.request(id, usd(1), { fingerprint: 'same', terms, nonce: request.nonce, replaces: request.paymentId })
      await expect(bench().ledger.reserve(next)).rejects.toThrow('cannot be replaced')
    })

    it('G4: what a payment is looked for by is kept with it, and of no other payment', async () => {
      const { id } = await bench().openSession()
      const reservation = await bench().sign(bench().make.request(id, usd(1), { terms }))
      await (await bench().sign(bench().make.request(id, usd(1)))).leaveUnknown('No answer.')
      await reservation.leaveUnknown('No answer.')
      expect((await reservation.payment()).authorized).toBe(`0x${'5'.repeat(130)}`)
      await bench().store.restart()
      const { items } = await bench().ledger.payments({ session: id }, { limit: 10 })
      expect(items.map(({ authorized }) => authorized).sort()).toEqual([`0x${'5'.repeat(130)}`, undefined])
    })
  })
}
