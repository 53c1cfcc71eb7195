/** MPP through the whole proxy, against the official library's server on the local chain. */
import { get } from 'node:https'
import { Credential } from 'mppx'
import { Types } from 'mppx/evm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type MppServer, startMppServer } from '../testnet/mpp-server.ts'
import { startTestnet, type Testnet } from '../testnet/testnet.ts'
import { type OpenSession, openConfig, type RunningPurser, startPurser } from './purser.ts'

let testnet: Testnet
let server: MppServer
let purser: RunningPurser
let payer: `0x${string}`

beforeAll(async () => {
  testnet = await startTestnet()
  server = await startMppServer(testnet)
  const config = openConfig([testnet.caFile])
  const routes = [{ prefix: '/mpp/', upstream: `${server.url}/` }]
  const networks = [{ id: 'base-sepolia', rpc: testnet.rpcUrl, finalityBlocks: 0 }]
  purser = await startPurser({ ...config, networks, circuitBreaker: null, proxy: { ...(config.proxy as object), routes } })
  payer = purser.app.walletAddress as `0x${string}`
  await testnet.fund(payer, 1_000_000n)
})
afterAll(async () => {
  await purser?.[Symbol.asyncDispose]()
  await server?.[Symbol.asyncDispose]()
  await testnet?.[Symbol.asyncDispose]()
})

async function ask({ token }: OpenSession, path: string, init: RequestInit = {}) {
  const answer = await fetch(`${purser.app.proxyUrl}/mpp${path}`, { ...init, headers: { 'purser-session': token, ...init.headers } })
  const { status, headers } = answer
  return { status, id: headers.get('purser-payment') ?? '', money: headers.get('purser-money'), headers, body: await answer.json() }
}

const settlements = () => testnet.settlementsFrom(payer)
const payment = (id: string) => purser.admin(`/v1/payments/${id}`)

/** Values of this header in all requests that arrived for a path. */
const seen = (path: string, name: string) =>
  server.requests
    .filter(({ target }) => target === path)
    .flatMap(({ headers }) => headers.filter((_, at) => at % 2 === 1 && headers[at - 1]?.toLowerCase() === name))

describe('a charge', () => {
  it('is paid end to end: one settlement under the challenge’s own nonce, on the receipt and in the metrics', async () => {
    const session = await purser.openSession()
    const before = await settlements()
    const { status, id, money, body, headers } = await ask(session, '/plain/one')
    expect({ status, money, body }).toEqual({ status: 200, money: 'moved', body: { sold: '/plain/one', caller: expect.any(String) } })
    expect(headers.get('payment-receipt')).toMatch(/^[\w-]+$/)
    const [settled, ...others] = (await settlements()).slice(before.length)
    expect(others).toEqual([])
    const { challenge } = Credential.deserialize(seen('/plain/one', 'authorization').at(-1) ?? '')
    expect(settled).toMatchObject({ to: server.merchant, value: 1_000n, nonce: Types.challengeHash(challenge) })
    const terms = {
      rail: 'mpp',
      scheme: 'charge',
      flow: 'upfront',
      amountAtomic: '1000',
      nonce: settled?.nonce,
      recipient: server.merchant,
    }
    expect(await payment(id)).toMatchObject({ ...terms, state: 'settled', transaction: settled?.transaction })
    const { items } = await purser.admin<{ items: unknown[] }>(`/v1/receipts?session=${session.id}`)
    expect(items.at(-1)).toMatchObject({ kind: 'conclusion', rail: 'mpp', scheme: 'charge', nonce: settled?.nonce })
    expect(await purser.text('/metrics')).toMatch(/^purser_challenges_total\{.*rail="mpp".*version="1".*outcome="payable".*\} [1-9]/m)
    expect(await purser.admin(`/v1/sessions/${session.id}`)).toMatchObject({ spent: '0.001', held: '0.00' })
  })

  it('in a header of its own leaves the agent’s Authorization alone', async () => {
    const session = await purser.openSession()
    const own = { authorization: 'Bearer of the agent' }
    const { status, body } = await ask(session, '/beside/one', { headers: own })
    expect({ status, body }).toEqual({ status: 200, body: { sold: '/beside/one', caller: own.authorization } })
    expect(seen('/beside/one', 'authorization')).toEqual([own.authorization, own.authorization])
    expect(seen('/beside/one', 'payment-authorization')).toEqual([expect.stringMatching(/^Payment [\w-]+$/)])
  })

  it('that wants the place of the agent’s Authorization is refused, and nothing moves', async () => {
    const session = await purser.openSession()
    const before = await settlements()
    const { status, body } = await ask(session, '/plain/own', { headers: { authorization: 'Bearer of the agent' } })
    expect(status).toBe(403)
    expect(body).toMatchObject({
      code: 'scheme_not_supported',
      moneyState: 'none',
      detail: expect.stringContaining('Authorization that the request has'),
    })
    expect(await settlements()).toEqual(before)
  })

  it('is paid anew for each purchase: two at once, two challenges, two settlements', async () => {
    const session = await purser.openSession()
    const before = await settlements()
    const answers = await Promise.all(['/plain/two', '/plain/three'].map((path) => ask(session, path)))
    const paid = answers.filter(({ status }) => status === 200)
    // Two challenges of the same instant can be the same one: then it is paid once, and the other request is told so.
    for (const { status, body } of answers) if (status !== 200) expect(body).toMatchObject({ code: 'conflict', retrySafe: true })
    const nonces = (await settlements()).slice(before.length).map(({ nonce }) => nonce)
    expect(paid.length).toBeGreaterThan(0)
    expect(new Set(nonces).size).toBe(paid.length)
  })
})

