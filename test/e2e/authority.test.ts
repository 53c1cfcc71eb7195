/**
 * Authority, not only money (docs/identity.md), as agents and their operators meet it: what a session is for, what a tier
 * wants to know, who stands behind a request, and what stops an agent or a recipient that runs wild. The whole Purser,
 * official paid servers, a real chain.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { runHere } from '../cli/running-purser.ts'
import { openDoors } from '../testnet/doors.ts'
import { startTestnet, type Testnet } from '../testnet/testnet.ts'
import { type Market, startMarket } from './market.ts'
import { type OpenSession, openConfig, type RunningPurser, startPurser } from './purser.ts'
import { type Receiver, startReceiver } from './receiver.ts'

let testnet: Testnet
/** Paid paths, and every other one is free. */
let market: Market
let receiver: Receiver
let purser: RunningPurser
/** What came through to the upstream that charges nothing: names of headers in lower case, and their values. */
const heard: Map<string, string>[] = []
const started = new AsyncDisposableStack()

beforeAll(async () => {
  testnet = started.use(await startTestnet())
  market = started.use(await startMarket(testnet, { '/cheap': '0.001', '/data': '0.002', '/explained': '0.003' }))
  receiver = started.use(await startReceiver())
  const plain = started.use(
    await openDoors((request, response) => {
      heard.push(new Map(Object.entries(request.headers).map(([name, value]) => [name, String(value)])))
      response.end('heard')
    }, testnet.tls),
  )
  purser = started.use(await startPurser(governed(plain.url)))
  await testnet.fund(purser.app.walletAddress as `0x${string}`, 100_000_000n)
})
afterAll(() => started.disposeAsync())

function governed(plain: string): Record<string, unknown> {
  const open = openConfig([testnet.caFile])
  const upstreams = {
    ...{ market: market.url, plain, failing: testnet.servers.expressV2.httpsUrl, looping: testnet.servers.honoV2.httpsUrl },
  }
  const conditions = (category: string) => ({
    ...{ maxAmount: '1', categories: [category], recipientTrust: 'verified', frequency: { max: 1_000, per: '1h' } },
  })
  return {
    ...open,
    proxy: {
      ...(open.proxy as object),
      routes: Object.entries(upstreams).map(([name, url]) => ({ prefix: `/${name}/`, upstream: `${url}/` })),
    },
    networks: [{ id: 'base-sepolia', rpc: testnet.rpcUrl }],
    recipients: { verified: [market.merchant, testnet.merchant].map((payTo) => ({ host: 'localhost', payTo })) },
    people: [{ id: 'olga', roles: ['owner', 'approver'], webhook: receiver.url, webhookSecret: receiver.secret }],
    approvals: { hold: '20s' },
    circuitBreaker: { errorRate: 50, minimum: 4, window: '5m', cooldown: '2s' },
    loopGuard: { after: 3, within: '10m' },
    categories: [
      { host: '*', path: '/data', category: 'data' },
      { host: '*', path: '/explained', category: 'explained' },
      { host: '*', category: 'plain' },
    ],
    tiers: [
      { name: 'at-once', conditions: { ...conditions('plain'), categories: ['plain', 'data'] }, approval: 'none' },
      { name: 'explained', conditions: conditions('explained'), approval: 'none', require: ['justification', 'task', 'tool'] },
    ],
  }
}

interface Told {
  readonly status: number
  readonly paymentId: string | null
  readonly body: Record<string, unknown>
}

