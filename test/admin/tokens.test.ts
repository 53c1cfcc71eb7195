import { describe, expect, it } from 'vitest'
import { type Answer, expectProblem, startFixture } from './fixture.ts'

describe('tokens', () => {
  it('a made token opens what its role may, and is shown only once', async () => {
    await using fixture = await startFixture()
    const made = await fixture.ask('/v1/tokens', { body: { role: 'auditor', label: 'quarterly audit' } })
    expect(made.status).toBe(201)
    const { id, token, ...rest }: Answer = await made.json()
    expect(rest).toEqual({
      role: 'auditor',
      person: null,
      label: 'quarterly audit',
      createdAt: '2026-06-27T12:00:00.000Z',
      revokedAt: null,
    })
    expect((await fixture.ask('/v1/payments', { token })).status).toBe(200)
    await expectProblem(await fixture.ask('/v1/halt', { token, body: {} }), 'forbidden', 403)
    const listed = await (await fixture.ask('/v1/tokens')).text()
    expect(listed).toContain(id)
    expect(listed).not.toContain(token)
  })

  it('a revoked token opens nothing, and revoking it again changes nothing', async () => {
    await using fixture = await startFixture()
    const { id, token }: Answer = await (await fixture.ask('/v1/tokens', { body: { role: 'operator' } })).json()
    for (const _ of [1, 2]) {
      const answer = await fixture.ask(`/v1/tokens/${id}/revoke`, { method: 'POST' })
      expect([answer.status, await answer.json()]).toEqual([200, { id, revoked: true }])
    }
    await expectProblem(await fixture.ask('/v1/payments', { token }), 'unauthorized', 401)
    const { items }: Answer = await (await fixture.ask('/v1/tokens')).json()
    expect(items).toMatchObject([{ id, revokedAt: '2026-06-27T12:00:00.000Z' }])
  })

  it('is of the person that it is made for, whose name no token has', async () => {
    await using fixture = await startFixture()
    const made = await fixture.ask('/v1/tokens', { body: { role: 'approver', person: ' alice ' } })
    expect([made.status, await made.json()]).toMatchObject([201, { person: 'alice', role: 'approver' }])
    for (const person of ['tok_1', 'Admin.Token', '', 'a\u202eb', 'x'.repeat(201)]) {
      await expectProblem(await fixture.ask('/v1/tokens', { body: { role: 'approver', person } }), 'request_invalid', 400)
    }
    expect(await fixture.ledger.tokens()).toHaveLength(1)
  })

  it('an unknown token is not_found', async () => {
    await using fixture = await startFixture()
    await expectProblem(await fixture.ask('/v1/tokens/tok_none/revoke', { method: 'POST' }), 'not_found', 404)
  })

  it.each([{}, { role: 'all' }, { role: 'agent' }, { role: 'auditor', extra: 1 }])('refuses to make %j', async (body) => {
    await using fixture = await startFixture()
    await expectProblem(await fixture.ask('/v1/tokens', { body }), 'request_invalid', 400)
    expect(await fixture.ledger.tokens()).toEqual([])
  })
})
