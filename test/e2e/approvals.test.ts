/**
 * People and money end to end: the whole Purser, official paid servers, a real chain, a webhook that receives signed
 * notices, and an approver at the admin door. On two replicas of one PostgreSQL as well.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Hook, startHook } from '../crash/people.ts'
import { startPostgres } from '../postgres/server.ts'
import { makeSharedKeys } from '../shared-keys.ts'
import { startTestnet, type Testnet } from '../testnet/testnet.ts'
import { type OpenSession, openConfig, type RunningPurser, startPurser } from './purser.ts'

let testnet: Testnet
let hook: Hook
let config: Record<string, unknown>
let purser: RunningPurser
const started = new AsyncDisposableStack()

beforeAll(async () => {
  testnet = started.use(await startTestnet())
  hook = started.use(await startHook())
  config = governed()
  purser = started.use(await startPurser(config))
  await testnet.fund(purser.app.walletAddress as `0x${string}`, 1_000_000_000n)
})
afterAll(() => started.disposeAsync())

/** By path: /data asks, /weather tells, /stream has a window longer than the hold, /broken is prohibited. */
function governed(): Record<string, unknown> {
  const open = openConfig([testnet.caFile])
  const conditions = (category: string) => ({
    ...{ maxAmount: '50', categories: [category], recipientTrust: 'verified', frequency: { max: 1_000, per: '1h' } },
  })
  return {
    ...open,
    proxy: { ...(open.proxy as object), routes: [{ prefix: '/paid/', upstream: `${testnet.servers.honoV2.httpsUrl}/` }] },
    people: [{ id: 'ops', roles: ['owner', 'approver'], webhook: hook.url }],
    approvals: { hold: '1s', vetoHold: '2s' },
    categories: [
      { host: '*', path: '/data', category: 'hire' },
      { host: '*', path: '/weather', category: 'buy' },
      { host: '*', path: '/stream', category: 'wait' },
      { host: '*', path: '/broken', category: 'gambling' },
    ],
    tiers: [
      { name: 'asking', conditions: conditions('hire'), approval: 'explicit_human', timeout: '4h' },
      { name: 'telling', conditions: conditions('buy'), approval: 'notify_with_veto', vetoWindow: '1s' },
      { name: 'waiting', conditions: conditions('wait'), approval: 'notify_with_veto', vetoWindow: '4s' },
      { name: 'prohibited', conditions: { categories: ['gambling'] }, approval: 'blocked', alert: 'immediate_to_owner' },
    ],
  }
}

interface Asked {
  readonly status: number
  readonly retryAfter: string | null
  readonly body: Record<string, unknown>
}

async function ask({ app }: RunningPurser, { token }: OpenSession, path: string): Promise<Asked> {
  const answer = await fetch(`${app.proxyUrl}/paid${path}`, { headers: { 'purser-session': token } })
  const text = await answer.text()
  const isJson = answer.headers.get('content-type')?.includes('json')
  return { status: answer.status, retryAfter: answer.headers.get('retry-after'), body: isJson ? JSON.parse(text) : { text } }
}

interface Waiting {
  readonly id: string
  readonly kind: string
  readonly paymentId: string
}

/** What waits for people in this session; waited for. */
async function waiting(one: RunningPurser, { id }: OpenSession): Promise<Waiting> {
  const find = async () => {
    const { items } = await one.admin<{ items: (Waiting & { sessionId: string })[] }>('/v1/approvals?state=pending&limit=1000')
    const mine = items.find(({ sessionId }) => sessionId === id)
    if (!mine) throw new Error('nothing waits')
    return mine
  }
  return vi.waitFor(find, { timeout: 15_000, interval: 50 })
}

const decide = (one: RunningPurser, { id }: Waiting, verdict: 'approve' | 'deny', reason = 'by the test') =>
  one.admin(`/v1/approvals/${id}/${verdict}`, { method: 'POST', body: JSON.stringify({ reason }) })

const balance = (one: RunningPurser, { id }: OpenSession) => one.admin(`/v1/sessions/${id}`)

