import { describe, expect, it } from 'vitest'
import { type Answer, buy, startFixture } from './fixture.ts'

describe('admin', () => {
  it('three payments of $10 against $25 show in the balance at once', async () => {
    await using fixture = await startFixture()
    const { id: sessionId } = await fixture.open()
    await buy(fixture, { sessionId, amount: 10_000_000n })
    await buy(fixture, { sessionId, amount: 10_000_000n, end: 'unknown' })
    await expect(buy(fixture, { sessionId, amount: 10_000_000n })).rejects.toThrow('spending_limit_exceeded')
    const session: Answer = await (await fixture.ask(`/v1/sessions/${sessionId}`)).json()
    expect(session).toMatchObject({ spent: '10.00', held: '10.00', remaining: '5.00', state: 'open' })
    const { items }: Answer = await (await fixture.ask(`/v1/payments?session=${sessionId}`)).json()
    expect(items.map(({ state }: Answer) => state)).toEqual(['denied', 'unknown', 'settled'])
  })

  it('every list answers items and a cursor', async () => {
    await using fixture = await startFixture()
    for (const path of ['/v1/sessions', '/v1/payments', '/v1/receipts', '/v1/halts', '/v1/tokens']) {
      expect([path, await (await fixture.ask(path)).json()]).toEqual([path, { items: [], next: null }])
    }
  })

  it('no answer of any route carries the token secret, the admin token or a hash', async () => {
    await using fixture = await startFixture()
    const { id } = await fixture.open()
    const paths = ['/', '/v1/openapi.json', '/v1/sessions', `/v1/sessions/${id}`, '/v1/tokens', '/v1/policy', '/v1/wallet']
    const session = await fixture.ledger.session(id)
    expect(session).toBeDefined()
    for (const path of paths) {
      const text = await (await fixture.ask(path)).text()
      expect(text).not.toContain(fixture.deps.adminToken)
      expect(text).not.toContain(Buffer.from(fixture.deps.tokenSecret).toString('hex'))
      expect(text).not.toContain('tokenHash')
    }
  })
})
