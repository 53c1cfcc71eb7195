import { describe, expect, it } from 'vitest'
import { createAgentDoor } from '../../src/admin/agent-door.ts'
import { createBudgets } from '../../src/admin/budgets.ts'
import { createWorkloadDoor } from '../../src/admin/workload-door.ts'
import type { Proof } from '../../src/identity/identity.ts'
import type { WorkloadRule } from '../../src/identity/mapping.ts'
import type { Session } from '../../src/session/session.ts'
import { sessionSpecSchema } from '../../src/session/spec.ts'
import { hashToken } from '../../src/session/token.ts'
import { type Presented, workloadOf } from '../../src/session/workload.ts'
import { type Answer, buy, expectProblem, type Fixture, requestOf, startFixture } from './fixture.ts'

const ISSUER = 'https://issuer.example'
const SUBJECT = 'system:serviceaccount:research:planner'
const PLANNER: Proof = { issuer: ISSUER, subject: SUBJECT }

const rule = (changes: Partial<WorkloadRule> = {}): WorkloadRule => ({
  ...{ issuer: ISSUER, subject: 'system:serviceaccount:research:*', agent: 'researcher', parent: 'research' },
  session: { cap: 2_000_000n, ttl_ms: 900_000, limits: { perPayment: 500_000n } },
  ...changes,
})

const BUDGET = sessionSpecSchema.parse({ agent: 'research', purpose: 'research', cap: '10', ttl: '7d', scope: { hosts: ['*.example'] } })

interface Rig {
  post(presented: Presented, body?: object, headers?: Record<string, string>): Promise<Response>
  readonly budget: (name: string) => Promise<Session>
}

/** `proof`: what the token `good` proves. */
function rigOf(fixture: Fixture, { rules = [rule()], proof = PLANNER }: { rules?: WorkloadRule[]; proof?: Proof } = {}): Rig {
  const budget = createBudgets({ research: BUDGET }, fixture.deps)
  const door = createWorkloadDoor({
    ...fixture.deps,
    ...{ rules, budget, proxyUrl: () => fixture.deps.proxyUrl },
    verify: async (token) => {
      if (token === 'away') throw new Error('the issuer does not answer')
      return token === 'good' ? proof : { why: 'it has expired' }
    },
  })
  const post: Rig['post'] = (presented, body, headers = {}) => {
    const request = requestOf({ token: null, body, headers })
    return door(presented, new Request('http://purser.internal/v1/session/credentials', { ...request, method: 'POST' }))
  }
  return { post, budget }
}

async function minted(answer: Response): Promise<Answer> {
  expect(answer.status).toBe(201)
  return answer.json()
}

