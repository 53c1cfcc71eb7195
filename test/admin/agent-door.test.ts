import { describe, expect, it } from 'vitest'
import { type AgentDoor, createAgentDoor, type QuoteAnswer } from '../../src/admin/agent-door.ts'
import { MAX_AGENT_BODY_BYTES } from '../../src/limits.ts'
import { createSessionJwts } from '../../src/session/jwt.ts'
import type { Session } from '../../src/session/session.ts'
import { ADMIN_TOKEN, type Answer, buy, deny, expectProblem, type Fixture, MERCHANT, requestOf, startFixture } from './fixture.ts'

const PAYABLE: QuoteAnswer = {
  ...{ payable: true, amount: 1_000n, currency: 'USD', asset: 'USDC', network: 'eip155:84532' },
  ...{ recipient: MERCHANT, tier: 'autonomous', decision: 'allow', reason: 'Within the tier.' },
}

interface Door {
  readonly session: Session
  ask(path: string, body?: unknown, until?: number): Promise<Response>
  readonly asked: unknown[]
}

async function doorOf(fixture: Fixture, more: { quote?: QuoteAnswer; spec?: object } = {}): Promise<Door> {
  const { id } = await fixture.open(more.spec)
  const session = await fixture.ledger.session(id)
  if (!session) throw new Error('no session')
  const asked: unknown[] = []
  const door: AgentDoor = createAgentDoor({
    ...fixture.deps,
    proxyUrl: () => fixture.deps.proxyUrl,
    quote: async (of, resource) => {
      asked.push({ of: of.id, ...resource })
      return more.quote ?? PAYABLE
    },
  })
  return {
    ...{ session, asked },
    ask: (path, body, until) => door(session, new Request(`http://purser.internal${path}`, requestOf({ token: null, body })), until),
  }
}

