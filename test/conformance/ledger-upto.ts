/** Payments of up to an amount: the whole counts until the chain shows what was taken, and then that (G1, G4). */
import { describe, expect, it } from 'vitest'
import type { Reservation } from '../../src/ledger/ledger.ts'
import { CLAIMED, COMPLETE, usd } from '../ledger/fixtures.ts'
import type { Bench } from './ledger.ts'
import { DEAD, EXPIRED, SETTLED } from './ledger-findings.ts'

const UPTO = { scheme: 'upto', method: 'permit2' } as const
const TAKEN = { ...SETTLED, transaction: CLAIMED.transaction ?? '' }

export function uptoConformance(bench: () => Bench): void {
  const open = async () => {
    const parent = await bench().openSession({ cap: usd(10) })
    const limits = { perTool: { '*': usd(4) } }
    return (await bench().openSession({ cap: usd(5), parent: parent.id, limits })).id
  }
  const upto = (session: string, amount = usd(3)) => bench().make.request(session, amount, { terms: UPTO })
  const find = (reservation: Reservation, amountAtomic?: bigint) =>
    bench().ledger.resolve(reservation.paymentId, { ...TAKEN, ...(amountAtomic !== undefined && { amountAtomic }) })
  const outcomes: Record<string, (reservation: Reservation) => Promise<void>> = {
    unknown: (reservation) => reservation.leaveUnknown('No word on the settlement.'),
    settled: (reservation) => reservation.post(CLAIMED),
    expired: async (reservation) => {
      await reservation.leaveUnknown('No word on the settlement.')
      await bench().ledger.resolve(reservation.paymentId, EXPIRED)
    },
  }

  describe('a payment of up to an amount', () => {
    it('keeps its way of paying through a restart', async () => {
      const session = await open()
      const reservation = await bench().sign(upto(session))
      await reservation.post(CLAIMED)
      const ledger = await bench().store.restart()
      const payment = await ledger.payment(reservation.paymentId)
      expect(payment?.terms).toMatchObject({ ...UPTO, amountAtomic: usd(3) })
      expect((await ledger.receipts({ payment: reservation.paymentId }, { limit: 1 })).items).toMatchObject([{ scheme: 'upto' }])
    })

    it.each(Object.keys(outcomes))(
      'that is %s counts whole, until the chain shows that less was taken; then the rest is free, once',
      async (outcome) => {
        const session = await open()
        const parent = (await bench().ledger.session(session))?.parent ?? ''
        const reservation = await bench().sign(upto(session))
        await outcomes[outcome]?.(reservation)
        const { spent, held } = await bench().balance(session)
        expect(spent + held).toBe(usd(3))
        expect(await bench().verdict(upto(session, usd(2)))).toBe('tool_limit_exceeded')
        for (let count = 0; count < 2; count++) {
          expect(await find(reservation, 1_250_000n)).toMatchObject({
            state: 'settled',
            evidence: 'confirmed',
            terms: { amountAtomic: 1_250_000n, amount: usd(1.25) },
          })
          for (const id of [session, parent]) {
            expect(await bench().balance(id)).toEqual({ spent: usd(1.25), held: 0n, payments: 1 })
          }
        }
        expect(await bench().verdict(upto(session, usd(2)))).toBe('reserved')
        expect(await bench().ledger.verifyReceipts()).toMatchObject({ ok: true })
        const { items } = await bench().ledger.receipts({ payment: reservation.paymentId }, { limit: 9 })
        expect([items.at(0)?.amount, items.at(-1)?.amount]).toEqual(['1.25', '3.00'])
      },
    )

    it('that took it all, or of which more is told than was signed for, comes to all of it', async () => {
      for (const amountAtomic of [usd(3), usd(4)]) {
        const session = await open()
        const reservation = await bench().sign(upto(session))
        await reservation.post(CLAIMED)
        expect(await find(reservation, amountAtomic)).toMatchObject({ terms: { amountAtomic: usd(3), amount: usd(3) } })
        expect(await bench().balance(session)).toEqual({ spent: usd(3), held: 0n, payments: 1 })
      }
    })

    it('whose share has no whole price is rounded against the payer', async () => {
      const session = await open()
      const request = bench().make.request(session, 10n, { terms: { ...UPTO, amountAtomic: 1_000n } })
      const reservation = await bench().sign(request)
      await reservation.post(CLAIMED)
      expect(await find(reservation, 101n)).toMatchObject({ terms: { amountAtomic: 101n, amount: 2n } })
    })

    it('that can never be taken any more is free as a whole', async () => {
      const session = await open()
      const reservation = await bench().sign(upto(session))
      await reservation.leaveUnknown('The server says that it took nothing.')
      await reservation.delivered(COMPLETE)
      await bench().ledger.resolve(reservation.paymentId, DEAD)
      expect(await bench().balance(session)).toEqual({ spent: 0n, held: 0n, payments: 0 })
    })

    it('takes no other payment’s place, and none takes its own: they have other nonces', async () => {
      const session = await open()
      const request = upto(session, usd(1))
      const reservation = await bench().sign(request)
      await reservation.leaveUnknown('Another challenge came.')
      for (const terms of [UPTO, {}]) {
        const next = bench().make.request(session, usd(1), { nonce: request.nonce, replaces: request.paymentId, terms })
        await expect(bench().ledger.reserve(next)).rejects.toThrow('cannot be replaced')
      }
    })
  })
}
