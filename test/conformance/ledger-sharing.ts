/** Sharing: several runs on one ledger buy once, sign alone, and never look into the same payment (R3, R5, R8). */
import { describe, expect, it } from 'vitest'
import { PURCHASE_LEASE_MS } from '../../src/limits.ts'
import { approvalOf } from '../approval/facts.ts'
import { authorizationFor, CLAIMED, NEVER_SENT, usd } from '../ledger/fixtures.ts'
import type { Bench } from './ledger.ts'

export function sharingConformance(bench: () => Bench): void {
  describe('two runs on one ledger', () => {
    it('buy the same thing once: the other one is told that it is in progress, until nobody works on it', async () => {
      const other = await bench().second()
      const { id } = await bench().openSession({ expiresAt: bench().clock.now() + 86_400_000 })
      const request = bench().make.request(id, usd(1), { fingerprint: 'same' })
      const reservation = await bench().sign(request)
      const inProgress = { kind: 'in_progress', purchaseId: request.purchaseId }
      expect(await other.resume(request.purchase)).toEqual(inProgress)
      expect(await other.reserve(bench().make.request(id, usd(1), { fingerprint: 'same' }))).toEqual(inProgress)
      reservation.orphan()
      await bench().settled(id)
      expect(await other.resume(request.purchase)).toEqual(inProgress)
      reservation.release()
      await bench().settled(id)
      expect(await other.resume(request.purchase)).toMatchObject({ kind: 'repeat', reservation: { paymentId: request.paymentId } })
      expect(await bench().ledger.resume(request.purchase)).toEqual(inProgress)
    })

    it('leave each other’s attempts alone until their lease is over', async () => {
      const other = await bench().second()
      const { id } = await bench().openSession({ expiresAt: bench().clock.now() + 86_400_000 })
      const request = bench().make.request(id, usd(1), { fingerprint: 'same' })
      const reservation = await bench().sign(request)
      expect(await other.takeOver()).toBe(0)
      bench().clock.advance(PURCHASE_LEASE_MS)
      expect(await other.resume(request.purchase)).toMatchObject({ kind: 'repeat' })
      reservation.release()
      await bench().settled(id)
      expect(await bench().ledger.resume(request.purchase)).toEqual({ kind: 'in_progress', purchaseId: request.purchaseId })
    })

    it('cannot sign or take back what the other one reserved', async () => {
      const other = await bench().second()
      const { id } = await bench().openSession()
      const request = bench().make.request(id, usd(1), { keyDigest: 'key' })
      const signed = await bench().sign(request)
      signed.release()
      await bench().settled(id)
      const resumed = await other.resume(request.purchase)
      if (resumed.kind !== 'repeat') throw new Error(resumed.kind)
      await expect(resumed.reservation.void(NEVER_SENT)).rejects.toMatchObject({ refusal: { code: 'conflict' } })
      await expect(resumed.reservation.record(authorizationFor(request))).rejects.toMatchObject({ refusal: { code: 'conflict' } })
      await resumed.reservation.post(CLAIMED)
      expect(await bench().balance(id)).toMatchObject({ spent: usd(1), held: 0n })
    })

    it('never hold more together than a cap allows', async () => {
      const other = await bench().second()
      const { id } = await bench().openSession({ cap: usd(25) })
      const ledgers = [bench().ledger, other]
      const elsewhere = await bench().openSession({ cap: usd(25) })
      // Both have their connections by then, so that they really meet.
      for (const ledger of ledgers) await ledger.reserve(bench().make.request(elsewhere.id, usd(1)))
      const results = await Promise.all(
        Array.from({ length: 100 }, (_, index) => (ledgers[index % 2] ?? other).reserve(bench().make.request(id, usd(1)))),
      )
      expect(results.filter(({ kind }) => kind === 'reserved')).toHaveLength(25)
      expect(await bench().balance(id)).toEqual({ spent: 0n, held: usd(25), payments: 25 })
    })

    it('never look into the same payment at the same time', async () => {
      const other = await bench().second()
      const { id } = await bench().openSession({ cap: usd(100) })
      for (let count = 0; count < 20; count++) {
        const reservation = await bench().sign(bench().make.request(id, usd(1)))
        await reservation.leaveUnknown('why')
      }
      const rounds = await Promise.all(
        [bench().ledger, other, bench().ledger, other].map((ledger) => ledger.claimUnproven({ networks: [], limit: 7 })),
      )
      const ids = rounds.flat().map((payment) => payment.id)
      expect(new Set(ids).size).toBe(ids.length)
      expect(ids.length).toBeGreaterThan(0)
    })

    it('give an approval to one of them, and both hear of it', async () => {
      const other = await bench().second()
      const { id: sessionId } = await bench().openSession()
      const approval = approvalOf({ ids: bench().ids, now: bench().clock.now(), sessionId }, { state: 'approved' })
      const told: string[] = []
      const stop = other.approvals.watchApprovals((id) => told.push(id))
      await bench().ledger.approvals.insertApproval(approval)
      await expect.poll(() => told, { timeout: 2_000 }).toEqual([approval.id])
      const used = { ...approval, state: 'used', version: 2 } as const
      const stores = [bench().ledger.approvals, other.approvals]
      const claims = await Promise.all(Array.from({ length: 20 }, (_, index) => stores[index % 2]?.replaceApproval(used)))
      expect(claims.filter((won) => won)).toHaveLength(1)
      const asked = await Promise.all(stores.map((store) => store.insertApproval(approvalOf({ ids: bench().ids, now: 1, sessionId }))))
      expect(asked.filter((opened) => opened)).toHaveLength(1)
      const uses = await Promise.all(stores.map((store) => store.useOnce('one link', bench().clock.now() + 1_000)))
      expect(uses.filter((first) => first)).toHaveLength(1)
      stop()
    })

    it('tell each other what changes', async () => {
      const other = await bench().second()
      const { id } = await bench().openSession()
      const { told, stop } = bench().watch()
      await other.revoke(id)
      await other.announcePolicy('policy 2')
      await expect.poll(told, { timeout: 2_000 }).toEqual(
        expect.arrayContaining([
          { kind: 'session_ended', sessionId: id },
          { kind: 'policy', version: 'policy 2' },
        ]),
      )
      expect(await bench().ledger.session(id)).toMatchObject({ status: 'revoked' })
      stop()
    })
  })
}