describe('agent-door', () => {
  it('shows the balance of the caller’s session as it is now', async () => {
    await using fixture = await startFixture()
    const door = await doorOf(fixture, { spec: { limits: { perPayment: '5.00' } } })
    await buy(fixture, { sessionId: door.session.id, amount: 1_000n, end: 'unknown' })
    const answer = await door.ask('/v1/session')
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(await answer.json()).toMatchObject({
      ...{ id: door.session.id, state: 'open', cap: '25.00', held: '0.001', remaining: '24.999' },
      ...{ limits: { perPayment: '5.00' }, expiresAt: '2026-06-27T13:00:00.000Z' },
    })
  })

  it('G6: a token mints none that ends after itself', async () => {
    await using fixture = await startFixture({ jwts: await createSessionJwts(new Uint8Array(32).fill(3)) })
    const door = await doorOf(fixture)
    const until = fixture.clock.now() + 300_000
    const mint = async (ttl: string, end?: number): Promise<Answer> => (await door.ask('/v1/session/token', { ttl }, end)).json()
    expect(await mint('10m', until)).toMatchObject({ expiresAt: new Date(until).toISOString() })
    expect(await mint('1m', until)).toMatchObject({ expiresAt: new Date(fixture.clock.now() + 60_000).toISOString() })
    expect(await mint('10m')).toMatchObject({ expiresAt: new Date(fixture.clock.now() + 600_000).toISOString() })
  })

  it('shows the caller’s own payments and never another’s, whatever is asked', async () => {
    await using fixture = await startFixture()
    const other = await fixture.open()
    const door = await doorOf(fixture)
    await buy(fixture, { sessionId: other.id })
    const own = await buy(fixture, { sessionId: door.session.id })
    const { items, next }: Answer = await (await door.ask('/v1/session/payments')).json()
    expect([items.map(({ id }: { id: string }) => id), next]).toEqual([[own.id], null])
    await expectProblem(await door.ask(`/v1/session/payments?session=${other.id}`), 'request_invalid', 400)
    for (const path of [
      '/v1/sessions',
      `/v1/sessions/${other.id}`,
      '/v1/payments',
      '/v1/receipts',
      '/v1/policy',
      '/v1/tokens',
      '/metrics',
      '/',
    ]) {
      await expectProblem(await door.ask(path), 'not_found', 404)
    }
  })

  it('an agent that looks around is told what there is, and a wrong URL is called only what it is', async () => {
    await using fixture = await startFixture()
    const door = await doorOf(fixture)
    expect(await expectProblem(await door.ask('/'), 'not_found', 404)).toContain(
      'GET /v1/session/payments, GET /v1/session/payments/ID, GET /v1/session/approvals, POST /v1/session/requests, ',
    )
    const detail = await expectProblem(await door.ask('/v1/quote', { url: 'zzz' }), 'request_invalid', 400)
    expect(detail).not.toContain('credentials')
  })

  it('a quote hears when the agent has gone', async () => {
    await using fixture = await startFixture()
    const { session } = await doorOf(fixture)
    const gone = new AbortController()
    const heard: boolean[] = []
    const door = createAgentDoor({
      ...fixture.deps,
      proxyUrl: () => fixture.deps.proxyUrl,
      quote: async (_session, _resource, signal) => {
        gone.abort()
        heard.push(signal.aborted)
        return PAYABLE
      },
    })
    const body = { url: 'https://api.example.com/' }
    await door(session, new Request('http://purser.internal/v1/quote', { ...requestOf({ token: null, body }), signal: gone.signal }))
    expect(heard).toEqual([true])
  })

  it('lists what was bought in a task, as refusals tell agents to ask', async () => {
    await using fixture = await startFixture()
    const door = await doorOf(fixture)
    await buy(fixture, { sessionId: door.session.id })
    const { id } = await buy(fixture, { sessionId: door.session.id, task: 'report 7', amount: 250_000n })
    const { items }: Answer = await (await door.ask('/v1/session/payments?task=report%207')).json()
    expect(items).toEqual([
      expect.objectContaining({
        ...{ id, task: 'report 7', method: 'GET', url: 'https://api.example.com/weather', amount: '0.25', currency: 'USD' },
        ...{ state: 'settled', delivered: false, refunded: '0.00' },
      }),
    ])
  })

  it('pages join without gaps', async () => {
    await using fixture = await startFixture()
    const door = await doorOf(fixture)
    const paid = [await buy(fixture, { sessionId: door.session.id }), await buy(fixture, { sessionId: door.session.id })]
    const first: Answer = await (await door.ask('/v1/session/payments?limit=1')).json()
    const second: Answer = await (await door.ask(`/v1/session/payments?limit=1&cursor=${first.next}`)).json()
    expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(paid.map(({ id }) => id).reverse())
  })

  it('a refused payment does not tell where it would have gone', async () => {
    await using fixture = await startFixture()
    const door = await doorOf(fixture)
    await deny(fixture, { sessionId: door.session.id })
    const text = await (await door.ask('/v1/session/payments')).text()
    expect(text).toContain('no_tier_matches')
    expect(text).not.toContain(MERCHANT)
  })

  it('a quote says what it would cost and which tier, for this session, and pays nothing', async () => {
    await using fixture = await startFixture()
    const door = await doorOf(fixture)
    const answer = await door.ask('/v1/quote', { url: 'https://api.example.com/weather', method: 'post' })
    expect([answer.status, await answer.json()]).toEqual([200, { ...PAYABLE, amount: '0.001' }])
    expect(door.asked).toEqual([{ of: door.session.id, url: 'https://api.example.com/weather', method: 'POST' }])
    expect(await fixture.ledger.session(door.session.id)).toEqual(door.session)
  })

  it('a quote that would be refused gives the reason and not the recipient', async () => {
    await using fixture = await startFixture()
    const quote: QuoteAnswer = { ...PAYABLE, payable: false, code: 'no_tier_matches', reason: 'No tier matches.' }
    const door = await doorOf(fixture, { quote })
    const answer: Answer = await (await door.ask('/v1/quote', { url: 'https://api.example.com/weather' })).json()
    expect(answer).toMatchObject({ payable: false, code: 'no_tier_matches', reason: 'No tier matches.', amount: '0.001' })
    expect(answer.recipient).toBeUndefined()
  })

  it.each([
    {},
    { url: 'not a url' },
    { url: 'ftp://x.example/' },
    { url: 'https://u:p@x.example/' },
    { url: 'https://x.example/', method: 'G T' },
    { url: 'https://x.example/', pay: true },
  ])('refuses to quote %j', async (body) => {
    await using fixture = await startFixture()
    const door = await doorOf(fixture)
    await expectProblem(await door.ask('/v1/quote', body), 'request_invalid', 400)
    expect(door.asked).toEqual([])
  })

  it('refuses a body beyond the bound', async () => {
    await using fixture = await startFixture()
    const door = await doorOf(fixture)
    await expectProblem(
      await door.ask('/v1/quote', { url: `https://x.example/${'x'.repeat(MAX_AGENT_BODY_BYTES)}` }),
      'request_invalid',
      413,
    )
  })

  it('the admin token opens no more here than any agent has', async () => {
    await using fixture = await startFixture()
    const { session } = await doorOf(fixture)
    const door = createAgentDoor({ ...fixture.deps, proxyUrl: () => fixture.deps.proxyUrl, quote: async () => PAYABLE })
    const answer = await door(
      session,
      new Request('http://purser.internal/v1/sessions', { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } }),
    )
    await expectProblem(answer, 'not_found', 404)
  })

  it('a fault of the quote is reported, and its text stays inside', async () => {
    await using fixture = await startFixture()
    const { session } = await doorOf(fixture)
    const fault = new Error('canary-secret')
    const door = createAgentDoor({ ...fixture.deps, proxyUrl: () => fixture.deps.proxyUrl, quote: () => Promise.reject(fault) })
    const request = new Request('http://purser.internal/v1/quote', requestOf({ body: { url: 'https://x.example/' } }))
    await expectProblem(await door(session, request), 'internal_error', 500)
    expect(fixture.faults).toEqual([fault])
  })
})
