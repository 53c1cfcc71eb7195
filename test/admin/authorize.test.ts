import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { aheadDigest } from '../../src/payment/ahead-record.ts'
import { FOUR_TIERS } from '../policy/fixtures.ts'
import { type Answer, expectProblem, type Fixture, MERCHANT, startFixture } from './fixture.ts'

const HIRE = {
  agent: 'procurement-agent',
  amount: 89,
  category: 'agent_hire',
  recipient: MERCHANT,
  recipientTrust: 'known',
  justification: 'a review',
}

let fixture: Fixture
beforeEach(async () => {
  fixture = await startFixture({ policy: () => ({ mode: 'enforce', version: 'v1', tiers: FOUR_TIERS, sentences: [], lint: [] }) })
})
afterEach(() => fixture[Symbol.asyncDispose]())

async function authorize(more: object): Promise<Answer> {
  const answer = await fixture.ask('/v1/authorize', { body: { ...HIRE, ...more } })
  expect(answer.status).toBe(200)
  return answer.json()
}

describe('POST /v1/authorize', () => {
  it.each([
    [{ amount: '0.02', category: 'embeddings', recipientTrust: 'verified' }, 'autonomous', 'approved'],
    [{ amount: 4.99, category: 'data_access' }, 'supervised', 'awaiting_veto'],
    [{}, 'collaborative', 'awaiting_approval'],
    [{ amount: 1, category: 'gambling', recipientTrust: 'unknown' }, 'prohibited', 'blocked'],
    [{ amount: 4.99, category: 'data_access', recipientTrust: 'unknown' }, '', 'refused'],
  ])('%j is tier %s: %s', async (more, tier, status) => {
    expect(await authorize(more)).toMatchObject({ tier, status, policyVersion: 'v1', auditId: 'aud-2026-06-27-001' })
  })

  it('opens the approval that a payment of this session claims, spends nothing, and leaves a record', async () => {
    const { id: sessionId } = await fixture.open({ cap: '100.00' })
    const answer = await authorize({ sessionId })
    expect(answer).toMatchObject({ status: 'awaiting_approval', sessionId })
    const approval = await fixture.deps.people.approvals.approval(answer.approvalId)
    const session = await fixture.ledger.session(sessionId)
    if (!session) throw new Error('no session')
    const paid = { session, amount: 89_000_000n, category: 'agent_hire', recipient: MERCHANT, justification: null, network: 'eip155:84532' }
    expect(approval).toMatchObject({ kind: 'approval', state: 'pending', sessionId, digest: aheadDigest(paid) })
    expect(session).toMatchObject({ spent: 0n, held: 0n })
    const { items } = await fixture.ledger.receipts({ session: sessionId }, { limit: 10 })
    expect(items).toMatchObject([{ context: { auditId: answer.auditId } }])
  })

  it('without a session id it is the agent’s newest open session', async () => {
    await fixture.open({ agent: 'other', cap: '100.00' })
    await fixture.open({ cap: '100.00' })
    const { id } = await fixture.open({ cap: '100.00' })
    await fixture.open({ agent: 'other', cap: '100.00' })
    expect(await authorize({})).toMatchObject({ sessionId: id })
  })

  it('an agent without a session gets a row that carries the record and can pay nothing', async () => {
    const [first, second] = [await authorize({}), await authorize({})]
    expect(second.sessionId).toBe(first.sessionId)
    expect(second.approvalId).toBe(first.approvalId)
    expect([first.auditId, second.auditId]).toEqual(['aud-2026-06-27-001', 'aud-2026-06-27-002'])
    expect(await fixture.ledger.session(first.sessionId)).toMatchObject({
      networks: [],
      assets: [],
      name: 'authorize:procurement-agent:2026',
    })
    await fixture.ledger.close(first.sessionId)
    expect(await expectProblem(await fixture.ask('/v1/authorize', { body: HIRE }), 'conflict', 409)).toContain('name a session')
  })

  it('a dry run writes nothing and asks nobody', async () => {
    expect(await authorize({ dryRun: true })).toMatchObject({
      tier: 'collaborative',
      status: 'awaiting_approval',
      auditId: null,
      sessionId: null,
    })
    expect((await fixture.deps.people.approvals.approvals({}, { limit: 10 })).items).toEqual([])
    expect((await fixture.ledger.payments({}, { limit: 10 })).items).toEqual([])
    expect((await fixture.ledger.sessions({ limit: 10 })).items).toEqual([])
  })

  it('the caps of the session refuse what they would refuse to pay', async () => {
    const { id: sessionId } = await fixture.open({ cap: '0.01' })
    const small = { amount: '0.02', category: 'embeddings', recipientTrust: 'verified', sessionId }
    expect(await authorize(small)).toMatchObject({ status: 'refused', code: 'spending_limit_exceeded' })
  })

  it('a halt refuses', async () => {
    await fixture.ledger.halt({ scope: 'agent', value: 'procurement-agent', reason: 'drill', at: 0 })
    const answer = await authorize({ amount: '0.02', category: 'embeddings', recipientTrust: 'verified' })
    expect(answer).toMatchObject({ status: 'refused', code: 'payments_halted' })
  })

  it('one host in all its spellings is one request', async () => {
    const ids = []
    for (const recipient of ['agents.example', 'Agents.Example', 'https://agents.example/', ' https://agents.example/hire?x=1 '])
      ids.push((await authorize({ recipient })).approvalId)
    expect(new Set(ids).size).toBe(1)
  })

  it('an address of Solana is taken to the letter', async () => {
    const ids = []
    for (const recipient of ['4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU', '4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDu'])
      ids.push((await authorize({ recipient })).approvalId)
    expect(new Set(ids).size).toBe(2)
  })

  it.each([
    [{ agent: '' }, 'agent'],
    [{ amount: -1 }, 'amount'],
    [{ amount: undefined }, 'amount'],
    [{ category: 'two words' }, 'category'],
    [{ recipient: 'not a host' }, 'recipient'],
    [{ recipient: 'user@host.example' }, 'recipient'],
    [{ recipientTrust: 'any' }, 'recipientTrust'],
    [{ network: 'moon' }, 'network'],
    [{ extra: 1 }, 'extra'],
  ])('%j is refused, with the place', async (more, place) => {
    expect(await expectProblem(await fixture.ask('/v1/authorize', { body: { ...HIRE, ...more } }), 'request_invalid', 400)).toContain(place)
  })

  it('a session that is not there, another agent’s or ended is refused', async () => {
    const ask = (body: object) => fixture.ask('/v1/authorize', { body: { ...HIRE, ...body } })
    await expectProblem(await ask({ sessionId: 'ses_none' }), 'not_found', 404)
    const { id: sessionId } = await fixture.open({ agent: 'other' })
    expect(await expectProblem(await ask({ sessionId }), 'request_invalid', 400)).toBe(`agent: session ${sessionId} belongs to other.`)
    await fixture.ask(`/v1/sessions/${sessionId}/close`, { method: 'POST' })
    await expectProblem(await ask({ sessionId, agent: 'other' }), 'conflict', 409)
  })

  it('whoever asks cannot approve it, with whatever token of theirs; another person can', async () => {
    const asked = await fixture.ask('/v1/authorize', { token: await fixture.token('operator', 'olga'), body: HIRE })
    const { approvalId }: Answer = await asked.json()
    const approve = async (person: string) =>
      fixture.ask(`/v1/approvals/${approvalId}/approve`, { token: await fixture.token('approver', person), body: {} })
    const detail = await expectProblem(await approve('Olga'), 'forbidden', 403)
    expect(detail).toContain('Whoever asks for a payment cannot approve it; another person has to.')
    expect(await (await approve('anna')).json()).toMatchObject({ state: 'approved', votes: [{ person: 'anna' }] })
  })

  it('the token of the data folder is nobody’s in particular: it may ask and approve', async () => {
    const { approvalId } = await authorize({})
    expect(await (await fixture.ask(`/v1/approvals/${approvalId}/approve`, { body: {} })).json()).toMatchObject({ state: 'approved' })
  })
})
