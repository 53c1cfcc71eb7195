import { describe, expect, it } from 'vitest'
import { createAgentDoor } from '../../src/admin/agent-door.ts'
import type { Session } from '../../src/session/session.ts'
import { hashToken } from '../../src/session/token.ts'
import { type Answer, buy, expectProblem, type Fixture, requestOf, startFixture } from './fixture.ts'

const CHILD = { cap: '2.00', ttl: '10m' }
const CHILDREN = '/v1/session/children'

/** The door of this session, as the proxy opens it for whoever has its token. */
async function doorOf(fixture: Fixture, id: string, until?: number) {
  const session = (await fixture.ledger.session(id)) as Session
  const door = createAgentDoor({
    ...fixture.deps,
    proxyUrl: () => fixture.deps.proxyUrl,
    quote: async () => ({ payable: false, reason: 'not asked here' }),
  })
  return (path: string, body?: unknown, headers: Record<string, string> = {}) =>
    door(session, new Request(`http://purser.internal${path}`, requestOf({ token: null, body, headers })), until)
}

async function openChild(ask: Awaited<ReturnType<typeof doorOf>>, body: object = CHILD): Promise<Answer> {
  const answer = await ask(CHILDREN, body)
  expect(answer.status).toBe(201)
  return answer.json()
}