describe('what the agent may not do', () => {
  it.each([{ authorization: 'Payment abc' }, { authorization: 'payment abc' }, { 'payment-authorization': 'Payment abc' }])(
    'pay by itself: %j',
    async (headers) => {
      const { status, body } = await ask(await purser.openSession(), '/plain/self', { headers: headers as Record<string, string> })
      expect({ status, body }).toMatchObject({ status: 400, body: { code: 'payment_header_forbidden' } })
      expect(server.requests.filter(({ target }) => target === '/plain/self')).toEqual([])
    },
  )
})

describe('a 402 that asks by x402 too', () => {
  it('is paid once, by one rail', async () => {
    const session = await purser.openSession()
    const before = await settlements()
    const { status, id } = await ask(session, '/both/one')
    expect(status).toBe(200)
    expect((await settlements()).slice(before.length)).toMatchObject([{ to: server.merchant, value: 1_000n }])
    expect(await payment(id)).toMatchObject({ rail: 'x402', state: 'settled' })
    expect(server.served('/both/one')).toBe(1)
    expect(seen('/both/one', 'authorization')).toEqual([])
    expect(await purser.admin(`/v1/sessions/${session.id}`)).toMatchObject({ spent: '0.001', payments: 1 })
  })

  it('recipient pins hold across rails: who was paid by one is not replaced by another', async () => {
    const session = await purser.openSession()
    expect((await ask(session, '/both/pinned')).status).toBe(200)
    const before = await settlements()
    const { status, body } = await ask(session, '/other/pinned')
    expect({ status, body }).toMatchObject({ status: 403, body: { code: 'recipient_changed', moneyState: 'none' } })
    expect(await settlements()).toEqual(before)
  })
})

describe('what cannot be paid', () => {
  it('is refused with a reason, and the agent never sees the challenge', async () => {
    const { status, body, headers } = await ask(await purser.openSession(), '/tempo/one')
    expect({ status, body }).toMatchObject({
      status: 403,
      body: { code: 'scheme_not_supported', detail: expect.stringContaining('tempo') },
    })
    expect(headers.get('www-authenticate')).toBeNull()
  })
})

describe('G3: an answer that is lost after the money moved', () => {
  it('is held, presented again as the very same credential, and proven on the chain: one settlement', async () => {
    const session = await purser.openSession()
    const before = await settlements()
    testnet.facilitator.failNext('settle-then-reset')
    const first = await ask(session, '/plain/lost')
    expect(first).toMatchObject({ status: 500, money: 'unknown' })
    expect(await purser.admin(`/v1/sessions/${session.id}`)).toMatchObject({ spent: '0.00', held: '0.001' })
    const second = await ask(session, '/plain/lost')
    expect(second).toMatchObject({ status: 502, body: { code: 'payment_rejected', moneyState: 'unknown' } })
    const [sent, ...repeats] = seen('/plain/lost', 'authorization')
    expect(repeats).toEqual([sent])
    await purser.admin('/v1/reconcile', { method: 'POST', body: '{}' })
    const { items } = await purser.admin<{ items: unknown[] }>(`/v1/payments?session=${session.id}`)
    expect(items).toMatchObject([{ state: 'settled', evidence: 'confirmed' }])
    const [settled, ...others] = (await settlements()).slice(before.length)
    expect({ settled, others }).toMatchObject({ settled: { to: server.merchant, value: 1_000n }, others: [] })
    expect(await purser.admin(`/v1/sessions/${session.id}`)).toMatchObject({ spent: '0.001', held: '0.00' })
  })

  it('whoever replays a credential gets nothing for it, and the next purchase has one of its own', async () => {
    const session = await purser.openSession()
    expect((await ask(session, '/plain/replayed')).status).toBe(200)
    const before = await settlements()
    const [credential = ''] = seen('/plain/replayed', 'authorization')
    expect(await replay('/plain/replayed', credential)).toBe(402)
    expect(await settlements()).toEqual(before)
    expect((await ask(session, '/plain/replayed')).status).toBe(200)
    expect(new Set(seen('/plain/replayed', 'authorization')).size).toBe(2)
    expect((await settlements()).length).toBe(before.length + 1)
  })
})

/** As somebody who has seen it; answers with the status. */
function replay(path: string, authorization: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get(`${server.url}${path}`, { ca: testnet.tls.ca, headers: { authorization } }, (answer) => {
      answer.resume()
      resolve(answer.statusCode)
    }).on('error', reject)
  })
}
