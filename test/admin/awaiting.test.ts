import { describe, expect, it } from 'vitest'
import { HIRE } from '../approval/approvals-at-hand.ts'
import { type Answer, buy, expectProblem, type Fixture, startFixture } from './fixture.ts'

async function waiting(fixture: Fixture) {
  const { id: sessionId } = await fixture.open({ cap: '100.00' })
  const { approvals } = fixture.deps.people
  const asked = await approvals.ask({ sessionId, agent: 'procurement-agent', shown: HIRE, required: 1, timeout_ms: 3_600_000 })
  const reserved = await buy(fixture, { sessionId, end: 'reserved' })
  const window = await approvals.openWindow({
    ...{ sessionId, agent: 'procurement-agent', shown: HIRE, paymentId: reserved.id, length_ms: 30_000 },
  })
  return { sessionId, asked, window, reserved }
}

async function list({ ask }: Fixture, query: string): Promise<Answer> {
  const { items }: Answer = await (await ask(`/v1/payments?${query}`)).json()
  return items
}

describe('payments that wait for people', () => {
  it('are listed by their state, before the ledger has a row of them and while their money is set aside', async () => {
    await using fixture = await startFixture()
    const { asked, reserved } = await waiting(fixture)
    const [approval] = await list(fixture, 'state=awaiting_approval')
    expect(approval).toMatchObject({
      ...{ id: asked.paymentId, state: 'awaiting_approval', amount: '89.00', recipient: HIRE.payTo, tier: 'collaborative', code: null },
      ...{ nonce: null, transaction: null, justification: HIRE.justification, times: { reserved: null } },
    })
    const windows = await list(fixture, 'state=awaiting_veto')
    expect(windows).toMatchObject([{ id: reserved.id, state: 'awaiting_veto', times: { reserved: '2026-06-27T12:00:00.000Z' } }])
    expect(await (await fixture.ask(`/v1/payments/${asked.paymentId}`)).json()).toEqual(approval)
    expect(await (await fixture.ask(`/v1/payments/${reserved.id}`)).json()).toEqual(windows[0])
  })

  it.each([
    ['tool=other', 0],
    ['task=task-7', 1],
    ['tier=collaborative&agent=procurement-agent', 1],
    ['agent=other', 0],
    ['session=ses_none', 0],
    [`recipient=${HIRE.payTo.toUpperCase().replace('0X', '0x')}`, 1],
    ['recipient=agents.example', 1],
    ['recipient=other.example', 0],
    ['disputed=true', 0],
    ['since=2026-06-27T12:00:00Z', 1],
    ['since=2026-06-27T12:00:01Z', 0],
    ['until=2026-06-27T12:00:00Z', 0],
  ])('%s finds %i of them', async (query, count) => {
    await using fixture = await startFixture()
    await waiting(fixture)
    expect(await list(fixture, `state=awaiting_approval&${query}`)).toHaveLength(count)
  })

  it('are denied with the code once people said no, and wait no more', async () => {
    await using fixture = await startFixture()
    const { asked } = await waiting(fixture)
    await fixture.ask(`/v1/approvals/${asked.id}/deny`, { body: {} })
    expect(await list(fixture, 'state=awaiting_approval')).toEqual([])
    const denied: Answer = await (await fixture.ask(`/v1/payments/${asked.paymentId}`)).json()
    expect(denied).toMatchObject({ state: 'denied', code: 'approval_denied', times: { concluded: '2026-06-27T12:00:00.000Z' } })
  })

  it('that nobody knows are not found', async () => {
    await using fixture = await startFixture()
    await expectProblem(await fixture.ask('/v1/payments/pay_none'), 'not_found', 404)
  })
})