async function ask(
  { token }: Pick<OpenSession, 'token'>,
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<Told> {
  const answer = await fetch(`${purser.app.proxyUrl}${path}`, { method, headers: { 'purser-session': token, ...headers } })
  const text = await answer.text()
  const isJson = answer.headers.get('content-type')?.includes('json')
  return { status: answer.status, paymentId: answer.headers.get('purser-payment'), body: isJson ? JSON.parse(text) : {} }
}

const logged = (event: string, session?: OpenSession) =>
  purser.log.map((line) => JSON.parse(line)).filter((line) => line.msg === event && (!session || line.sessionId === session.id))

const cli = (...argv: string[]) => runHere(argv, { PURSER_ADMIN_URL: purser.app.adminUrl, PURSER_ADMIN_TOKEN: purser.adminToken })

describe('what a session is for', () => {
  const elsewhere = { hosts: ['api.example.com'] }
  it.each<[dimension: string, scope: object, headers: Record<string, string>, detail: RegExp]>([
    ['hosts', elsewhere, {}, /^Host localhost is not among the hosts/],
    ['methods', { methods: ['POST'] }, {}, /^Method GET is not among the methods/],
    ['paths', { paths: ['/v1/*'] }, {}, /^The path is not among the paths/],
    ['categories', { categories: ['data'] }, {}, /^The payment is for plain; this session is for data/],
    ['tools', { tools: ['web_search'] }, { 'purser-tool': 'shell' }, /^Tool "shell" is not among the tools/],
    ['tools, none named', { tools: ['web_search'] }, {}, /^The request names no tool/],
  ])('%s: judges payments, lets pass what is free, and the refusal says why', async (_dimension, scope, headers, detail) => {
    const session = await purser.openSession({ scope })
    const { status, body } = await ask(session, '/market/cheap', headers)
    expect([status, body]).toEqual([403, expect.objectContaining({ code: 'out_of_scope', moneyState: 'none' })])
    expect(body.detail).toMatch(detail)
    expect((await ask(session, '/plain/', headers)).status).toBe(200)
    expect(await purser.admin(`/v1/sessions/${session.id}`)).toMatchObject({ spent: '0.00', held: '0.00' })
  })

  it('with enforce: all every request is judged, and what is outside never leaves', async () => {
    const { out } = await cli('session', 'open', '--cap', '1', '--ttl', '1h', '--path', '/in/*', '--enforce', 'all', '--json')
    const session: OpenSession = JSON.parse(out)
    const before = heard.length
    for (const path of ['/plain/out', '/plain/in/%2e%2e/out']) {
      expect(await ask(session, path)).toMatchObject({ status: 403, body: { code: 'out_of_scope', sessionId: session.id } })
    }
    expect(heard).toHaveLength(before)
    expect((await ask(session, '/plain/in/it')).status).toBe(200)
    expect(heard).toHaveLength(before + 1)
  })

  it('a tier may want to know task, tool and justification; what was said is on record, and no upstream hears it', async () => {
    const session = await purser.openSession()
    const said = { 'purser-task': 'archive', 'purser-tool': 'web_search', 'purser-justification': 'The index needs it.' }
    const { 'purser-tool': _, ...untold } = said
    const refused = await ask(session, '/market/explained', untold)
    expect(refused).toMatchObject({ status: 403, body: { code: 'justification_required', rule: 'tiers.explained.require' } })
    expect(refused.body.detail).toMatch(/only for a request that has Purser-Tool\.$/)
    const { status, paymentId } = await ask(session, '/market/explained', said)
    expect(status).toBe(200)
    const told = { task: 'archive', tool: 'web_search', justification: 'The index needs it.' }
    expect(await purser.admin(`/v1/payments/${paymentId}`)).toMatchObject(told)
    await ask(session, '/plain/', said)
    expect([...(heard.at(-1)?.keys() ?? [])].filter((name) => name.startsWith('purser-'))).toEqual([])
  })
})

describe('who stands behind a request', () => {
  it('the chain and the trace of a payment are on record, and found by, over the API and with the command line', async () => {
    const session = await purser.openSession()
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
    const chain = { 'purser-on-behalf-of': 'planner, payer', traceparent: `00-${trace}-00f067aa0ba902b7-01` }
    const { paymentId } = await ask(session, '/market/cheap?behind', chain)
    await ask(session, '/market/cheap?alone')
    expect(await purser.admin(`/v1/payments/${paymentId}`)).toMatchObject({ context: { onBehalfOf: ['planner', 'payer'], trace } })
    for (const list of ['payments', 'receipts']) {
      for (const query of [`onBehalfOf=planner`, `onBehalfOf=payer`, `trace=${trace}`]) {
        const { items } = await purser.admin<{ items: Record<string, string>[] }>(`/v1/${list}?${query}`)
        const found = items.map((item) => item[list === 'payments' ? 'id' : 'paymentId'])
        expect(new Set(found)).toEqual(new Set([paymentId]))
      }
      for (const flags of [
        ['--on-behalf-of', 'planner'],
        ['--trace', trace],
      ]) {
        const { items } = JSON.parse((await cli(list, 'list', ...flags, '--json')).out)
        expect(items[0]).toMatchObject({ context: { trace } })
      }
    }
    expect((await cli('payments', 'list', '--on-behalf-of', 'nobody')).out).toBe('No payments.\n')
    expect((await cli('receipts', 'export', '--trace', trace)).out).toContain(`"trace":"${trace}"`)
  })

  it('no upstream hears the chain, each hears the trace, and one that hides somebody is refused', async () => {
    const session = await purser.openSession()
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4737-00f067aa0ba902b7-01'
    await ask(session, '/plain/', { 'purser-on-behalf-of': 'planner', traceparent })
    expect(heard.at(-1)?.has('purser-on-behalf-of')).toBe(false)
    expect(heard.at(-1)?.get('traceparent')).toBe(traceparent)
    const long = Array.from({ length: 11 }, (_, at) => `agent-${at}`).join(',')
    expect(await ask(session, '/plain/', { 'purser-on-behalf-of': long })).toMatchObject({ status: 400, body: { code: 'request_invalid' } })
  })
})

describe('the steps of a task', () => {
  it('are bounded in paid calls and in requests, for a session and all below it; another task has its own', async () => {
    const flags = ['--cap', '1', '--ttl', '1h', '--task-payments', '1', '--task-requests', '3', '--json']
    const session: OpenSession = JSON.parse((await cli('session', 'open', ...flags)).out)
    const at = (task: string) => ({ 'purser-task': task })
    expect((await ask(session, '/market/cheap?1', at('a'))).status).toBe(200)
    const second = await ask(session, '/market/cheap?2', at('a'))
    expect(second).toMatchObject({ status: 403, body: { code: 'step_budget_exceeded', moneyState: 'none' } })
    expect((await ask(session, '/plain/', at('a'))).status).toBe(200)
    expect(await ask(session, '/plain/', at('a'))).toMatchObject({ status: 403, body: { rule: 'limits.perTask.requests' } })
    expect((await ask(session, '/market/cheap?3', at('b'))).status).toBe(200)
    const child = await purser.openSession({ parent: session.id, cap: '0.10', ttl: '10m' })
    expect(await ask(child, '/market/cheap?4', at('b'))).toMatchObject({ status: 403, body: { code: 'step_budget_exceeded' } })
    expect((await ask(child, '/market/cheap?5', at('c'))).status).toBe(200)
  })
})

describe('a session that pays otherwise than it began', () => {
  /** Its start: ten payments at one place. */
  async function begun(onDrift: string): Promise<OpenSession> {
    const session = await purser.openSession({ scope: { onDrift } })
    const start = await Promise.all(Array.from({ length: 10 }, (_, at) => ask(session, `/market/cheap?start=${at}`)))
    expect(start.map(({ status }) => status)).toEqual(start.map(() => 200))
    return session
  }
  const NEWS = 'The start of this session showed no payment for data.'

  it('report: it is paid, the reason and the record say so, and the owner is told', async () => {
    const session = await begun('report')
    const { status, paymentId } = await ask(session, '/market/data')
    expect(status).toBe(200)
    const payment = await purser.admin(`/v1/payments/${paymentId}`)
    expect(payment).toMatchObject({ reason: expect.stringContaining(NEWS), context: { facts: expect.arrayContaining([NEWS]) } })
    expect(logged('session_drift', session)).toMatchObject([{ kind: 'category', consequence: 'report' }])
    await vi.waitFor(() => {
      const alerts = receiver.messages.filter(({ type, data }) => type === 'session.drift' && data.sessionId === session.id)
      expect(JSON.stringify(alerts)).toContain(NEWS)
    })
  })

  it('deny: it is refused as outside of what the session is for; what the start showed goes on', async () => {
    const session = await begun('deny')
    const { status, body } = await ask(session, '/market/data')
    expect([status, body.code, body.rule, body.detail]).toEqual([
      403,
      'out_of_scope',
      'session.scope.onDrift',
      expect.stringContaining(NEWS),
    ])
    expect((await ask(session, '/market/cheap?on')).status).toBe(200)
  })

  it('escalate: a person decides on this one payment, and is shown what is new', async () => {
    const session = await begun('escalate')
    const asked = ask(session, '/market/data')
    const waiting = await vi.waitFor(async () => {
      const { items } = await purser.admin<{ items: { id: string; sessionId: string }[] }>('/v1/approvals?state=pending')
      const mine = items.find(({ sessionId }) => sessionId === session.id)
      if (!mine) throw new Error('nothing waits')
      return mine
    })
    expect(JSON.stringify(await purser.admin(`/v1/approvals/${waiting.id}`))).toContain(NEWS)
    await purser.admin(`/v1/approvals/${waiting.id}/approve`, { method: 'POST', body: '{"reason":"fine this once"}' })
    expect((await asked).status).toBe(200)
  })
})

describe('what runs wild', () => {
  it('a recipient that takes money and fails is paused, says until when, and is tried once before it is paid again', async () => {
    const session = await purser.openSession()
    for (const at of [1, 2, 3, 4]) expect((await ask(session, `/failing/broken?${at}`)).status).toBe(500)
    const { status, body } = await ask(session, '/failing/weather')
    expect([status, body]).toEqual([403, expect.objectContaining({ code: 'circuit_open', moneyState: 'none', retrySafe: true })])
    expect(Date.parse(String(body.resetsAt))).toBeGreaterThan(Date.now() - 1_000)
    expect((await ask(session, '/market/cheap?others')).status).toBe(200)
    await vi.waitFor(async () => expect((await ask(session, '/failing/weather')).status).toBe(200), { timeout: 10_000, interval: 200 })
    expect(logged('circuit').map(({ state }) => state)).toEqual(['open', 'half_open', 'closed'])
  })

  it('an agent that buys what fails again and again is told to stop before it pays once more; other places go on', async () => {
    const session = await purser.openSession()
    // What differs in this header is another purchase.
    const buy = (time: number) => ask(session, '/looping/broken', { accept: `application/json;v=${time}` })
    for (const time of [1, 2, 3]) expect((await buy(time)).status).toBe(500)
    const { status, body } = await buy(4)
    expect([status, body]).toEqual([429, expect.objectContaining({ code: 'loop_detected', rule: 'loopGuard', moneyState: 'none' })])
    expect(body.detail).toMatch(/was refused or failed 3 times in a row/)
    expect(await purser.admin(`/v1/sessions/${session.id}`)).toMatchObject({ held: '0.003', payments: 3 })
    expect((await ask(session, '/looping/weather')).status).toBe(200)
    expect(logged('loop_detected', session)).toHaveLength(1)
  })
})
