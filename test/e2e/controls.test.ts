/**
 * The five kinds of spend control, each alone and all together (docs/controls.md): a one-time token, a time-bounded JWT,
 * the wallet's balance on the chain, a mandate, and a person. The whole Purser, official paid servers, a real chain.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { claimsAt, ISSUER, issue, type Key, keySet, newKey, present } from '../mandate/issuer.ts'
import { startTestnet, type Testnet } from '../testnet/testnet.ts'
import { nodeFetch } from './agents.ts'
import { type OpenSession, openConfig, type RunningPurser, startPurser } from './purser.ts'

/** What the official servers ask, in atomic units: /weather is paid at once, /data only when a person says yes. */
const WEATHER = 1_000n
const DATA = 10_000n

let testnet: Testnet
let issuer: Key
let agent: Key
let keys: string
let purser: RunningPurser
const started = new AsyncDisposableStack()

beforeAll(async () => {
  testnet = started.use(await startTestnet())
  const folder = await mkdtemp(join(tmpdir(), 'purser-controls-'))
  started.defer(() => rm(folder, { recursive: true }))
  ;[issuer, agent] = await Promise.all([newKey(), newKey()])
  keys = join(folder, 'issuer.jwks.json')
  await writeFile(keys, JSON.stringify(keySet(issuer)))
  purser = started.use(await startPurser(controlled()))
  await testnet.fund(purser.app.walletAddress as `0x${string}`, 1_000_000_000n)
})
afterAll(() => started.disposeAsync())

function controlled(): Record<string, unknown> {
  const open = openConfig([testnet.caFile])
  const conditions = (category: string) => ({
    ...{ maxAmount: '50', categories: [category], recipientTrust: 'verified', frequency: { max: 1_000, per: '1h' } },
  })
  return {
    ...open,
    proxy: {
      ...(open.proxy as object),
      connectPorts: [443, Number(new URL(testnet.servers.honoV2.httpsUrl).port)],
      routes: [{ prefix: '/paid/', upstream: `${testnet.servers.honoV2.httpsUrl}/` }],
    },
    networks: [{ id: 'base-sepolia', rpc: testnet.rpcUrl }],
    approvals: { hold: '20s' },
    mandates: { issuers: [{ issuer: ISSUER, keys }] },
    categories: [
      { host: '*', path: '/weather', category: 'weather' },
      { host: '*', path: '/data', category: 'hire' },
    ],
    tiers: [
      { name: 'asking', conditions: conditions('hire'), approval: 'explicit_human', timeout: '4h' },
      { name: 'at-once', conditions: conditions('weather'), approval: 'none' },
    ],
  }
}

interface Told {
  readonly status: number
  readonly code?: string
  readonly detail?: string
}

/** What the agent of this token is told. */
async function ask(token: string, path: string, one = purser): Promise<Told> {
  const answer = await fetch(`${one.app.proxyUrl}/paid${path}`, { headers: { 'purser-session': token } })
  const text = await answer.text()
  if (!answer.headers.get('content-type')?.includes('problem+json')) return { status: answer.status }
  const { code, detail }: { code: string; detail: string } = JSON.parse(text)
  return { status: answer.status, code, detail }
}

/** Says yes to what this session has waiting, as soon as it is there. */
async function approve({ id }: Pick<OpenSession, 'id'>, verdict: 'approve' | 'deny' = 'approve', one = purser): Promise<void> {
  const waiting = await vi.waitFor(async () => {
    const { items } = await one.admin<{ items: { id: string; sessionId: string }[] }>('/v1/approvals?state=pending&limit=1000')
    const mine = items.find(({ sessionId }) => sessionId === id)
    if (!mine) throw new Error('nothing waits')
    return mine
  })
  await one.admin(`/v1/approvals/${waiting.id}/${verdict}`, { method: 'POST', body: JSON.stringify({ reason: 'by the test' }) })
}

