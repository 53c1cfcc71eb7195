import { describe, expect, it } from 'vitest'
import { hashToken } from '../../src/session/token.ts'
import { type Answer, buy, expectProblem, SPEC, startFixture, unavailable, WALLET } from './fixture.ts'

describe('sessions', () => {
  it('opening answers 201 with token, proxy URL, wallet and the whole balance', async () => {
    await using fixture = await startFixture()
    const session = await fixture.open()
    expect(session).toMatchObject({
      ...{ agent: 'procurement-agent', purpose: 'liquidity report', currency: 'USD', state: 'open', payments: 0, owner: 'ops' },
      ...{ cap: '25.00', spent: '0.00', held: '0.00', remaining: '25.00', expiresAt: '2026-06-27T13:00:00.000Z' },
      ...{ wallet: { address: WALLET }, networks: ['eip155:84532'], assets: ['USDC'], limits: {}, scope: {}, labels: {} },
    })
    expect(session.proxyUrl).toBe(`http://${session.id}:${session.token}@127.0.0.1:4020`)
    expect((await fixture.ledger.sessionByToken(hashToken(session.token)))?.id).toBe(session.id)
  })

  it('the token is shown only by the opening', async () => {
    await using fixture = await startFixture()
    const { id, token } = await fixture.open()
    for (const path of ['/v1/sessions', `/v1/sessions/${id}`]) {
      expect(await (await fixture.ask(path)).text()).not.toContain(token)
    }
  })

  it('the same Idempotency-Key with the same body opens one session and answers the same token', async () => {
    await using fixture = await startFixture()
    const asked = { body: SPEC, headers: { 'idempotency-key': 'k1' } }
    const first: Answer = await (await fixture.ask('/v1/sessions', asked)).json()
    fixture.clock.advance(1000)
    const again = await fixture.ask('/v1/sessions', asked)
    expect([again.status, await again.json()]).toEqual([201, first])
    expect((await fixture.ledger.sessions({ limit: 10 })).items).toHaveLength(1)
  })

  it('the same Idempotency-Key with another body is a conflict, and keys of two callers never meet', async () => {
    await using fixture = await startFixture()
    const headers = { 'idempotency-key': 'k1' }
    await fixture.ask('/v1/sessions', { body: SPEC, headers })
    await expectProblem(await fixture.ask('/v1/sessions', { body: { ...SPEC, cap: '26' }, headers }), 'conflict', 409)
    const token = await fixture.token('operator')
    expect((await fixture.ask('/v1/sessions', { token, body: { ...SPEC, cap: '26' }, headers })).status).toBe(201)
    expect((await fixture.ledger.sessions({ limit: 10 })).items).toHaveLength(2)
  })

  it.each([
    [{ cap: undefined }, 'cap:'],
    [{ ttl: undefined }, 'ttl:'],
    [{ cap: '-1' }, 'cap:'],
    [{ limits: { perPayment: 'x' } }, 'limits.perPayment:'],
    [{ unknownKey: 1 }, 'unknownKey:'],
  ])('a body that does not fit is refused with its path: %j', async (more, path) => {
    await using fixture = await startFixture()
    const detail = await expectProblem(await fixture.ask('/v1/sessions', { body: { ...SPEC, ...more } }), 'request_invalid', 400)
    expect(detail).toContain(path)
    expect((await fixture.ledger.sessions({ limit: 1 })).items).toEqual([])
  })

  it('an Idempotency-Key that cannot be one is refused', async () => {
    await using fixture = await startFixture()
    const answer = await fixture.ask('/v1/sessions', { body: SPEC, headers: { 'idempotency-key': 'x'.repeat(256) } })
    expect(await expectProblem(answer, 'request_invalid', 400)).toContain('idempotency-key')
  })

  it('lists newest first in pages', async () => {
    await using fixture = await startFixture()
    const opened = [await fixture.open(), await fixture.open(), await fixture.open()].map(({ id }) => id)
    const first: Answer = await (await fixture.ask('/v1/sessions?limit=2')).json()
    const second: Answer = await (await fixture.ask(`/v1/sessions?limit=2&cursor=${first.next}`)).json()
    expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(opened.reverse())
    expect(second.next).toBeNull()
  })

  it('lists the children of one session alone', async () => {
    await using fixture = await startFixture()
    const { id: parent } = await fixture.open()
    const child = await fixture.open({ cap: '1', ttl: '10m', parent, agent: undefined })
    await fixture.open({ cap: '1', ttl: '10m', parent: child.id })
    const { items }: Answer = await (await fixture.ask(`/v1/sessions?parent=${parent}`)).json()
    expect(items.map(({ id }: { id: string }) => id)).toEqual([child.id])
  })

  it.each(['limit=0', 'limit=1001', 'limit=x', 'cursor=nonsense', 'agent=a'])('refuses a list asked for with %s', async (query) => {
    await using fixture = await startFixture()
    await expectProblem(await fixture.ask(`/v1/sessions?${query}`), 'request_invalid', 400)
  })

  it('shows limits, scope, labels and what was paid, as they were asked for', async () => {
    await using fixture = await startFixture()
    const asked = {
      limits: {
        perPayment: '5.00',
        payments: 500,
        perRecipient: { '*': '10.00' },
        perCategory: { search: '1.00' },
        perWindow: [{ max: '5.00', per: '10m' }],
      },
      scope: { hosts: ['*.example.com'], methods: ['GET'], onDrift: 'deny' },
      labels: { costCentre: 'R-12' },
    }
    const { id } = await fixture.open(asked)
    await buy(fixture, { sessionId: id, amount: 1_000n })
    await buy(fixture, { sessionId: id, amount: 2_000n, end: 'unknown' })
    expect(await (await fixture.ask(`/v1/sessions/${id}`)).json()).toMatchObject({
      ...asked,
      ...{ spent: '0.001', held: '0.002', remaining: '24.997', payments: 2, state: 'open' },
    })
  })

  it.each(['', '/close', '/revoke', '/topup'])('an unknown session is not_found: %s', async (action) => {
    await using fixture = await startFixture()
    const answer = await fixture.ask(
      `/v1/sessions/ses_none${action}`,
      action === '' ? {} : { body: action === '/topup' ? { amount: '1' } : {} },
    )
    expect(await expectProblem(answer, 'not_found', 404)).toBe('There is no session ses_none.')
  })

  it('closing answers the summary, and closing while an outcome is open', async () => {
    await using fixture = await startFixture()
    const { id } = await fixture.open()
    await buy(fixture, { sessionId: id })
    const closed = await fixture.ask(`/v1/sessions/${id}/close`, { method: 'POST' })
    expect(await closed.json()).toMatchObject({
      id,
      state: 'closed',
      spent: '1.00',
      summary: { freed: '24.00', payments: { settled: { count: 1, amount: '1.00' } } },
    })
    const held = await fixture.open()
    await buy(fixture, { sessionId: held.id, end: 'unknown' })
    expect(await (await fixture.ask(`/v1/sessions/${held.id}/close`, { body: {} })).json()).toMatchObject({
      state: 'closing',
      held: '1.00',
    })
    expect(fixture.revoked).toEqual([])
  })

  it('revoking is told on only once it is durable', async () => {
    await using fixture = await startFixture()
    const { id } = await fixture.open()
    const { revoke } = fixture.ledger
    fixture.ledger.revoke = async () => {
      throw unavailable()
    }
    await expectProblem(await fixture.ask(`/v1/sessions/${id}/revoke`, { method: 'POST' }), 'ledger_unavailable', 503)
    expect(fixture.revoked).toEqual([])
    fixture.ledger.revoke = revoke
    expect(await (await fixture.ask(`/v1/sessions/${id}/revoke`, { method: 'POST' })).json()).toMatchObject({ id, state: 'revoked' })
    expect(fixture.revoked).toEqual([id])
  })

  it('a top-up adds to cap and lifetime, once for each Idempotency-Key', async () => {
    await using fixture = await startFixture()
    const { id } = await fixture.open()
    const asked = { body: { amount: '5.00', extend: '30m' }, headers: { 'idempotency-key': 'k1' } }
    const first: Answer = await (await fixture.ask(`/v1/sessions/${id}/topup`, asked)).json()
    expect(first).toMatchObject({ cap: '30.00', remaining: '30.00', expiresAt: '2026-06-27T13:30:00.000Z' })
    expect(await (await fixture.ask(`/v1/sessions/${id}/topup`, asked)).json()).toMatchObject({ cap: '30.00' })
    const other = await fixture.ask(`/v1/sessions/${id}/topup`, { ...asked, body: { amount: '6.00' } })
    await expectProblem(other, 'conflict', 409)
  })

  it('the key of a top-up of one session does nothing for another', async () => {
    await using fixture = await startFixture()
    const [one, other] = [await fixture.open(), await fixture.open()]
    const asked = { body: { amount: '5.00' }, headers: { 'idempotency-key': 'k1' } }
    await fixture.ask(`/v1/sessions/${one.id}/topup`, asked)
    await expectProblem(await fixture.ask(`/v1/sessions/${other.id}/topup`, asked), 'conflict', 409)
  })

  it.each([{ amount: '0' }, { amount: '-1' }, {}, { amount: '1', extend: 'soon' }, { amount: '1', more: 1 }])(
    'refuses the top-up %j',
    async (body) => {
      await using fixture = await startFixture()
      const { id } = await fixture.open()
      await expectProblem(await fixture.ask(`/v1/sessions/${id}/topup`, { body }), 'request_invalid', 400)
      expect((await fixture.ledger.session(id))?.cap).toBe(25_000_000n)
    },
  )

  it('a closed session takes no top-up', async () => {
    await using fixture = await startFixture()
    const { id } = await fixture.open()
    await fixture.ask(`/v1/sessions/${id}/close`, { method: 'POST' })
    await expectProblem(await fixture.ask(`/v1/sessions/${id}/topup`, { body: { amount: '1' } }), 'conflict', 409)
  })

  it('a session whose wallet is no longer configured is still shown', async () => {
    await using fixture = await startFixture()
    const { id } = await fixture.open({ wallet: 'main' })
    const session = await fixture.ledger.session(id)
    fixture.ledger.session = async () => session && { ...session, wallet: 'gone' }
    expect(await (await fixture.ask(`/v1/sessions/${id}`)).json()).toMatchObject({ wallet: { name: 'gone', address: null } })
  })
})
