/** What a ledger keeps besides payments: answers, its identity, the policy in force, and checkpoints (R1, R8, R17, R21). */
import { describe, expect, it } from 'vitest'
import { checkpointHash, isSigned } from '../../src/audit/checkpoint.ts'
import { SIGNER } from '../audit/checkpoint-fixture.ts'
import { CLAIMED, usd } from '../ledger/fixtures.ts'
import type { Bench } from './ledger.ts'

export function houseConformance(bench: () => Bench): void {
  answers(bench)
  identity(bench)
  policy(bench)
  checkpoints(bench)
  reports(bench)
}

function answers(bench: () => Bench): void {
  describe('an answer that was paid for', () => {
    it('is kept until it expires, the last one of each payment, over a restart too', async () => {
      const { id } = await bench().openSession()
      const { paymentId } = await bench().sign(bench().make.request(id, usd(1)))
      const expiresAt = bench().clock.now() + 1_000
      const answer = (text: string) => ({ sealed: new Uint8Array(Buffer.from(text)), expiresAt })
      expect(await bench().ledger.keptAnswer(paymentId)).toBeUndefined()
      await bench().ledger.keepAnswer(paymentId, answer('first'))
      await bench().ledger.keepAnswer(paymentId, answer('second'))
      await bench().store.restart()
      const kept = await bench().ledger.keptAnswer(paymentId)
      expect([Buffer.from(kept?.sealed ?? []).toString(), kept?.expiresAt]).toEqual(['second', expiresAt])
      bench().clock.advance(1_000)
      expect(await bench().ledger.keptAnswer(paymentId)).toBeUndefined()
    })
  })
}

function identity(bench: () => Bench): void {
  describe('the identity of a ledger', () => {
    it('stays, and a secret that differs from the one of whoever came first is refused by its name', async () => {
      const { ledgerId } = await bench().ledger.claimIdentity({ 'nonce key': 'a' })
      expect(ledgerId).toMatch(/^led_/)
      await bench().store.restart()
      expect(await bench().ledger.claimIdentity({ 'nonce key': 'a', 'receipt key': 'b' })).toEqual({ ledgerId })
      const other = bench().ledger.claimIdentity({ 'receipt key': 'c' })
      await expect(other).rejects.toMatchObject({ refusal: { code: 'conflict', detail: expect.stringContaining('receipt key') } })
    })
  })
}

function policy(bench: () => Bench): void {
  describe('the policy in force', () => {
    it('is the one that was announced last: what was decided by another one is refused, with both names', async () => {
      const { id } = await bench().openSession()
      const decided = (policyVersion: string) => bench().make.request(id, usd(1), { attempt: { policyVersion } })
      expect(await bench().verdict(decided('anything'))).toBe('reserved')
      await bench().ledger.announcePolicy('policy 1')
      expect(await bench().verdict(decided('policy 1'))).toBe('reserved')
      await bench().ledger.announcePolicy('policy 2')
      const result = await bench().ledger.reserve(decided('policy 1'))
      if (result.kind !== 'refused') throw new Error(result.kind)
      expect(result.refusal).toMatchObject({ code: 'policy_changed', detail: expect.stringMatching(/policy 1.*policy 2/) })
      await bench().store.restart()
      expect(await bench().verdict(decided('policy 1'))).toBe('policy_changed')
      expect(await bench().verdict(decided('policy 2'))).toBe('reserved')
    })

    it('and those before it are kept with their texts, each as it was announced first, newest first, over a restart too', async () => {
      const since = bench().clock.now()
      await bench().ledger.announcePolicy('policy 1', '{"a":1}')
      bench().clock.advance(1_000)
      await bench().ledger.announcePolicy('policy 2', '{"b":2}')
      await bench().ledger.announcePolicy('policy 1', '{"other":1}')
      await bench().ledger.announcePolicy('policy 3')
      await bench().store.restart()
      const one = { version: 'policy 1', text: '{"a":1}', since }
      expect(await bench().ledger.policyRecord('policy 1')).toEqual(one)
      expect(await bench().ledger.policyRecord('policy 3')).toBeUndefined()
      expect(await bench().ledger.policyRecords()).toEqual([{ version: 'policy 2', text: '{"b":2}', since: since + 1_000 }, one])
    })
  })
}