/** A mandate of the user that names the agent's key, presented with a proof over a fresh nonce. */
async function mandated(changes: Record<string, unknown> = {}, one = purser): Promise<string> {
  const constraints = [
    { type: 'payment.budget', currency: 'USD', max: 0.012 },
    { type: 'payment.agent_recurrence', frequency: 'ON_DEMAND' },
    { type: 'payment.allowed_payees', allowed: [{ id: 'm1', name: 'Merchant', website: 'https://localhost' }] },
  ]
  const mandate = await issue(issuer, claimsAt(Date.now(), { constraints, cnf: { jwk: agent.jwk }, ...changes }))
  const { nonce } = await one.admin<{ nonce: string }>('/v1/mandates/nonce', { method: 'POST' })
  return present(mandate, agent, { nonce, iat: Math.floor(Date.now() / 1000) })
}

const merchantGot = () => testnet.balanceOf(testnet.merchant)

describe('one control alone', () => {
  it('a one-time token pays once, of many requests at once, and passes unpaid traffic on', async () => {
    const before = await merchantGot()
    const { token, id } = await purser.openSession({ singleUse: true })
    const told = await Promise.all(Array.from({ length: 8 }, (_, at) => ask(token, `/weather?one=${at}`)))
    expect(told.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(told.filter(({ code }) => code === 'payment_count_exceeded')).toHaveLength(7)
    expect((await merchantGot()) - before).toBe(WEATHER)
    expect(await purser.admin(`/v1/sessions/${id}`)).toMatchObject({ payments: 1, spent: '0.001', state: 'open' })
    expect(await ask(token, '/free')).toEqual({ status: 200 })
  })

  it('a time-bounded JWT is verified offline, works as proxy password, and ends before its session does', async () => {
    const { token, id, proxyUrl } = await purser.openSession({ tokenFormat: 'jwt', cap: '0.50' })
    const set: JSONWebKeySet = (await (await fetch(new URL('/v1/keys', purser.app.adminUrl))).json()) as JSONWebKeySet
    const { payload } = await jwtVerify(token, createLocalJWKSet(set), { issuer: 'purser', audience: 'purser-proxy' })
    expect(payload).toMatchObject({ sub: id, agent: 'tester', cap: '0.50', currency: 'USD' })
    const fetched = await nodeFetch({ url: `${testnet.servers.honoV2.httpsUrl}/weather?jwt`, proxyUrl, caFile: purser.app.caFile })
    expect(fetched).toMatchObject({ status: 200, payment: expect.stringMatching(/^pay_/) })
    const short = await purser.admin<{ token: string }>(`/v1/sessions/${id}/token`, { method: 'POST', body: '{"ttl":"1ms"}' })
    expect(await ask(short.token, '/weather?short')).toMatchObject({
      status: 401,
      code: 'session_invalid',
      detail: expect.stringContaining('expired'),
    })
    expect(await ask(token, '/weather?long')).toMatchObject({ status: 200 })
  })

  it('a JWT that was handed on for some minutes mints no token and opens no child that lasts longer', async () => {
    const { id } = await purser.openSession()
    const short = await purser.admin<{ token: string; expiresAt: string }>(`/v1/sessions/${id}/token`, {
      method: 'POST',
      body: '{"ttl":"5m"}',
    })
    const own = (path: string, body: object) =>
      fetch(`${purser.app.proxyUrl}/.purser${path}`, {
        ...{ method: 'POST', body: JSON.stringify(body) },
        headers: { 'purser-session': short.token, 'content-type': 'application/json' },
      })
    const further = (await (await own('/v1/session/token', {})).json()) as { expiresAt: string }
    expect(Date.parse(further.expiresAt)).toBeLessThanOrEqual(Date.parse(short.expiresAt))
    const child = await own('/v1/session/children', { cap: '0.001', ttl: '10m' })
    expect([child.status, ((await child.json()) as { detail: string }).detail]).toEqual([
      400,
      expect.stringContaining('the token that asks ends'),
    ])
  })

  it('a JWT is no more than its session: the child that an agent makes is narrower, and revoked is revoked', async () => {
    const { token, id } = await purser.openSession({ tokenFormat: 'jwt' })
    const children = async (body: object) => {
      const headers = { 'purser-session': token, 'content-type': 'application/json' }
      const answer = await fetch(`${purser.app.proxyUrl}/.purser/v1/session/children`, {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
      })
      return { status: answer.status, body: (await answer.json()) as OpenSession }
    }
    expect((await children({ cap: '2.00', ttl: '10m', tokenFormat: 'jwt' })).status).toBe(400)
    const child = await children({ cap: '0.001', ttl: '10m', tokenFormat: 'jwt' })
    expect(child.body.token.split('.')).toHaveLength(3)
    expect(await ask(child.body.token, '/weather?child=1')).toMatchObject({ status: 200 })
    expect(await ask(child.body.token, '/weather?child=2')).toMatchObject({ code: 'session_exhausted' })
    await purser.admin(`/v1/sessions/${id}/revoke`, { method: 'POST' })
    for (const one of [token, child.body.token]) expect(await ask(one, '/weather?revoked')).toMatchObject({ code: 'session_revoked' })
  })

  it('the balance on the chain is a ceiling over all sessions, is shown, and grows with the wallet', async () => {
    await using poor = await startPurser(controlled())
    const wallet = poor.app.walletAddress as `0x${string}`
    await testnet.fund(wallet, 2n * WEATHER)
    const sessions = await Promise.all([1, 2, 3, 4].map(() => poor.openSession()))
    const shown = [expect.objectContaining({ asset: 'USDC', amount: '0.002', free: '0.002' })]
    expect(await poor.admin(`/v1/sessions/${sessions[0]?.id}`)).toMatchObject({ wallet: { address: wallet, balance: shown } })
    expect(await poor.admin('/v1/wallet')).toMatchObject({ address: wallet, balance: shown })
    const told = await Promise.all(sessions.map(({ token }) => ask(token, '/weather', poor)))
    expect(told.map(({ code = 'paid' }) => code).toSorted()).toEqual(['paid', 'paid', 'wallet_insufficient', 'wallet_insufficient'])
    expect(await testnet.balanceOf(wallet)).toBe(0n)
    await testnet.fund(wallet, WEATHER)
    const { token = '' } = sessions.at(-1) ?? {}
    await vi.waitFor(async () => expect(await ask(token, '/weather?funded', poor)).toMatchObject({ status: 200 }), {
      timeout: 10_000,
      interval: 200,
    })
  })

  it('a mandate grants its sum once, to its payees alone, however many sessions are opened with it', async () => {
    const mandate = await issue(
      issuer,
      claimsAt(Date.now(), {
        constraints: [
          { type: 'payment.budget', currency: 'USD', max: 0.002 },
          { type: 'payment.agent_recurrence', frequency: 'ON_DEMAND' },
          { type: 'payment.allowed_payees', allowed: [{ website: 'https://localhost' }] },
        ],
      }),
    )
    const [one, two] = [await purser.openSession({ mandate }), await purser.openSession({ mandate })]
    const told = await Promise.all([one, two, one, two].map(({ token }, at) => ask(token, `/weather?mandate=${at}`)))
    expect(told.filter(({ status }) => status === 200)).toHaveLength(2)
    expect(told.filter(({ code }) => code === 'session_exhausted' || code === 'spending_limit_exceeded')).toHaveLength(2)
    expect(await purser.openSession({ mandate })).toMatchObject({ code: 'conflict', detail: expect.stringContaining('used up') })
    const elsewhere = await purser.openSession({ mandate: await mandated({ payee: { website: 'https://elsewhere.example' } }) })
    expect(await ask(elsewhere.token, '/weather?payee')).toMatchObject({ code: 'recipient_limit_exceeded' })
  })

  it('a mandate is refused with a constraint that is not understood, and without the key that it names', async () => {
    const unknown = await mandated({ constraints: [{ type: 'payment.moon_phase', phase: 'full' }] })
    expect(await purser.openSession({ mandate: unknown })).toMatchObject({
      code: 'request_invalid',
      detail: expect.stringContaining('payment.moon_phase'),
    })
    const [stolen = ''] = (await mandated()).split('~')
    expect(await purser.openSession({ mandate: `${stolen}~` })).toMatchObject({
      code: 'request_invalid',
      detail: expect.stringContaining('proof'),
    })
  })

  it('a person says yes or no while the agent waits, and nothing is paid before that', async () => {
    const [yes, no] = await Promise.all([purser.openSession(), purser.openSession()])
    const before = await merchantGot()
    const [granted, refused] = [ask(yes.token, '/data?person=yes'), ask(no.token, '/data?person=no')]
    await approve(no, 'deny')
    expect(await refused).toMatchObject({ status: 403, code: 'approval_denied' })
    expect(await merchantGot()).toBe(before)
    await approve(yes)
    expect(await granted).toMatchObject({ status: 200 })
    expect((await merchantGot()) - before).toBe(DATA)
  })
})

describe('all controls together', () => {
  /** Under a mandate, for one payment, by a JWT, of a wallet that holds enough for one. */
  async function openAll(one: RunningPurser, more: object = {}) {
    return one.openSession({ singleUse: true, tokenFormat: 'jwt', mandate: await mandated({}, one), ...more })
  }

  it('a payment passes all five, once: token, time, mandate, balance and person', async () => {
    await using all = await startPurser(controlled())
    await testnet.fund(all.app.walletAddress as `0x${string}`, DATA)
    const session = await openAll(all)
    expect(session).toMatchObject({ cap: '0.012', singleUse: true, labels: { 'purser/mandate': expect.any(String) } })
    const asked = ask(session.token, '/data?all', all)
    await approve(session, 'approve', all)
    expect(await asked).toMatchObject({ status: 200 })
    expect(await testnet.balanceOf(all.app.walletAddress as `0x${string}`)).toBe(0n)
    expect(await ask(session.token, '/weather?again', all)).toMatchObject({
      code: expect.stringMatching(/^(payment_count_exceeded|wallet_insufficient)$/),
    })
  })

  it('a person’s yes opens none of the others: the balance still holds', async () => {
    await using all = await startPurser(controlled())
    await testnet.fund(all.app.walletAddress as `0x${string}`, DATA - 1n)
    const session = await openAll(all)
    const asked = ask(session.token, '/data?poor', all)
    await approve(session, 'approve', all)
    expect(await asked).toMatchObject({ code: 'wallet_insufficient' })
  })

  it('people are not even asked for what the mandate’s sum does not cover', async () => {
    const session = await openAll(purser)
    const first = await openAll(purser, { singleUse: false, cap: '0.001' })
    expect(await ask(first.token, '/weather?own')).toMatchObject({ status: 200 })
    const constraints = [{ type: 'payment.budget', currency: 'USD', max: 0.005 }]
    const small = await openAll(purser, { mandate: await mandated({ constraints }) })
    expect(await ask(small.token, '/data?small')).toMatchObject({ code: 'spending_limit_exceeded' })
    expect(await purser.admin(`/v1/sessions/${session.id}`)).toMatchObject({ spent: '0.00' })
  })

  it('people are not even asked a second time for a one-time token, nor by one that is over', async () => {
    const session = await openAll(purser)
    expect(await ask(session.token, '/weather?first')).toMatchObject({ status: 200 })
    expect(await ask(session.token, '/data?second')).toMatchObject({ code: 'payment_count_exceeded' })
    const { token } = await purser.admin<{ token: string }>(`/v1/sessions/${session.id}/token`, { method: 'POST', body: '{"ttl":"1ms"}' })
    expect(await ask(token, '/data?second')).toMatchObject({ status: 401, code: 'session_invalid' })
  })
})
