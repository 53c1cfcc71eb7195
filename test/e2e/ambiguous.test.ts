/**
 * G3 through the whole proxy: whatever a server does after it was paid, and however often the agent repeats itself, one
 * purchase is settled at most once on the chain, and what is unknown stays held.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Misbehaving, startMisbehaving, withPayments } from '../testnet/misbehaving.ts'
import { startTestnet, type Testnet } from '../testnet/testnet.ts'
import { type OpenSession, openConfig, type RunningPurser, startPurser } from './purser.ts'

let testnet: Testnet
let servers: Misbehaving
let purser: RunningPurser

beforeAll(async () => {
  testnet = await startTestnet()
  servers = await startMisbehaving(testnet)
  const config = openConfig([testnet.caFile])
  const routes = [{ prefix: '/evil/', upstream: `${servers.httpsUrl}/` }]
  purser = await startPurser({ ...config, proxy: { ...(config.proxy as object), routes } })
  await testnet.fund(purser.app.walletAddress as `0x${string}`, 1_000_000n)
})
afterAll(async () => {
  await purser?.[Symbol.asyncDispose]()
  await servers?.[Symbol.asyncDispose]()
  await testnet?.[Symbol.asyncDispose]()
})

async function ask(session: OpenSession, path: string, init: RequestInit = {}) {
  const answer = await fetch(`${purser.app.proxyUrl}/evil${path}`, {
    redirect: 'manual',
    ...init,
    headers: { 'purser-session': session.token, ...init.headers },
  })
  const text = await answer.text().catch(() => '')
  const money = answer.headers.get('purser-money')
  return { status: answer.status, money, text, problem: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {} }
}

/** First answer, and what the repeat gets, in the modes in which money moved although the answer does not say so. */
const MOVED: readonly [mode: string, status: number, code: string | undefined][] = [
  ['settle-reset', 502, 'payment_unknown'],
  ['settle-500', 500, undefined],
  ['settle-502', 502, undefined],
  ['settle-503', 503, undefined],
  ['settle-402', 502, 'payment_rejected'],
  ['settle-402-denied', 502, 'payment_rejected'],
  ['settle-402-other-amount', 502, 'payment_rejected'],
  ['settle-402-other-payee', 502, 'payment_rejected'],
]