describe('a payment that people have to approve', () => {
  it('waits with no money set aside, is approved, and is paid at once while its agent still waits', async () => {
    const session = await purser.openSession()
    const asked = ask(purser, session, '/data?n=1')
    const approval = await waiting(purser, session)
    expect(approval.kind).toBe('approval')
    expect(await balance(purser, session)).toMatchObject({ held: '0.00', spent: '0.00' })
    await decide(purser, approval, 'approve')
    expect(await asked).toMatchObject({ status: 200, body: { rows: [1, 2, 3] } })
    expect(await balance(purser, session)).toMatchObject({ held: '0.00', spent: '0.01' })
    expect(await purser.admin(`/v1/payments/${approval.paymentId}`)).toMatchObject({ state: 'settled', tier: 'asking' })
    await vi.waitFor(() => expect(hook.types).toContain('approval.requested'))
  })

  it('is answered approval_pending when the hold is over; the same request claims the yes, and settles once', async () => {
    const session = await purser.openSession()
    const first = await ask(purser, session, '/data?n=2')
    expect(first).toMatchObject({ status: 403, body: { code: 'approval_pending', moneyState: 'none' } })
    expect(Number(first.retryAfter)).toBeGreaterThan(0)
    expect(first.body.approvalUrl).toContain('/#/approvals/')
    const before = await testnet.balanceOf(testnet.merchant)
    await decide(purser, await waiting(purser, session), 'approve')
    expect((await ask(purser, session, '/data?n=2')).status).toBe(200)
    expect((await testnet.balanceOf(testnet.merchant)) - before).toBe(10_000n)
    expect((await ask(purser, session, '/data?n=2')).body).toMatchObject({ code: 'approval_pending' })
    expect((await testnet.balanceOf(testnet.merchant)) - before).toBe(10_000n)
  })

  it('is refused with the person’s reason, and a repeat hears it again', async () => {
    const session = await purser.openSession()
    const asked = ask(purser, session, '/data?n=3')
    await decide(purser, await waiting(purser, session), 'deny', 'we have that data')
    expect(await asked).toMatchObject({ status: 403, body: { code: 'approval_denied' } })
    expect((await ask(purser, session, '/data?n=3')).body.detail).toContain('we have that data')
    expect(await balance(purser, session)).toMatchObject({ spent: '0.00', held: '0.00' })
  })

  it('is not waited for by a session that was closed meanwhile', async () => {
    const session = await purser.openSession()
    const asked = ask(purser, session, '/data?n=4')
    const approval = await waiting(purser, session)
    await purser.admin(`/v1/sessions/${session.id}/close`, { method: 'POST', body: '{}' })
    expect((await asked).body).toMatchObject({ code: 'session_closed' })
    await decide(purser, approval, 'approve')
    expect(await balance(purser, session)).toMatchObject({ spent: '0.00' })
  })
})

describe('a payment that people may veto', () => {
  it('holds its money while the window runs, and silence pays', async () => {
    const session = await purser.openSession()
    const asked = ask(purser, session, '/weather?n=1')
    expect((await waiting(purser, session)).kind).toBe('veto')
    expect(await balance(purser, session)).toMatchObject({ held: '0.001' })
    expect((await asked).status).toBe(200)
    expect(await balance(purser, session)).toMatchObject({ held: '0.00', spent: '0.001' })
    expect(hook.types).toContain('veto.opened')
  })

  it('is refused by a veto, and its money is free at once', async () => {
    const session = await purser.openSession()
    const asked = ask(purser, session, '/weather?n=2')
    await decide(purser, await waiting(purser, session), 'deny', 'not this week')
    expect((await asked).body).toMatchObject({ code: 'vetoed', moneyState: 'none' })
    expect(await balance(purser, session)).toMatchObject({ held: '0.00', spent: '0.00' })
  })

  it('R16: is answered approval_pending when the window is longer than the hold; a repeat after its end pays once', async () => {
    const session = await purser.openSession()
    expect((await ask(purser, session, '/stream?n=1')).body).toMatchObject({ code: 'approval_pending', moneyState: 'held' })
    const answer = await vi.waitFor(
      async () => {
        const again = await ask(purser, session, '/stream?n=1')
        expect(again.status).toBe(200)
        return again
      },
      { timeout: 15_000, interval: 100 },
    )
    expect(answer.body.text).toContain('data: three')
    expect(await balance(purser, session)).toMatchObject({ held: '0.00', spent: '0.001' })
  })

  it('a halt ends the window, and nothing is paid', async () => {
    const session = await purser.openSession()
    const asked = ask(purser, session, '/weather?n=3')
    await waiting(purser, session)
    await purser.admin('/v1/halt', { method: 'POST', body: JSON.stringify({ scope: 'session', value: session.id, reason: 'drill' }) })
    expect((await asked).body).toMatchObject({ code: 'payments_halted' })
    expect(await balance(purser, session)).toMatchObject({ held: '0.00', spent: '0.00' })
  })
})