describe('an agent’s own children', () => {
  it('a child is narrower, belongs to the caller, and its token is shown once', async () => {
    await using fixture = await startFixture()
    const { id } = await fixture.open({ limits: { perPayment: '5.00' } })
    const ask = await doorOf(fixture, id)
    const child = await openChild(ask, { ...CHILD, purpose: 'a part of it', limits: { perPayment: '0.10' } })
    expect(child).toMatchObject({ parent: id, agent: 'procurement-agent', cap: '2.00', limits: { perPayment: '0.10' }, state: 'open' })
    expect(child.proxyUrl).toBe(`http://${child.id}:${child.token}@127.0.0.1:4020`)
    expect((await fixture.ledger.sessionByToken(hashToken(child.token)))?.id).toBe(child.id)
    for (const path of [CHILDREN, '/v1/session']) expect(await (await ask(path)).text()).not.toContain(child.token)
  })

  it.each([
    [{ cap: '26.00', ttl: '10m' }, 'cap: 26.00 is more than the 25.00'],
    [{ cap: '1.00', ttl: '2h' }, 'ttl: the parent ends at'],
    [{ ...CHILD, agent: 'other' }, 'agent: an agent opens sessions for itself only, procurement-agent'],
    [{ ...CHILD, owner: 'me' }, 'owner: a child belongs to the owner of its parent, ops'],
    [{ ...CHILD, networks: ['base'] }, 'networks: the parent does not have eip155:8453'],
    [{ ...CHILD, wallet: 'other' }, 'wallet: a child pays with the wallet of its parent'],
    [{ ...CHILD, limits: { perPayment: '6.00' } }, 'limits.perPayment: 6.00 is more than the 5.00'],
    [{ ...CHILD, scope: { hosts: ['*'] } }, 'scope.hosts: the parent does not have *'],
    [{ ...CHILD, parent: 'ses_other' }, 'parent: children opened here are children of the session that asks'],
    [{ cap: '1.00' }, 'ttl: is missing'],
    [{ ...CHILD, admin: true }, 'admin: there is no such setting here'],
  ])('an agent cannot widen its authority: %j', async (body, detail) => {
    await using fixture = await startFixture()
    const { id } = await fixture.open({ limits: { perPayment: '5.00' }, scope: { hosts: ['*.example.com'] } })
    const ask = await doorOf(fixture, id)
    expect(await expectProblem(await ask(CHILDREN, body), 'request_invalid', 400)).toContain(detail)
    expect((await fixture.ledger.sessions({ limit: 10 })).items).toHaveLength(1)
  })

  it('G6: whoever was given a token for some minutes opens nothing that lasts longer', async () => {
    await using fixture = await startFixture()
    const { id } = await fixture.open()
    const ask = await doorOf(fixture, id, fixture.deps.clock.now() + 5 * 60_000 + 7)
    expect(await expectProblem(await ask(CHILDREN, { ...CHILD, ttl: '301s' }), 'request_invalid', 400)).toContain(
      'ttl: the token that asks ends at 2026-06-27T12:05:00.007Z; ask for at most 5m.',
    )
    expect((await openChild(ask, { ...CHILD, ttl: '5m' })).expiresAt).toBe('2026-06-27T12:05:00.000Z')
  })

  it('what was spent since counts: the balance is the one of now', async () => {
    await using fixture = await startFixture()
    const { id } = await fixture.open()
    const ask = await doorOf(fixture, id)
    await buy(fixture, { sessionId: id, amount: 24_000_000n })
    expect(await expectProblem(await ask(CHILDREN, CHILD), 'request_invalid', 400)).toContain('more than the 1.00 that remain')
  })

  it('the same Idempotency-Key opens one child; keys of two sessions never meet', async () => {
    await using fixture = await startFixture()
    const [one, other] = [await fixture.open(), await fixture.open()]
    const [ask, askOther] = [await doorOf(fixture, one.id), await doorOf(fixture, other.id)]
    const headers = { 'idempotency-key': 'k1' }
    const first: Answer = await (await ask(CHILDREN, CHILD, headers)).json()
    const again: Answer = await (await ask(CHILDREN, CHILD, headers)).json()
    expect([again.id, again.token]).toEqual([first.id, first.token])
    await expectProblem(await ask(CHILDREN, { ...CHILD, cap: '1' }, headers), 'conflict', 409)
    expect(((await (await askOther(CHILDREN, CHILD, headers)).json()) as Answer).id).not.toBe(first.id)
    await expectProblem(await ask(CHILDREN, CHILD, { 'idempotency-key': 'x'.repeat(256) }), 'request_invalid', 400)
  })

  it('lists its own children and nobody else’s', async () => {
    await using fixture = await startFixture()
    const [one, other] = [await fixture.open(), await fixture.open()]
    const [ask, askOther] = [await doorOf(fixture, one.id), await doorOf(fixture, other.id)]
    const mine = [await openChild(ask), await openChild(ask)].map(({ id }) => id)
    await openChild(askOther)
    const first: Answer = await (await ask(`${CHILDREN}?limit=1`)).json()
    const second: Answer = await (await ask(`${CHILDREN}?limit=1&cursor=${first.next}`)).json()
    expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(mine.reverse())
    await expectProblem(await ask(`${CHILDREN}?parent=${other.id}`), 'request_invalid', 400)
  })

  it('closes its own children; its parent, itself and strangers are not found', async () => {
    await using fixture = await startFixture()
    const [one, other] = [await fixture.open(), await fixture.open()]
    const ask = await doorOf(fixture, one.id)
    const child = await openChild(ask)
    const askChild = await doorOf(fixture, child.id)
    const grandchild = await openChild(askChild, { cap: '1', ttl: '5m' })
    const stranger = await openChild(await doorOf(fixture, other.id))
    for (const id of [one.id, other.id, stranger.id, grandchild.id, 'ses_none']) {
      expect(await expectProblem(await ask(`${CHILDREN}/${id}/close`, {}), 'not_found', 404)).toBe(`This session has no child ${id}.`)
    }
    await expectProblem(await askChild(`${CHILDREN}/${one.id}/close`, {}), 'not_found', 404)
    expect((await fixture.ledger.session(stranger.id))?.status).toBe('open')
    const closed = await ask(`${CHILDREN}/${child.id}/close`, {})
    expect([closed.status, await closed.json()]).toEqual([200, expect.objectContaining({ id: child.id, state: 'closed' })])
    expect((await fixture.ledger.session(one.id))?.status).toBe('open')
  })

  it('an agent in a loop does not fill the ledger: its newest children have to end first', async () => {
    await using fixture = await startFixture()
    const { id } = await fixture.open()
    const ask = await doorOf(fixture, id)
    const { sessions } = fixture.ledger
    const child = (await fixture.ledger.session((await openChild(ask)).id)) as Session
    fixture.ledger.sessions = async (page) => ({ items: Array.from({ length: page.limit }, () => child), next: 'more' })
    expect(await expectProblem(await ask(CHILDREN, CHILD), 'conflict', 409)).toContain('has 1000 open children')
    fixture.ledger.sessions = async (page) => ({
      items: Array.from({ length: page.limit }, () => ({ ...child, status: 'closed' as const })),
      next: null,
    })
    expect((await ask(CHILDREN, CHILD)).status).toBe(201)
    fixture.ledger.sessions = sessions
  })
})