describe.each(['v1', 'v2'])('a server of %s', (version) => {
  it.each(MOVED)('%s: money moved once; held until the repeat presents the same payment and is served', async (mode, status, code) => {
    const session = await purser.openSession()
    const path = `/${version}/${mode}/moved`
    const first = await ask(session, path)
    expect(first.status).toBe(status)
    expect(first.problem.code).toBe(code)
    expect(first.money).toBe('unknown')
    expect(await purser.admin(`/v1/sessions/${session.id}`)).toMatchObject({ spent: '0.00', held: '0.001' })
    const second = await ask(session, path)
    expect(second.status).toBe(200)
    expect(second.money).toBe('moved')
    const { nonces, settlements, payments } = servers.record(path)
    expect(payments).toHaveLength(2)
    expect(nonces.size).toBe(1)
    expect(settlements).toHaveLength(1)
    expect(await purser.admin(`/v1/sessions/${session.id}`)).toMatchObject({ spent: '0.001', held: '0.00' })
  })

  it.each(MOVED)('%s, and the repeat is rejected too: still one settlement, still held', async (mode) => {
    const session = await purser.openSession()
    const path = `/${version}/${mode}/rejected`
    await ask(session, `${path}?again=reject`)
    const second = await ask(session, `${path}?again=reject`)
    expect(second.problem).toMatchObject({ code: 'payment_rejected', moneyState: 'unknown' })
    const { nonces, settlements } = servers.record(path)
    expect(nonces.size).toBe(1)
    expect(settlements).toHaveLength(1)
    expect(await purser.admin(`/v1/sessions/${session.id}`)).toMatchObject({ held: '0.001' })
  })

  it('accept then time out: the agent goes, its retry joins, one settlement', async () => {
    const session = await purser.openSession()
    const path = `/${version}/settle-hang/agent`
    const agent = new AbortController()
    const first = ask(session, path, { signal: agent.signal }).catch(() => undefined)
    await servers.held(path)
    agent.abort()
    await first
    const second = ask(session, path)
    await servers.release(path)
    expect((await second).status).toBe(200)
    const { nonces, settlements } = servers.record(path)
    expect(nonces.size).toBe(1)
    expect(settlements).toHaveLength(1)
  })

  it('slow answer: the agent that waits gets it, and one that went away is answered by its repeat', async () => {
    const session = await purser.openSession()
    const path = `/${version}/slow/agent`
    const agent = new AbortController()
    const first = ask(session, path, { signal: agent.signal }).catch(() => undefined)
    await servers.held(path)
    agent.abort()
    await first
    const second = ask(session, path)
    await servers.release(path)
    expect((await second).status).toBe(200)
    expect(servers.record(path).nonces.size).toBe(1)
    expect(await purser.admin(`/v1/sessions/${session.id}`)).toMatchObject({ spent: '0.001', held: '0.00', payments: 1 })
  })

  it('settled late, after a 503: held all the while, one settlement', async () => {
    const session = await purser.openSession()
    const path = `/${version}/late-503/agent`
    expect((await ask(session, path)).status).toBe(503)
    expect(await purser.admin(`/v1/sessions/${session.id}`)).toMatchObject({ held: '0.001' })
    await servers.release(path)
    expect((await ask(session, path)).status).toBe(200)
    const { nonces, settlements } = servers.record(path)
    expect(nonces.size).toBe(1)
    expect(settlements).toHaveLength(1)
  })

  it('declared safe: it took nothing the first time, and the same payment goes through on the repeat', async () => {
    const session = await purser.openSession()
    const path = `/${version}/decline/agent`
    expect((await ask(session, path)).problem.code).toBe('payment_rejected')
    expect((await ask(session, path)).status).toBe(200)
    expect(servers.record(path).nonces.size).toBe(1)
    expect(await purser.admin(`/v1/sessions/${session.id}`)).toMatchObject({ spent: '0.001', held: '0.00' })
  })

  it('clean: two separate purchases of the same thing, one after the other, are two payments', async () => {
    const session = await purser.openSession()
    const path = `/${version}/clean/agent`
    expect((await ask(session, path)).status).toBe(200)
    expect((await ask(session, path)).status).toBe(200)
    expect(servers.record(path).settlements).toHaveLength(2)
    expect(await purser.admin(`/v1/sessions/${session.id}`)).toMatchObject({ spent: '0.002', held: '0.00' })
  })

  it.each([301, 302, 303, 307, 308])(
    'a redirect (%i) after signing is not followed, and the payment reaches no other origin',
    async (status) => {
      const session = await purser.openSession()
      const answer = await ask(session, `/${version}/redirect-${status}/agent`)
      expect(answer.status).toBe(status)
      expect(answer.money).toBe('unknown')
      expect(withPayments(servers.elsewhere.requests)).toEqual([])
    },
  )

  it.each(['settle-silent', 'settle-garbled', 'free'])(
    '%s: delivered without a word on the money: held, though delivered',
    async (mode) => {
      const session = await purser.openSession()
      const answer = await ask(session, `/${version}/${mode}/agent`)
      expect(answer).toMatchObject({ status: 200, money: 'unknown' })
      expect(await purser.admin(`/v1/sessions/${session.id}`)).toMatchObject({ spent: '0.00', held: '0.001' })
    },
  )

  it('cut off in the middle: the agent sees a broken answer, and its repeat gets the whole for the same payment', async () => {
    const session = await purser.openSession()
    const path = `/${version}/settle-cut/agent`
    await ask(session, path).catch(() => undefined)
    const second = await ask(session, path)
    expect(second.status).toBe(200)
    expect(servers.record(path).nonces.size).toBe(1)
  })

  it('an Idempotency-Key joins a purchase and stands for nothing else', async () => {
    const session = await purser.openSession()
    const path = `/${version}/clean/keyed`
    const headers = { 'idempotency-key': 'order-1' }
    expect((await ask(session, path, { headers })).status).toBe(200)
    expect((await ask(session, path, { headers })).status).toBe(200)
    expect(servers.record(path).nonces.size).toBe(1)
    const other = await ask(session, `${path}?again=serve`, { headers })
    expect(other.problem).toMatchObject({ code: 'idempotency_key_reused', moneyState: 'none' })
  })
})
