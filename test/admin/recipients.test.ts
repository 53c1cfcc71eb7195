import { describe, expect, it } from 'vitest'
import { type Answer, buy, expectProblem, MERCHANT, startFixture } from './fixture.ts'

describe('GET /v1/recipients', () => {
  it('tells who was paid and did not deliver, how much is under dispute, and what came back', async () => {
    await using fixture = await startFixture()
    const { id: sessionId } = await fixture.open()
    const { id } = await buy(fixture, { sessionId, amount: 2_000_000n })
    await buy(fixture, { sessionId, amount: 500_000n })
    await fixture.ask(`/v1/payments/${id}/refunds`, { body: { amount: '0.25', evidence: 'bank letter' } })
    const { items, next }: Answer = await (await fixture.ask('/v1/recipients')).json()
    expect(next).toBeNull()
    expect(items).toEqual([
      {
        ...{ host: 'api.example.com', recipient: MERCHANT, network: 'eip155:84532', undelivered: 2, disputed: 2 },
        ...{ disputedAmount: { USD: '2.50' }, refundedAmount: { USD: '0.25' } },
      },
    ])
  })

  it('is empty where everybody delivered', async () => {
    await using fixture = await startFixture()
    const { id: sessionId } = await fixture.open()
    await buy(fixture, { sessionId, end: 'void' })
    expect(await (await fixture.ask('/v1/recipients')).json()).toEqual({ items: [], next: null })
  })

  it('refuses a list that it does not understand', async () => {
    await using fixture = await startFixture()
    await expectProblem(await fixture.ask('/v1/recipients?host=x'), 'request_invalid', 400)
  })
})
