import { describe, expect, it } from 'vitest'
import { expectProblem, startFixture } from './fixture.ts'

const AT = '2026-06-27T12:00:00.000Z'

describe('halts', () => {
  it('halts everything with an empty body, and resumes it', async () => {
    await using fixture = await startFixture()
    const halted = await fixture.ask('/v1/halt', { body: { reason: 'odd payments' } })
    expect(await halted.json()).toEqual({ items: [{ scope: 'all', value: '', reason: 'odd payments', at: AT }], next: null })
    expect(await fixture.ledger.halts()).toHaveLength(1)
    expect(await (await fixture.ask('/v1/resume', { body: {} })).json()).toEqual({ items: [], next: null })
  })

  it('halts an agent, a session or a recipient; resuming one leaves the others', async () => {
    await using fixture = await startFixture()
    const { id } = await fixture.open()
    for (const stop of [
      { scope: 'agent', value: 'a' },
      { scope: 'session', value: id },
      { scope: 'recipient', value: 'api.example.com' },
    ]) {
      expect((await fixture.ask('/v1/halt', { body: stop })).status).toBe(200)
    }
    await fixture.ask('/v1/resume', { body: { scope: 'agent', value: 'a' } })
    const scopes = (await fixture.ledger.halts()).map(({ scope }) => scope).sort()
    expect(scopes).toEqual(['recipient', 'session'])
    expect(await (await fixture.ask('/v1/halts')).json()).toMatchObject({ next: null, items: [{}, {}] })
  })

  it('a halt of a session that is not there would stop nothing, so it is refused', async () => {
    await using fixture = await startFixture()
    expect(
      await expectProblem(await fixture.ask('/v1/halt', { body: { scope: 'session', value: 'ses_none' } }), 'not_found', 404),
    ).toContain('ses_none')
  })

  it.each(['https://api.example.com/v1', '0x1234', '0xZZZ'])(
    'the recipient %s can never be met, so halting it is refused',
    async (value) => {
      await using fixture = await startFixture()
      const detail = await expectProblem(await fixture.ask('/v1/halt', { body: { scope: 'recipient', value } }), 'request_invalid', 400)
      expect(detail).toContain('write a host like api.example.com')
      expect(await fixture.ledger.halts()).toEqual([])
    },
  )

  it.each([
    { scope: 'agent' },
    { value: 'a' },
    { scope: 'all', value: 'a' },
    { scope: 'planet', value: 'a' },
    { scope: 'agent', value: 'a', extra: 1 },
  ])('refuses the unclear %j', async (body) => {
    await using fixture = await startFixture()
    for (const path of ['/v1/halt', '/v1/resume']) await expectProblem(await fixture.ask(path, { body }), 'request_invalid', 400)
    expect(await fixture.ledger.halts()).toEqual([])
  })
})
