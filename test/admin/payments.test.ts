import { describe, expect, it } from 'vitest'
import { type Answer, buy, deny, expectProblem, type Fixture, MERCHANT, startFixture, USDC, WALLET } from './fixture.ts'

async function ids({ ask }: Fixture, query: string): Promise<string[]> {
  const page: Answer = await (await ask(`/v1/payments?${query}`)).json()
  return page.items.map(({ id }: { id: string }) => id)
}

describe('payments', () => {
  it('shows a payment with its amounts in both units and all its times', async () => {
    await using fixture = await startFixture()
    const { id: sessionId } = await fixture.open()
    const { id } = await buy(fixture, { sessionId, amount: 1_000n, tool: 'web_search' })
    expect(await (await fixture.ask(`/v1/payments/${id}`)).json()).toMatchObject({
      ...{ id, sessionId, state: 'settled', delivered: false, code: null, tool: 'web_search', tier: 'autonomous' },
      ...{ amount: '0.001', currency: 'USD', amountAtomic: '1000', asset: { symbol: 'USDC', address: USDC, decimals: 6 } },
      ...{ evidence: 'claimed', block: null, refunded: '0.00' },
      ...{ network: 'eip155:84532', payer: WALLET, recipient: MERCHANT, host: 'api.example.com', method: 'GET', count: 1 },
      times: { challenged: '2026-06-27T12:00:00.000Z', reserved: '2026-06-27T12:00:00.000Z', delivered: null },
    })
  })

  it('never shows the authorization', async () => {
    await using fixture = await startFixture()
    const { id: sessionId } = await fixture.open()
    const { id } = await buy(fixture, { sessionId, end: 'unknown' })
    for (const path of ['/v1/payments', `/v1/payments/${id}`, '/v1/receipts', `/v1/sessions/${sessionId}`]) {
      const text = await (await fixture.ask(path)).text()
      expect(text).not.toContain('canary-authorization')
      expect(text).not.toContain('cd'.repeat(65))
    }
  })

  it('an unknown payment is not_found', async () => {
    await using fixture = await startFixture()
    expect(await expectProblem(await fixture.ask('/v1/payments/pay_none'), 'not_found', 404)).toBe('There is no payment pay_none.')
  })

  it('every filter narrows the list, and pages join without gaps', async () => {
    await using fixture = await startFixture()
    const [one, two] = [await fixture.open(), await fixture.open({ agent: 'other-agent' })]
    const first = await buy(fixture, { sessionId: one.id, tool: 'web_search' })
    fixture.clock.advance(60_000)
    const second = await buy(fixture, { sessionId: two.id, agent: 'other-agent', payTo: `0x${'3'.repeat(40)}`, end: 'unknown' })
    await deny(fixture, { sessionId: one.id })
    const denied = (await fixture.ledger.payments({ state: 'denied' }, { limit: 1 })).items[0]?.id
    expect(await ids(fixture, '')).toEqual([denied, second.id, first.id])
    expect(await ids(fixture, `session=${two.id}`)).toEqual([second.id])
    expect(await ids(fixture, 'agent=other-agent')).toEqual([second.id])
    expect(await ids(fixture, 'tool=web_search')).toEqual([first.id])
    expect(await ids(fixture, 'task=none')).toEqual([])
    expect(await ids(fixture, `recipient=0x${'3'.repeat(40)}`)).toEqual([second.id])
    expect(await ids(fixture, 'state=denied')).toEqual([denied])
    expect(await ids(fixture, 'tier=autonomous&state=settled')).toEqual([first.id])
    expect(await ids(fixture, 'since=2026-06-27T12:00:30Z')).toEqual([denied, second.id])
    expect(await ids(fixture, 'until=2026-06-27T14:00:30%2B02:00')).toEqual([first.id])
    expect(await ids(fixture, 'since=2026-06-28')).toEqual([])
    const page: Answer = await (await fixture.ask('/v1/payments?limit=2')).json()
    expect(await ids(fixture, `limit=2&cursor=${page.next}`)).toEqual([first.id])
  })

  it('lists what is under dispute, with why', async () => {
    await using fixture = await startFixture()
    const { id: sessionId } = await fixture.open()
    const { id } = await buy(fixture, { sessionId })
    await buy(fixture, { sessionId, end: 'unknown' })
    expect(await ids(fixture, 'disputed=true')).toEqual([id])
    expect(await (await fixture.ask(`/v1/payments/${id}`)).json()).toMatchObject({ dispute: 'settled_not_delivered' })
  })

  it.each(['state=paid', 'disputed=false', 'since=yesterday', 'sesion=ses_1', 'limit=1001', 'state=void&state=denied'])(
    'a filter that is not understood is refused, never dropped: %s',
    async (query) => {
      await using fixture = await startFixture()
      await expectProblem(await fixture.ask(`/v1/payments?${query}`), 'request_invalid', 400)
    },
  )
})