function checkpoints(bench: () => Bench): void {
  /** Writes an entry into the chain of a session of its own. */
  async function written(): Promise<string> {
    const { id } = await bench().openSession()
    const reservation = await bench().sign(bench().make.request(id, usd(1)))
    await reservation.post(CLAIMED)
    return id
  }
  const heads = (checkpoint: { readonly heads: readonly { readonly sessionId: string; readonly number: number }[] } | undefined) =>
    checkpoint?.heads.map(({ sessionId, number }) => `${sessionId} ${number}`)

  describe('checkpoints', () => {
    it('sign the heads that moved since the one before, numbered without a gap and chained, and none where nothing moved', async () => {
      expect(await bench().ledger.checkpoint(SIGNER)).toBeUndefined()
      const [one, two] = [await written(), await written()]
      const first = await bench().ledger.checkpoint(SIGNER)
      expect(heads(first)).toEqual([`${one} 1`, `${two} 1`].sort())
      expect(await bench().ledger.checkpoint(SIGNER)).toBeUndefined()
      await bench().store.restart()
      const three = await written()
      const second = await bench().ledger.checkpoint(SIGNER)
      if (!first || !second) throw new Error('there should be two')
      expect(heads(second)).toContain(`${three} 1`)
      expect([first.number, second.number]).toEqual([1, 2])
      expect(second.previousHash).toBe(checkpointHash(first))
      expect([first, second].every(isSigned)).toBe(true)
      expect(await bench().ledger.checkpoints(0, 10)).toEqual([first, second])
      expect(await bench().ledger.checkpoints(1, 10)).toEqual([second])
      const { ledgerId } = await bench().ledger.claimIdentity({})
      expect(first.ledgerId).toBe(ledgerId)
    })

    it('are part of what is verified, with what none of them covers yet', async () => {
      await written()
      await bench().ledger.checkpoint(SIGNER)
      await written()
      expect(await bench().ledger.verifyReceipts()).toMatchObject({ ok: true, count: 2, checkpoints: 1, unsealed: 1 })
    })
  })
}

function reports(bench: () => Bench): void {
  describe('kept reports of days', () => {
    const report = (date: string, final: boolean, text = 'first') => ({ date, final, madeAt: bench().clock.now(), text })

    it('stay as they were kept first, over a restart too, until a final one takes the place of one that was not', async () => {
      const { reports } = bench().ledger
      expect(await reports.keep(report('2026-06-26', false))).toBe(true)
      expect(await reports.keep(report('2026-06-26', false, 'again'))).toBe(false)
      await bench().store.restart()
      const after = bench().ledger.reports
      expect((await after.kept('2026-06-26'))?.text).toBe('first')
      expect(await after.keep(report('2026-06-26', true, 'final'))).toBe(true)
      expect(await after.keep(report('2026-06-26', true, 'later'))).toBe(false)
      expect(await after.kept('2026-06-26')).toEqual(report('2026-06-26', true, 'final'))
      expect(await after.kept('2026-06-25')).toBeUndefined()
    })

    it('of several who make one at once are one', async () => {
      const kept = await Promise.all(Array.from({ length: 8 }, (_, n) => bench().ledger.reports.keep(report('2026-06-26', true, `${n}`))))
      expect(kept.filter((won) => won)).toHaveLength(1)
    })

    it('are listed newest day first, page by page, and those that are not closed by themselves', async () => {
      const { reports } = bench().ledger
      for (const day of ['26', '24', '25']) await reports.keep(report(`2026-06-${day}`, day !== '24'))
      const first = await reports.days({ limit: 2 })
      expect(first.items.map(({ date }) => date)).toEqual(['2026-06-26', '2026-06-25'])
      expect(await reports.days({ limit: 2, cursor: first.next ?? '' })).toEqual({
        items: [{ date: '2026-06-24', final: false, madeAt: bench().clock.now() }],
        next: null,
      })
      expect((await reports.days({ limit: 2 }, { final: false })).items.map(({ date }) => date)).toEqual(['2026-06-24'])
      await expect(reports.days({ limit: 2, cursor: 'x' })).rejects.toMatchObject({ refusal: { code: 'request_invalid' } })
    })
  })
}
