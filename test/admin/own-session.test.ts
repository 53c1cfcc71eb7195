import { describe, expect, it } from 'vitest'
import { createAgentDoor } from '../../src/admin/agent-door.ts'
import { type Answer, buy, expectProblem, type Fixture, MERCHANT, requestOf, startFixture } from './fixture.ts'

/** Asks the door of this session, as the proxy opens it for whoever has its token. */
async function askerOf(fixture: Fixture, id: string) {
  const session = await fixture.ledger.session(id)
  if (!session) throw new Error('no session')
  const quote = async () => ({ payable: false, reason: 'not asked here' })
  const door = createAgentDoor({ ...fixture.deps, proxyUrl: () => fixture.deps.proxyUrl, quote })
  return (path: string) => door(session, new Request(`http://purser.internal${path}`, requestOf({ token: null })))
}

describe('the caller’s own session', () => {
  it('shows each limit with what is used and left of it, amounts as decimals, counts as numbers', async () => {
    await using fixture = await startFixture()
    const limits = {
      perPayment: '5.00',
      payments: 3,
      perWindow: [{ max: '2.00', per: '1h' }],
      perTool: { web: '1.00' },
      perTask: { payments: 4 },
    }
    const { id } = await fixture.open({ limits })
    await buy(fixture, { sessionId: id, amount: 250_000n, tool: 'web', task: 'report', end: 'unknown' })
    const ask = await askerOf(fixture, id)
    const { limitsUsed, available, remaining }: Answer = await (await ask('/v1/session?task=report')).json()
    expect([available, remaining]).toEqual(['24.75', '24.75'])
    expect(limitsUsed).toEqual([
      { limit: 'perPayment', of: null, max: '5.00', used: null, left: '5.00' },
      { limit: 'payments', of: null, max: '3', used: '1', left: '2' },
      { limit: 'perTask', of: 'report', max: '4', used: '1', left: '3' },
      { limit: 'perWindow', of: '1h', max: '2.00', used: '0.25', left: '1.75' },
      { limit: 'perTool', of: 'web', max: '1.00', used: '0.25', left: '0.75' },
    ])
    await expectProblem(await ask('/v1/session?session=ses_2'), 'request_invalid', 400)
  })

  it('of the sessions above, the smallest remainder is told and nothing else', async () => {
    await using fixture = await startFixture()
    const top = await fixture.open({
      cap: '3.00',
      ttl: '3h',
      purpose: 'secret purpose',
      limits: { perTool: { 'secret-tool': '2.00', '*': '2.00' } },
    })
    const middle = await fixture.open({ parent: top.id, cap: '3.00', ttl: '2h' })
    const { id } = await fixture.open({ parent: middle.id, cap: '2.50', ttl: '1h' })
    await buy(fixture, { sessionId: top.id, amount: 1_000_000n, tool: 'secret-tool' })
    const answer = await (await askerOf(fixture, id))('/v1/session')
    const text = await answer.text()
    expect(JSON.parse(text)).toMatchObject({ id, remaining: '2.50', available: '2.00' })
    for (const hidden of [top.id, 'secret purpose']) expect(text).not.toContain(hidden)
    expect(text).not.toContain('"used":"1.00"')
  })

  it('one payment is found by its id, and never another session’s', async () => {
    await using fixture = await startFixture()
    const [own, other] = [await fixture.open(), await fixture.open()]
    const paid = await buy(fixture, { sessionId: own.id })
    const stranger = await buy(fixture, { sessionId: other.id })
    const ask = await askerOf(fixture, own.id)
    const answer = await ask(`/v1/session/payments/${paid.id}`)
    const text = await answer.text()
    expect(JSON.parse(text)).toMatchObject({ id: paid.id, state: 'settled', sessionId: own.id })
    expect(text).not.toContain(MERCHANT)
    for (const id of [stranger.id, 'pay_none']) {
      expect(await expectProblem(await ask(`/v1/session/payments/${id}`), 'not_found', 404)).toBe(`This session has no payment ${id}.`)
    }
  })
})