describe('a prohibited payment', () => {
  it('is refused at once, and the owner is alerted', async () => {
    const session = await purser.openSession()
    expect((await ask(purser, session, '/broken?n=1')).body).toMatchObject({ code: 'tier_prohibited' })
    await vi.waitFor(() => expect(hook.types).toContain('payment.prohibited'))
  })
})

describe('two replicas on one ledger', () => {
  let replicas: readonly [RunningPurser, RunningPurser]
  let shared: Record<string, unknown>

  beforeAll(async () => {
    const server = started.use(await startPostgres())
    const keys = started.use(await makeSharedKeys())
    shared = { ...config, ...keys.config, ledger: await server.createDatabase() }
    replicas = [started.use(await startPurser(shared)), started.use(await startPurser(shared))]
    await testnet.fund(replicas[0].app.walletAddress as `0x${string}`, 1_000_000_000n)
  })

  it('what one asks, the other’s approver decides, and the request that waits is paid', async () => {
    const [one, other] = replicas
    const session = await one.openSession()
    const asked = ask(one, session, '/data?n=11')
    await decide(other, await waiting(other, session), 'approve')
    expect((await asked).status).toBe(200)
    expect(await balance(other, session)).toMatchObject({ spent: '0.01', held: '0.00' })
  })

  it('a yes that is claimed on both at once pays once', async () => {
    const [one, other] = replicas
    const session = await one.openSession()
    await ask(one, session, '/data?n=12')
    await decide(one, await waiting(one, session), 'approve')
    const both = await Promise.all([ask(one, session, '/data?n=12'), ask(other, session, '/data?n=12')])
    expect(both.map(({ status }) => status)).toContain(200)
    expect(both.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(await balance(one, session)).toMatchObject({ spent: '0.01', held: '0.00' })
  })

  it('a veto at one ends the window of the other', async () => {
    const [one, other] = replicas
    const session = await one.openSession()
    const asked = ask(one, session, '/weather?n=13')
    await decide(other, await waiting(other, session), 'deny')
    expect((await asked).body).toMatchObject({ code: 'vetoed' })
    expect(await balance(other, session)).toMatchObject({ spent: '0.00', held: '0.00' })
  })

  it('R16: a window whose agent has gone is one repeat’s claim, on whichever replica it comes', async () => {
    const [one, other] = replicas
    const session = await one.openSession()
    expect((await ask(one, session, '/stream?n=14')).body).toMatchObject({ code: 'approval_pending' })
    await vi.waitFor(async () => expect((await ask(other, session, '/stream?n=14')).status).toBe(200), { timeout: 15_000, interval: 100 })
    expect(await balance(one, session)).toMatchObject({ spent: '0.001', held: '0.00' })
  })

  it('a replica that stops in the middle of a window leaves nothing held, and its repeat is paid by the other', async () => {
    const [one] = replicas
    const third = await startPurser(shared)
    const session = await one.openSession()
    const asked = ask(third, session, '/stream?n=15')
    await waiting(one, session)
    await third.app.drain()
    expect((await asked).body).toMatchObject({ code: 'approval_pending' })
    await third[Symbol.asyncDispose]()
    expect(await balance(one, session)).toMatchObject({ held: '0.00' })
    await vi.waitFor(async () => expect((await ask(one, session, '/stream?n=15')).status).toBe(200), { timeout: 15_000, interval: 100 })
    expect(await balance(one, session)).toMatchObject({ spent: '0.001', held: '0.00' })
  })
})
