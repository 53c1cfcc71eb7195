import { describe, expect, it } from 'vitest'
import type { Notice } from '../../src/approval/approval.ts'
import { HIRE } from '../approval/approvals-at-hand.ts'
import { expectProblem, type Fixture, startFixture } from './fixture.ts'

function notice(more: Partial<Notice>): Notice {
  return {
    ...{ id: 'ntc_1', approvalId: null, type: 'payment.prohibited', person: 'ops', channel: 'webhook', target: 'people.ops.webhook' },
    ...{ payload: '{}', state: 'waiting', attempts: 0, dueAt: 0, createdAt: 0, deliveredAt: null, lastError: null },
    ...more,
  }
}

async function window({ deps }: Fixture) {
  const { approvals } = deps.people
  return approvals.openWindow({ sessionId: 'ses_1', agent: 'procurement', shown: HIRE, paymentId: 'pay_w', length_ms: 30_000 })
}

describe('notices', () => {
  it('are listed with what became of them, by state and approval', async () => {
    await using fixture = await startFixture()
    const { id: approvalId } = await window(fixture)
    await fixture.ledger.approvals.queueNotices([
      notice({ state: 'dead', attempts: 9, lastError: 'No answer.' }),
      notice({ id: 'ntc_2', approvalId }),
    ])
    expect(await (await fixture.ask('/v1/notices?state=dead')).json()).toEqual({
      items: [
        {
          ...notice({ state: 'dead', attempts: 9, lastError: 'No answer.' }),
          ...{ dueAt: '1970-01-01T00:00:00.000Z', createdAt: '1970-01-01T00:00:00.000Z' },
        },
      ],
      next: null,
    })
    expect(await (await fixture.ask(`/v1/notices?approval=${approvalId}`)).json()).toMatchObject({ items: [{ id: 'ntc_2' }] })
  })

  it('a dead one waits again once it is retried; a delivered one is not sent twice', async () => {
    await using fixture = await startFixture()
    await fixture.ledger.approvals.queueNotices([notice({ state: 'dead' }), notice({ id: 'ntc_2', state: 'delivered', deliveredAt: 1 })])
    expect(await (await fixture.ask('/v1/notices/ntc_1/retry', { method: 'POST' })).json()).toMatchObject({ id: 'ntc_1', state: 'waiting' })
    await expectProblem(await fixture.ask('/v1/notices/ntc_2/retry', { method: 'POST' }), 'conflict', 409)
    await expectProblem(await fixture.ask('/v1/notices/ntc_none/retry', { method: 'POST' }), 'not_found', 404)
  })

  it('a letter that an own mailer sent begins its veto window', async () => {
    await using fixture = await startFixture()
    const { id: approvalId } = await window(fixture)
    await fixture.ledger.approvals.queueNotices([notice({ type: 'veto.opened', channel: 'email', target: 'people.ops.email', approvalId })])
    const answer = await fixture.ask('/v1/notices/ntc_1/delivered', { method: 'POST' })
    expect(await answer.json()).toMatchObject({ state: 'delivered', deliveredAt: '2026-06-27T12:00:00.000Z' })
    const begun = await fixture.deps.people.approvals.approval(approvalId)
    expect(begun?.window?.startedAt).toBe(fixture.clock.now())
  })
})
