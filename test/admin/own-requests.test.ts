import { describe, expect, it } from 'vitest'
import { createAgentDoor } from '../../src/admin/agent-door.ts'
import { type Alert, alertKey } from '../../src/approval/alert.ts'
import { REFUSAL_RUN_MS } from '../../src/limits.ts'
import { aheadDigest } from '../../src/payment/ahead-record.ts'
import { HIRE } from '../approval/approvals-at-hand.ts'
import { FOUR_TIERS } from '../policy/fixtures.ts'
import { type Answer, expectProblem, MERCHANT, requestOf, startFixture } from './fixture.ts'

const ASKED = { kind: 'approval', amount: '89.00', category: 'agent_hire', recipient: 'agents.example', justification: 'a second opinion' }

async function doorOf(queued = 1) {
  const fixture = await startFixture({ policy: () => ({ mode: 'enforce', version: 'v1', tiers: FOUR_TIERS, sentences: [], lint: [] }) })
  const { id } = await fixture.open({ cap: '100.00' })
  const session = await fixture.ledger.session(id)
  if (!session) throw new Error('no session')
  const alerts: Alert[] = []
  const { people } = fixture.deps
  const door = createAgentDoor({
    ...fixture.deps,
    people: { ...people, notices: { alert: async (alert) => ({ queued: alerts.push(alert) && queued }) } },
    proxyUrl: () => fixture.deps.proxyUrl,
    quote: async () => ({ payable: false, reason: '' }),
  })
  const ask = (path: string, body?: unknown) =>
    door(session, new Request(`http://purser.internal${path}`, requestOf({ token: null, body })))
  return { fixture, session, alerts, ask, approvals: people.approvals, [Symbol.asyncDispose]: () => fixture[Symbol.asyncDispose]() }
}

describe('what an agent asks people for', () => {
  it('an approval of a payment to come is put before people, on its own session, and grants nothing', async () => {
    await using door = await doorOf()
    const answer: Answer = await (await door.ask('/v1/session/requests', ASKED)).json()
    expect(answer).toMatchObject({ tier: 'collaborative', status: 'awaiting_approval', auditId: 'aud-2026-06-27-001' })
    const { session } = door
    const payment = { session, amount: 89_000_000n, category: 'agent_hire', recipient: 'agents.example', network: 'eip155:84532' }
    expect(await door.approvals.approval(answer.approvalId)).toMatchObject({
      ...{ kind: 'approval', state: 'pending', sessionId: session.id, agent: session.agent },
      ...{ digest: aheadDigest({ ...payment, justification: null }), shown: { justification: 'a second opinion', trust: 'unknown' } },
    })
    expect(await door.fixture.ledger.session(session.id)).toMatchObject({ cap: session.cap, spent: 0n, held: 0n })
  })

  it('never says itself how far a recipient is trusted', async () => {
    await using door = await doorOf()
    await expectProblem(await door.ask('/v1/session/requests', { ...ASKED, recipientTrust: 'verified' }), 'request_invalid', 400)
    const data: Answer = await (await door.ask('/v1/session/requests', { ...ASKED, amount: '4.99', category: 'data_access' })).json()
    expect(data).toMatchObject({ status: 'refused', code: 'no_tier_matches' })
  })

  it('a top-up of one amount after the other fills nobody’s inbox', async () => {
    await using door = await doorOf()
    for (const amount of [1, 2, 3]) await door.ask('/v1/session/requests', { kind: 'topup', amount, justification: `page ${amount}` })
    expect(door.alerts).toHaveLength(3)
    expect(new Set(door.alerts.map((alert) => alertKey(alert, REFUSAL_RUN_MS))).size).toBe(1)
  })

  it('a top-up is told to the owner with what is left and the agent’s words, and changes nothing', async () => {
    await using door = await doorOf()
    const answer = await door.ask('/v1/session/requests', { kind: 'topup', amount: 20, justification: 'more pages' })
    expect([answer.status, await answer.json()]).toEqual([
      202,
      {
        status: 'asked',
        reason:
          'ops is told that $20.00 more is wanted; asking again within ten minutes tells nobody. Nothing has changed yet: look at the balance later.',
      },
    ])
    const { id } = door.session
    expect(door.alerts).toEqual([
      {
        ...{ type: 'session.topup_requested', sessionId: id, agent: 'procurement-agent', owner: 'ops', at: door.fixture.clock.now() },
        sentence: `Agent procurement-agent asks for $20.00 more for session ${id}.`,
        topic: 'topup',
        facts: [
          ['Left of the session', '$100.00 of $100.00'],
          ['Purpose of the session', 'liquidity report'],
          ['The agent says (not checked)', 'more pages'],
          ['To grant it', `purser session topup ${id} 20.00`],
        ],
      },
    ])
    expect(await door.fixture.ledger.session(id)).toMatchObject({ cap: 100_000_000n })
  })

  it('says so where nobody can be told', async () => {
    await using door = await doorOf(0)
    const answer: Answer = await (await door.ask('/v1/session/requests', { kind: 'topup', amount: 20, justification: 'more' })).json()
    expect(answer).toMatchObject({ status: 'nobody_told', reason: expect.stringContaining('purser session topup') })
  })

  it.each([
    {},
    { kind: 'raise', amount: 1, justification: 'x' },
    { kind: 'topup', amount: 0, justification: 'x' },
    { kind: 'topup', amount: 1 },
    { ...ASKED, amount: 0 },
    { ...ASKED, agent: 'somebody-else' },
    { ...ASKED, sessionId: 'ses_1' },
    { ...ASKED, justification: '' },
  ])('%j is refused', async (body) => {
    await using door = await doorOf()
    await expectProblem(await door.ask('/v1/session/requests', body), 'request_invalid', 400)
    expect(door.alerts).toEqual([])
    expect((await door.approvals.approvals({}, { limit: 10 })).items).toEqual([])
  })
})

describe('an agent’s approvals', () => {
  it('are its own session’s only, with what people said to it and nothing to pay elsewhere by', async () => {
    await using door = await doorOf()
    const base = { agent: 'procurement-agent', required: 1, timeout_ms: 3_600_000 }
    const own = await door.approvals.ask({ ...base, sessionId: door.session.id, shown: HIRE })
    await door.approvals.ask({ ...base, sessionId: 'ses_other', shown: HIRE })
    await door.approvals.vote(own.id, { person: 'alice', verdict: 'deny', reason: 'too dear', channel: 'api' })
    const text = await (await door.ask('/v1/session/approvals')).text()
    const { items, next }: Answer = JSON.parse(text)
    expect(items).toMatchObject([{ id: own.id, state: 'denied', amount: '89.00', host: 'agents.example', said: ['too dear'] }])
    expect(next).toBeNull()
    for (const hidden of ['alice', HIRE.payTo, MERCHANT, HIRE.asset.address, HIRE.network]) expect(text).not.toContain(hidden)
    expect(await (await door.ask('/v1/session/approvals?state=pending')).json()).toEqual({ items: [], next: null })
    await expectProblem(await door.ask('/v1/session/approvals?session=ses_other'), 'request_invalid', 400)
  })
})