describe('the workloads’ door', () => {
  it('gives a proven workload a short session of its own, as a child of the budget', async () => {
    await using fixture = await startFixture()
    const { post, budget } = rigOf(fixture)
    const answer = await minted(await post({ token: 'good' }, { task: 'nightly report' }))
    const session = await fixture.ledger.sessionByToken(hashToken(answer.token))
    const parent = await budget('research')
    expect(session).toMatchObject({
      ...{ id: answer.id, agent: 'researcher', purpose: 'nightly report', cap: 2_000_000n, parent: parent.id },
      ...{ limits: { perPayment: 500_000n }, scope: { hosts: ['*.example'] } },
    })
    expect(session && session.expiresAt - session.createdAt).toBe(900_000)
    expect(session && workloadOf(session)).toEqual(PLANNER)
    expect(answer.proxyUrl).toContain(answer.token)
  })

  it('gives less where less is asked for, and never more', async () => {
    await using fixture = await startFixture()
    const { post } = rigOf(fixture)
    const less = await minted(await post({ token: 'good' }, { cap: '0.50', ttl: '1m' }))
    expect(less).toMatchObject({ cap: '0.50' })
    expect(await minted(await post({ token: 'good' }, { cap: '9', ttl: '7d' }))).toMatchObject({ cap: '2.00' })
    expect(await expectProblem(await post({ token: 'good' }, { agent: 'other' }), 'request_invalid', 400)).toContain('agent')
  })

  it('gives what remains of the budget, and nothing beyond it, however often it is asked', async () => {
    await using fixture = await startFixture()
    const { post, budget } = rigOf(fixture, { rules: [rule({ session: { cap: 2_000_000n, ttl_ms: 900_000 } })] })
    for (let count = 0; count < 4; count++) {
      const { id } = await minted(await post({ token: 'good' }))
      await buy(fixture, { sessionId: id, amount: 2_000_000n, end: 'unknown' })
    }
    const last = await minted(await post({ token: 'good' }))
    await buy(fixture, { sessionId: last.id, amount: 1_500_000n, end: 'unknown' })
    expect(await minted(await post({ token: 'good' }))).toMatchObject({ cap: '0.50' })
    await buy(fixture, { sessionId: last.id, amount: 500_000n, end: 'unknown' })
    await expectProblem(await post({ token: 'good' }), 'session_exhausted', 403)
    expect((await budget('research')).held).toBe(10_000_000n)
  })

  it('takes nobody who proves nothing, and says why, without telling who is configured', async () => {
    await using fixture = await startFixture()
    const { post } = rigOf(fixture)
    await expectProblem(await post({}), 'session_required', 401)
    expect(await expectProblem(await post({ token: 'old' }), 'session_invalid', 401)).toContain('it has expired')
    const before = await fixture.ledger.sessions({ limit: 10 })
    expect(before.items).toEqual([])
  })

  it('takes nobody whom no rule names', async () => {
    await using fixture = await startFixture()
    const { post } = rigOf(fixture, { proof: { issuer: ISSUER, subject: 'system:serviceaccount:other:planner' } })
    await expectProblem(await post({ token: 'good' }), 'forbidden', 403)
  })

  it('mints nothing where the issuer cannot be asked', async () => {
    await using fixture = await startFixture()
    await expectProblem(await rigOf(fixture).post({ token: 'away' }), 'upstream_unreachable', 502)
  })

  it('takes a client certificate by its names; where a token is presented too, the token counts', async () => {
    await using fixture = await startFixture()
    const rules = [rule({ issuer: 'certificate', subject: 'spiffe://example.org/planner' })]
    const { post } = rigOf(fixture, { rules })
    const certificate = ['spiffe://example.org/other', 'spiffe://example.org/planner']
    const answer = await minted(await post({ certificate }))
    const session = await fixture.ledger.session(answer.id)
    expect(session && workloadOf(session)).toEqual({ issuer: 'certificate', subject: 'spiffe://example.org/planner' })
    await expectProblem(await post({ certificate, token: 'old' }), 'session_invalid', 401)
    await expectProblem(await post({ certificate: ['spiffe://example.org/other'] }), 'forbidden', 403)
  })

  it('does its work once under one Idempotency-Key, which other workloads do not share', async () => {
    await using fixture = await startFixture()
    const { post } = rigOf(fixture)
    const headers = { 'idempotency-key': 'k' }
    const [one, two] = [await minted(await post({ token: 'good' }, {}, headers)), await minted(await post({ token: 'good' }, {}, headers))]
    expect(two.id).toBe(one.id)
    const other = rigOf(fixture, { proof: { issuer: ISSUER, subject: 'system:serviceaccount:research:other' } })
    expect((await minted(await other.post({ token: 'good' }, {}, headers))).id).not.toBe(one.id)
  })

  it('refuses an Idempotency-Key that is none, rather than doing its work each time', async () => {
    await using fixture = await startFixture()
    const { post } = rigOf(fixture)
    await expectProblem(await post({ token: 'good' }, {}, { 'idempotency-key': 'k'.repeat(1_000) }), 'request_invalid', 400)
    expect((await fixture.ledger.sessions({ limit: 10 })).items.filter(({ agent }) => agent !== 'procurement-agent')).toEqual([])
  })

  it('lets no workload fill the ledger, nor take the places of others', async () => {
    await using fixture = await startFixture()
    const { post } = rigOf(fixture)
    for (let count = 0; count < 100; count++) await minted(await post({ token: 'good' }))
    expect(await expectProblem(await post({ token: 'good' }), 'conflict', 409)).toContain('100 open sessions')
    const other = rigOf(fixture, { proof: { issuer: ISSUER, subject: 'system:serviceaccount:research:other' } })
    await minted(await other.post({ token: 'good' }))
  })
})

describe('the end of a task', () => {
  it('revokes the session that was minted for it, and no other', async () => {
    await using fixture = await startFixture()
    const { id } = await minted(await rigOf(fixture).post({ token: 'good' }))
    const end = async (sessionId: string) => {
      const session = await fixture.ledger.session(sessionId)
      if (!session) throw new Error('no session')
      const quote = async () => ({ payable: false, reason: 'not asked here' })
      const door = createAgentDoor({ ...fixture.deps, proxyUrl: () => fixture.deps.proxyUrl, quote })
      return door(session, new Request('http://purser.internal/v1/session/end', { method: 'POST' }))
    }
    expect(await (await end(id)).json()).toMatchObject({ id, state: 'revoked' })
    const opened = await fixture.open()
    await expectProblem(await end(opened.id), 'forbidden', 403)
    expect((await fixture.ledger.session(opened.id))?.status).toBe('open')
  })
})
