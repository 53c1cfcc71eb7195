/**
 * G3 through the whole proxy: whatever a server does after it was paid, and however often the agent repeats itself, one
 * purchase is settled at most once on the chain, and what is unknown stays held.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { formatAmount } from '../../src/money.ts'
import { randomOf } from '../crash/random.ts'
import { type Misbehaving, startMisbehaving, withPayments } from '../testnet/misbehaving.ts'
import { startTestnet, type Testnet } from '../testnet/testnet.ts'
import { type OpenSession, openConfig, type RunningPurser, startPurser } from './purser.ts'

/** These servers take money and fail all the time: the circuit breaker would rightly pause them. */
const UNBROKEN = { circuitBreaker: null }

let testnet: Testnet
let servers: Misbehaving
let purser: RunningPurser

beforeAll(async () => {
  testnet = await startTestnet()
  servers = await startMisbehaving(testnet)
  const config = openConfig([testnet.caFile])
  const routes = [{ prefix: '/evil/', upstream: `${servers.httpsUrl}/` }]
  purser = await startPurser({ ...config, ...UNBROKEN, proxy: { ...(config.proxy as object), routes } })
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

/** What a server does once it is paid, and whether the money moves by that alone. */
const BATTERY = {
  'settle-hang': true,
  'settle-500': true,
  'settle-reset': true,
  'settle-402': true,
  'settle-cut': true,
  slow: true,
  'late-503': true,
  decline: false,
} as const
type BatteryMode = keyof typeof BATTERY
const HELD_BACK = new Set<BatteryMode>(['settle-hang', 'slow', 'late-503'])

const SEEDS = Number(process.env.PURSER_SEEDS ?? 3)
const WINDOW_S = 10
const CASES = (Object.keys(BATTERY) as BatteryMode[]).flatMap((mode) =>
  (['v1', 'v2'] as const).flatMap((version) => Array.from({ length: SEEDS }, (_, seed) => ({ mode, version, seed }))),
)

/** One purchase of the battery: an agent that gives up, asks again and again, with or without a key, as its seed says. */
async function play(reconciled: RunningPurser, session: OpenSession, { mode, version, seed }: (typeof CASES)[number]) {
  const random = randomOf(seed * 31 + mode.length)
  const path = `/${version}/${mode}/battery-${seed}`
  const again = (['serve', 'reject', 'fault'] as const)[random.below(3)] ?? 'serve'
  const headers = { 'purser-session': session.token, ...(random.below(2) === 0 ? { 'idempotency-key': `${mode}-${version}-${seed}` } : {}) }
  const once = async (signal?: AbortSignal) => {
    const url = `${reconciled.app.proxyUrl}/evil${path}?again=${again}&window=${WINDOW_S}`
    try {
      const answer = await fetch(url, { redirect: 'manual', headers, ...(signal ? { signal } : {}) })
      const text = await answer.text()
      return { status: answer.status, problem: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {} }
    } catch {
      return undefined
    }
  }
  const gone = new AbortController()
  const first = once(gone.signal)
  if (HELD_BACK.has(mode)) {
    await servers.held(path)
    if (random.below(2) === 0) gone.abort()
    await servers.release(path)
  }
  const answers = [await first]
  // Whoever has what it wanted asks no more: without a key the next request would be another purchase.
  for (let asked = random.below(3); asked >= 0 && answers.at(-1)?.status !== 200; asked--) answers.push(await once())
  return { path, again, answers, once }
}

/** With a chain that can be asked. */
function startReconciled(upstream: string): Promise<RunningPurser> {
  const config = openConfig([testnet.caFile])
  const networks = [{ id: 'base-sepolia', rpc: testnet.rpcUrl, finalityBlocks: 0 }]
  return startPurser({ ...config, ...UNBROKEN, networks, proxy: { ...(config.proxy as object), routes: [{ prefix: '/evil/', upstream }] } })
}

describe.each(['expressV1', 'expressV2'] as const)('an official server (%s) whose facilitator fails', (server) => {
  it.each([
    ['settle-then-reset', true],
    ['settle-then-500', true],
    ['settle-then-garbage', true],
    ['error-500', false],
  ] as const)('%s: one settlement, known in the end, whatever the server believes', async (fault, moved) => {
    await using reconciled = await startReconciled(`${testnet.servers[server].httpsUrl}/`)
    const payer = reconciled.app.walletAddress as `0x${string}`
    await testnet.fund(payer, 1_000_000n)
    const session = await reconciled.openSession()
    const buy = async () => {
      const headers = { 'purser-session': session.token }
      const answer = await fetch(`${reconciled.app.proxyUrl}/evil/weather`, { headers })
      const said = (await answer.json()) as Record<string, unknown>
      return { status: answer.status, money: answer.headers.get('purser-money'), ...said }
    }
    testnet.facilitator.failNext(fault)
    expect(await buy()).toMatchObject({ status: 502, money: 'unknown' })
    await testnet.mine({ blocks: 1 })
    await reconciled.admin('/v1/reconcile', { method: 'POST', body: '{}' })
    const { items } = await reconciled.admin<{ items: unknown[] }>('/v1/payments')
    expect(items).toMatchObject([moved ? { state: 'settled', dispute: 'settled_though_denied' } : { state: 'unknown', dispute: null }])
    expect(await buy()).toMatchObject(moved ? { status: 502, code: 'paid_not_delivered', money: 'moved' } : { status: 200 })
    expect(await testnet.settlementsFrom(payer)).toHaveLength(1)
    expect(await reconciled.admin(`/v1/sessions/${session.id}`)).toMatchObject({ spent: '0.001', held: '0.00', payments: 1 })
  })
})

describe(`the battery: eight modes, two versions, ${SEEDS} seeds, and the chain is asked in the end`, () => {
  it('each purchase is settled at most once, what is safe to repeat goes on, and nothing stays unknown', async () => {
    await using reconciled = await startReconciled(`${servers.httpsUrl}/`)
    const payer = reconciled.app.walletAddress as `0x${string}`
    await testnet.fund(payer, 10_000_000n)
    const session = await reconciled.openSession()
    const played = await Promise.all(CASES.map((one) => play(reconciled, session, one)))
    for (const { path } of played) expect(servers.record(path).nonces.size, path).toBe(1)

    await wait(WINDOW_S * 1_000 + 1_000)
    await testnet.mine({ blocks: 1 })
    const open = async () => {
      await reconciled.admin('/v1/reconcile', { method: 'POST', body: '{}' })
      return (await reconciled.admin<{ items: unknown[] }>('/v1/payments?state=unknown')).items
    }
    expect(await open()).toEqual([])

    for (const { path, again, answers, once } of played) {
      const before = servers.record(path).settlements.length
      if (answers.some((answer) => answer?.status === 200)) continue
      const last = await once()
      if (before === 0 && again === 'serve') expect(last?.status, `${path}: it took nothing, so it is bought anew`).toBe(200)
      if (before === 0 || again === 'fault') continue
      expect(last?.status === 200 || last?.problem.code === 'paid_not_delivered', `${path}: ${JSON.stringify(last)}`).toBe(true)
    }
    await wait(WINDOW_S * 1_000 + 1_000)
    await testnet.mine({ blocks: 1 })
    expect(await open()).toEqual([])

    const settled = await testnet.settlementsFrom(payer)
    const nonces = new Set(settled.map(({ nonce }) => nonce.toLowerCase()))
    for (const { path } of played) {
      const paid = [...servers.record(path).nonces].filter((nonce) => nonces.has(nonce.toLowerCase()))
      expect(paid.length, path).toBeLessThanOrEqual(1)
    }
    const moved = settled.reduce((sum, { value }) => sum + value, 0n)
    expect(await reconciled.admin(`/v1/sessions/${session.id}`)).toMatchObject({ spent: formatAmount(moved), held: '0.00' })
    expect(await reconciled.admin('/v1/receipts/verify')).toMatchObject({ ok: true })
  })
})
