import { describe, expect, it } from 'vitest'
import type { Notice } from '../../src/approval/approval.ts'
import { startAdminApi } from './running-admin.ts'

const DEAD: Notice = {
  ...{ id: 'ntc_1', approvalId: null, type: 'payment.prohibited', person: 'ops', channel: 'webhook', target: 'people.ops.webhook' },
  ...{ payload: '{}', state: 'dead', attempts: 9, dueAt: 0, createdAt: 0, deliveredAt: null, lastError: 'No answer.' },
}

describe('notices', () => {
  it('lists what never reached anybody, and tries it again', async () => {
    await using api = await startAdminApi()
    expect((await api.run('notices', 'list')).out).toBe('No notices.\n')
    await api.fixture.ledger.approvals.queueNotices([DEAD])
    expect((await api.run('notices', 'list', '--state', 'dead')).out).toMatch(
      /^ntc_1 +dead +9 +payment\.prohibited +people\.ops\.webhook +No answer\.$/m,
    )
    expect(await api.run('notices', 'retry', 'ntc_1')).toMatchObject({
      code: 0,
      out: 'Notice ntc_1 to people.ops.webhook is tried again now.\n',
    })
    expect((await api.run('notices', 'list', '--state', 'dead')).out).toBe('No notices.\n')
    expect(await api.run('notices', 'retry', 'ntc_none')).toMatchObject({
      code: 1,
      err: expect.stringContaining('There is no notice ntc_none.'),
    })
  })
})
