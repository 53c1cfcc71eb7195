/** Approvals, notices and single-use marks: one wins, what is told stays, and what stands around a payment is kept. */
import { describe, expect, it } from 'vitest'
import type { Approval, Notice } from '../../src/approval/approval.ts'
import type { Context } from '../../src/ledger/context.ts'
import { approvalOf, windowOf } from '../approval/facts.ts'
import { authorizationFor, CLAIMED, usd } from '../ledger/fixtures.ts'
import type { Bench } from './ledger.ts'

const PAGE = { limit: 10 }

export function approvalsConformance(bench: () => Bench): void {
  const store = () => bench().ledger.approvals
  const basis = async (changes: { readonly sessionId?: string } = {}) => {
    const sessionId = changes.sessionId ?? (await bench().openSession()).id
    return { ids: bench().ids, now: bench().clock.now(), sessionId }
  }
  const next = (approval: Approval, changes: Partial<Approval> = {}): Approval => ({
    ...approval,
    ...changes,
    version: approval.version + 1,
  })
  const noticeOf = (changes: Partial<Notice> = {}): Notice => ({
    ...{ id: bench().ids('ntc'), approvalId: null, type: 'payment.prohibited', person: 'ada', channel: 'webhook', target: 'ops' },
    ...{ payload: '{"amount":"89.00"}', state: 'waiting', attempts: 0, dueAt: bench().clock.now(), createdAt: bench().clock.now() },
    ...{ deliveredAt: null, lastError: null },
    ...changes,
  })

  describe('approvals', () => {
    it('are read back as they were written, by id, payment, session and digest, also after a restart', async () => {
      const vote = { person: 'ada', verdict: 'approve', reason: 'fine', channel: 'slack', at: bench().clock.now() } as const
      const approval = approvalOf(await basis(), { required: 2, votes: [vote], noticedAt: 5 })
      const window = windowOf(await basis())
      expect(await store().insertApproval(approval)).toBe(true)
      expect(await store().insertApproval(window)).toBe(true)
      await bench().store.restart()
      expect(await store().approval(approval.id)).toEqual(approval)
      expect(await store().approvalOfPayment(window.paymentId)).toEqual(window)
      expect(await store().liveApprovals(approval.sessionId, approval.digest)).toEqual([approval])
      expect(await store().approval('apr_none')).toBeUndefined()
      expect(await store().approvalOfPayment('pay_none')).toBeUndefined()
    })

    it('are changed by whoever saw the last version, and by nobody else', async () => {
      const approval = approvalOf(await basis())
      await store().insertApproval(approval)
      const used = next(approval, { state: 'approved' })
      expect(await store().replaceApproval(used)).toBe(true)
      expect(await store().replaceApproval(next(approval, { state: 'denied' }))).toBe(false)
      expect(await store().replaceApproval({ ...used, version: used.version + 2 })).toBe(false)
      expect(await store().approval(approval.id)).toEqual(used)
      expect(await store().replaceApproval(next(approvalOf(await basis())))).toBe(false)
    })

    it('are given to one of those who take them at once', async () => {
      const approval = approvalOf(await basis(), { state: 'approved' })
      await store().insertApproval(approval)
      const wins = await Promise.all(Array.from({ length: 20 }, () => store().replaceApproval(next(approval, { state: 'used' }))))
      expect(wins.filter((won) => won)).toHaveLength(1)
    })

    it('ask the same question once at a time, and as often as it is answered', async () => {
      const own = await basis()
      const asked = Array.from({ length: 10 }, () => approvalOf(own))
      const opened = await Promise.all(asked.map((approval) => store().insertApproval(approval)))
      expect(opened.filter((is) => is)).toHaveLength(1)
      const first = asked[opened.indexOf(true)]
      if (!first) throw new Error('nobody could ask')
      expect(await store().insertApproval(approvalOf({ ...own, shown: { url: 'https://agents.example.com/other' } }))).toBe(true)
      expect(await store().insertApproval(approvalOf(await basis()))).toBe(true)
      expect(await store().replaceApproval(next(first, { state: 'denied' }))).toBe(true)
      expect(await store().insertApproval(approvalOf(own))).toBe(true)
    })

    it('are not asked twice by a window that turns into a question', async () => {
      const own = await basis()
      const [question, window] = [approvalOf(own), windowOf(own)]
      for (const one of [question, window]) expect(await store().insertApproval(one)).toBe(true)
      const turned = next(window, { kind: 'approval', window: null })
      expect(await store().replaceApproval(turned)).toBe(false)
      await store().replaceApproval(next(question, { state: 'withdrawn' }))
      expect(await store().replaceApproval(turned)).toBe(true)
    })

    it('live until something became of them, oldest first', async () => {
      const own = await basis()
      const states = ['approved', 'used', 'passed', 'denied', 'vetoed', 'expired', 'withdrawn', 'pending'] as const
      for (const state of states) await store().insertApproval(approvalOf(own, { state }))
      const live = await store().liveApprovals(own.sessionId, approvalOf(own).digest)
      expect(live.map(({ state }) => state)).toEqual(['approved', 'passed', 'pending'])
    })

    it('are overdue at their end, while something can still become of them, the most overdue first', async () => {
      const own = await basis()
      const later = windowOf(own, { expiresAt: own.now + 20 })
      const sooner = approvalOf(own, { expiresAt: own.now + 10, state: 'approved' })
      for (const one of [later, sooner, approvalOf(own, { expiresAt: own.now, state: 'used' })]) await store().insertApproval(one)
      expect(await store().overdueApprovals(own.now + 9, 10)).toEqual([])
      expect(await store().overdueApprovals(own.now + 10, 10)).toEqual([sooner])
      expect(await store().overdueApprovals(own.now + 20, 10)).toEqual([sooner, later])
      expect(await store().overdueApprovals(own.now + 20, 1)).toEqual([sooner])
    })

    it('are listed newest first, page by page, by state, kind, session, agent and digest; and counted while they wait', async () => {
      const own = await basis()
      const waiting = approvalOf(own)
      const window = windowOf({ ...own, agent: 'buyer' })
      const denied = approvalOf({ ...(await basis()), shown: { url: 'https://agents.example.com/other' } }, { state: 'denied' })
      for (const one of [waiting, window, denied]) await store().insertApproval(one)
      const first = await store().approvals({}, { limit: 2 })
      expect(first.items).toEqual([denied, window])
      expect(await store().approvals({}, { limit: 2, cursor: first.next ?? '' })).toEqual({ items: [waiting], next: null })
      const only = async (filter: Parameters<ReturnType<typeof store>['approvals']>[0]) => (await store().approvals(filter, PAGE)).items
      expect(await only({ state: 'pending' })).toEqual([window, waiting])
      expect(await only({ kind: 'veto' })).toEqual([window])
      expect(await only({ session: denied.sessionId })).toEqual([denied])
      expect(await only({ agent: 'buyer', state: 'pending' })).toEqual([window])
      expect(await only({ session: own.sessionId, digest: waiting.digest })).toEqual([window, waiting])
      expect(await store().pendingApprovals()).toBe(2)
      await expect(store().approvals({}, { limit: 1, cursor: 'x' })).rejects.toMatchObject({ refusal: { code: 'request_invalid' } })
    })

    it('are told of when they change, and not when they do not', async () => {
      const approval = approvalOf(await basis())
      const told: string[] = []
      const stop = store().watchApprovals((id) => told.push(id))
      await store().insertApproval(approval)
      await expect.poll(() => told, { timeout: 2_000 }).toEqual([approval.id])
      await store().insertApproval(approvalOf({ ...(await basis({ sessionId: approval.sessionId })) }))
      await store().replaceApproval({ ...approval, version: 9 })
      await store().replaceApproval(next(approval, { state: 'denied' }))
      await expect.poll(() => told, { timeout: 2_000 }).toEqual([approval.id, approval.id])
      stop()
    })
  })

  describe('notices', () => {
    it('are queued once, leased to one while they are due, and kept as they end', async () => {
      const { now } = await basis()
      const [due, later, done] = [noticeOf(), noticeOf({ dueAt: now + 100 }), noticeOf({ state: 'delivered' })]
      await store().queueNotices([due, later, done])
      await store().queueNotices([{ ...due, attempts: 7 }])
      await store().queueNotices([])
      expect(await store().claimNotices(now, now + 50, 10)).toEqual([due])
      expect(await store().claimNotices(now + 49, now + 90, 10)).toEqual([])
      const [again] = await store().claimNotices(now + 50, now + 99, 10)
      expect(again).toMatchObject({ id: due.id, attempts: 0 })
      const dead = { ...due, state: 'dead', attempts: 3, lastError: 'HTTP 500', dueAt: now } as const
      await store().updateNotice(dead)
      expect(await store().notice(due.id)).toEqual(dead)
      expect(await store().notice('ntc_none')).toBeUndefined()
      expect(await store().claimNotices(now + 1_000, now + 2_000, 10)).toEqual([later])
      expect(await store().deadLetters()).toBe(1)
    })

    it('go to one of those who look for them at once, and no more than was asked for', async () => {
      const { now } = await basis()
      const all = Array.from({ length: 12 }, () => noticeOf())
      await store().queueNotices(all)
      const claims = await Promise.all(Array.from({ length: 4 }, () => store().claimNotices(now, now + 50, 3)))
      const ids = claims.flat().map(({ id }) => id)
      expect(new Set(ids).size).toBe(ids.length)
      expect(claims.every((claim) => claim.length <= 3)).toBe(true)
      expect(ids.length).toBeGreaterThan(0)
    })

    it('are forgotten when they are old and wait no longer, the oldest first and a few at once', async () => {
      const { now } = await basis()
      const old = [
        noticeOf({ state: 'delivered' }),
        noticeOf({ state: 'waiting' }),
        noticeOf({ state: 'dead' }),
        noticeOf({ state: 'dead' }),
      ]
      await store().queueNotices([...old, noticeOf({ state: 'delivered', createdAt: now + 1 })])
      const left = async () => (await store().notices({}, PAGE)).items.map(({ state }) => state)
      expect(await store().forgetNotices(now, 10)).toBe(0)
      expect(await store().forgetNotices(now + 1, 3)).toBe(2)
      expect(await left()).toEqual(['delivered', 'dead', 'waiting'])
      expect(await store().forgetNotices(now + 1, 3)).toBe(1)
      expect(await store().forgetNotices(now + 1, 3)).toBe(0)
      expect(await left()).toEqual(['delivered', 'waiting'])
    })

    it('are listed newest first, by state and approval', async () => {
      const approval = approvalOf(await basis())
      await store().insertApproval(approval)
      const [about, event] = [noticeOf({ approvalId: approval.id }), noticeOf({ state: 'dead' })]
      await store().queueNotices([about, event])
      expect(await store().notices({}, PAGE)).toEqual({ items: [event, about], next: null })
      expect((await store().notices({ state: 'dead' }, PAGE)).items).toEqual([event])
      expect((await store().notices({ approvalId: approval.id }, { limit: 1 })).items).toEqual([about])
    })
  })

  describe('single-use marks', () => {
    it('are had by one of those who use them at once, and by nobody later, until they expire', async () => {
      const { now } = await basis()
      const uses = await Promise.all(Array.from({ length: 10 }, () => store().useOnce('link 1', now + 100)))
      expect(uses.filter((first) => first)).toHaveLength(1)
      await bench().store.restart()
      expect(await store().useOnce('link 1', now + 100)).toBe(false)
      expect(await store().useOnce('link 2', now + 100)).toBe(true)
      bench().clock.advance(99)
      expect(await store().useOnce('link 1', now + 500)).toBe(false)
      bench().clock.advance(1)
      expect(await store().useOnce('link 3', now + 500)).toBe(true)
      expect(await store().useOnce('link 1', now + 500)).toBe(true)
      expect(await store().useOnce('link 1', now + 500)).toBe(false)
    })
  })

  describe('what stands around a payment', () => {
    const context: Context = {
      approval: { id: 'apr_1', digest: 'd'.repeat(64), votes: [{ person: 'ada', channel: 'cli', at: 0, reason: 'fine' }] },
      onBehalfOf: ['planner', 'buyer'],
      trace: '4bf92f3577b34da6a3ce929d0e0e4736',
      workload: { issuer: 'https://issuer.example', subject: 'system:serviceaccount:a:b' },
      facts: ['The first payment to this host.'],
      alternatives: ['supervised: costs too much'],
      auditId: 'aud-2026-06-27-001',
    }

    it('is read back with it, and stands in its receipts', async () => {
      const { id } = await bench().openSession()
      const request = bench().make.request(id, usd(1), { attempt: { context } })
      const reservation = await bench().reserve(request)
      expect((await reservation.payment()).context).toEqual(context)
      await reservation.record(authorizationFor(request))
      await reservation.post(CLAIMED)
      await bench().store.restart()
      expect((await bench().ledger.payment(request.paymentId))?.context).toEqual(context)
      const [receipt] = (await bench().ledger.receipts({ payment: request.paymentId }, PAGE)).items
      const votes = [{ person: 'ada', channel: 'cli', at: '1970-01-01T00:00:00.000Z', reason: 'fine' }]
      expect(receipt?.context).toEqual({ ...context, approval: { ...context.approval, votes } })
      expect(await bench().ledger.verifyReceipts()).toMatchObject({ ok: true })
    })

    it('is null where nothing does, and any part of it may be absent', async () => {
      const { id } = await bench().openSession()
      for (const part of [null, {}, { facts: ['odd'] }]) {
        const refusal = await bench().ledger.refuse(
          bench().make.attempt(id, { context: part, url: `https://a.example/${JSON.stringify(part)}` }),
          {
            code: 'vetoed',
            detail: 'no',
          },
        )
        expect((await bench().ledger.payment(refusal.paymentId ?? ''))?.context).toEqual(part)
        const [receipt] = (await bench().ledger.receipts({ payment: refusal.paymentId ?? '' }, PAGE)).items
        expect(receipt?.context).toEqual(part)
      }
    })
  })

  describe('a reservation on an approval', () => {
    it('is not made at the end of the approval or after it, and leaves nothing behind', async () => {
      const { id } = await bench().openSession()
      const notAfter = bench().clock.now() + 10
      bench().clock.advance(10)
      const why = `The approval behind it ended at ${new Date(notAfter).toISOString()}.`
      expect(await bench().ledger.reserve(bench().make.request(id, usd(1), { notAfter }))).toEqual({ kind: 'decide_again', why })
      expect(await bench().balance(id)).toEqual({ spent: 0n, held: 0n, payments: 0 })
      await bench().reserve(bench().make.request(id, usd(1), { notAfter: notAfter + 1 }))
    })
  })
}
