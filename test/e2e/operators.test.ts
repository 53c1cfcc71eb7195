/** What operators and approvers do, over two whole Pursers on one PostgreSQL: the kill switch, and authorizing ahead. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Hook, startHook } from '../crash/people.ts'
import { startPostgres } from '../postgres/server.ts'
import { makeSharedKeys } from '../shared-keys.ts'
import { startTestnet, type Testnet } from '../testnet/testnet.ts'
import { type OpenSession, openConfig, type RunningPurser, startPurser } from './purser.ts'

let testnet: Testnet
let hook: Hook
let replicas: readonly [RunningPurser, RunningPurser]
const started = new AsyncDisposableStack()

beforeAll(async () => {
  testnet = started.use(await startTestnet())
  hook = started.use(await startHook())
  const server = started.use(await startPostgres())
  const keys = started.use(await makeSharedKeys())
  const config = { ...governed(), ...keys.config, ledger: await server.createDatabase() }
  replicas = [started.use(await startPurser(config)), started.use(await startPurser(config))]
  await testnet.fund(replicas[0].app.walletAddress as `0x${string}`, 1_000_000_000n)
})
afterAll(() => started.disposeAsync())

function governed(): Record<string, unknown> {
  const open = openConfig([testnet.caFile])
  const conditions = (category: string) => ({
    maxAmount: '50',
    categories: [category],
    recipientTrust: 'verified',
    frequency: { max: 100_000, per: '1h' },
  })
  return {
    ...open,
    proxy: { ...(open.proxy as object), routes: [{ prefix: '/paid/', upstream: `${testnet.servers.honoV2.httpsUrl}/` }] },
    people: [{ id: 'ops', roles: ['owner', 'approver'], webhook: hook.url }],
    approvals: { hold: '20s' },
    categories: [
      { host: '*', path: '/data', category: 'agent_hire' },
      { host: '*', category: 'api_calls' },
    ],
    tiers: [
      { name: 'autonomous', conditions: conditions('api_calls'), approval: 'none' },
      { name: 'collaborative', conditions: conditions('agent_hire'), approval: 'explicit_human', timeout: '4h' },
      { name: 'prohibited', conditions: { categories: ['gambling'] }, approval: 'blocked' },
    ],
  }
}

async function ask({ app }: RunningPurser, { token }: OpenSession, path: string) {
  const answer = await fetch(`${app.proxyUrl}/paid${path}`, { headers: { 'purser-session': token } })
  const body: Record<string, unknown> = JSON.parse(await answer.text())
  return { status: answer.status, body }
}

const post = (one: RunningPurser, path: string, body: object) =>
  one.admin<Record<string, unknown>>(path, { method: 'POST', body: JSON.stringify(body) })

/** How long until this replica refuses, asking all the time. */
async function refusedWithin(one: RunningPurser, session: OpenSession, start: number): Promise<number> {
  for (let number = 0; ; number++) {
    const { body } = await ask(one, session, `/weather?halt=${start}-${number}`)
    if (body.code === 'payments_halted') return performance.now() - start
    expect(body.code).toBeUndefined()
  }
}

describe('the kill switch', () => {
  it.each(['all', 'agent', 'session', 'recipient'])(
    'by %s stops payments on all replicas within a second, with the reason',
    async (scope) => {
      const [here, there] = replicas
      const parent = await here.openSession({ agent: 'halted' })
      const session = await here.openSession({ agent: 'halted', parent: parent.id, cap: '1', ttl: '10m' })
      expect((await ask(there, session, `/weather?before=${scope}`)).status).toBe(200)
      const value = { all: '', agent: 'halted', session: parent.id, recipient: 'localhost' }[scope] ?? ''
      await post(here, '/v1/halt', { scope, value, reason: 'odd spending' })
      const start = performance.now()
      expect(await refusedWithin(there, session, start)).toBeLessThan(1_000)
      const refused = await ask(there, session, '/weather?n=1')
      expect(refused).toMatchObject({ status: 503, body: { code: 'payments_halted', detail: expect.stringContaining('odd spending') } })
      expect(await ask(there, session, '/free')).toMatchObject({ status: 200, body: { free: true } })
      const before = await there.admin(`/v1/sessions/${session.id}`)
      expect(before.held).toBe('0.00')
      await post(there, '/v1/resume', { scope, value })
      await vi.waitFor(async () => expect((await ask(here, session, `/weather?after=${scope}`)).status).toBe(200))
    },
  )

  it('answers who waits for people, at once, and their yes pays nothing before it is lifted', async () => {
    const [here, there] = replicas
    const session = await here.openSession({ agent: 'waiting' })
    const asked = ask(there, session, '/data?n=1')
    const approval = await vi.waitFor(async () => {
      const { items } = await here.admin<{ items: { id: string; agent: string }[] }>('/v1/approvals?state=pending&agent=waiting')
      const [first] = items
      if (!first) throw new Error('nothing waits')
      return first
    })
    await post(here, '/v1/halt', { scope: 'agent', value: 'waiting', reason: 'stop' })
    expect((await asked).body).toMatchObject({ code: 'payments_halted' })
    await post(here, `/v1/approvals/${approval.id}/approve`, {})
    expect((await ask(there, session, '/data?n=1')).body).toMatchObject({ code: 'payments_halted' })
    await post(here, '/v1/resume', { scope: 'agent', value: 'waiting' })
    await vi.waitFor(async () => expect((await ask(there, session, '/data?n=1')).status).toBe(200))
    expect(await here.admin(`/v1/approvals/${approval.id}`)).toMatchObject({ state: 'used' })
  })
})

describe('authorizing ahead', () => {
  it('a payment of exactly what was approved ahead is paid without asking again, once, wherever it comes from', async () => {
    const [here, there] = replicas
    const session = await here.openSession({ agent: 'planner' })
    const asked = { agent: 'planner', amount: '0.01', category: 'agent_hire', recipient: testnet.merchant, recipientTrust: 'verified' }
    const answer = await post(here, '/v1/authorize', { ...asked, justification: 'a second opinion' })
    expect(answer).toMatchObject({ tier: 'collaborative', status: 'awaiting_approval', sessionId: session.id })
    await post(there, `/v1/approvals/${answer.approvalId}/approve`, { reason: 'go on' })
    expect((await ask(there, session, '/data?ahead=1')).status).toBe(200)
    const { items } = await here.admin<{ items: Record<string, unknown>[] }>(`/v1/receipts?session=${session.id}`)
    const settled = items.find(({ state }) => state === 'settled')
    expect(settled).toMatchObject({
      context: { auditId: answer.auditId, approval: { id: answer.approvalId, votes: [{ person: 'admin.token', reason: 'go on' }] } },
    })
    const other = { ...asked, agent: 'late' }
    const early = await post(there, '/v1/authorize', {
      ...other,
      recipient: 'https://LOCALHOST/data',
      justification: 'asked before there was a session',
    })
    await post(there, `/v1/approvals/${early.approvalId}/approve`, {})
    expect((await ask(here, await here.openSession({ agent: 'late' }), '/data?early=1')).status).toBe(200)
    const again = ask(here, session, '/data?ahead=2')
    await vi.waitFor(async () => {
      const waiting = await here.admin<{ items: unknown[] }>(`/v1/approvals?state=pending&session=${session.id}`)
      expect(waiting.items).toHaveLength(1)
    })
    await here.admin(`/v1/sessions/${session.id}/close`, { method: 'POST', body: '{}' })
    expect((await again).body).toMatchObject({ code: 'session_closed' })
  })
})
