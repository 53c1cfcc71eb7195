import { describe, expect, it } from 'vitest'
import { OVERVIEW_HOUR_LIFETIME_MS } from '../../src/people-limits.ts'
import { type Answer, buy, deny, expectProblem, type Fixture, startFixture, unavailable } from './fixture.ts'

const overview = async (fixture: Fixture, query = ''): Promise<Answer> => (await fixture.ask(`/v1/overview${query}`)).json()

describe('GET /v1/overview', () => {
  it('adds up what was paid and refused, minute by minute, and shows what is open', async () => {
    await using fixture = await startFixture()
    const { id: sessionId } = await fixture.open({ cap: '10.00' })
    await buy(fixture, { sessionId, amount: 1_500_000n })
    await deny(fixture, { sessionId })
    fixture.clock.advance(120_000)
    await buy(fixture, { sessionId, amount: 500_000n, end: 'unknown' })
    await buy(fixture, { sessionId, amount: 250_000n, end: 'void' })
    const seen = await overview(fixture)
    expect(seen).toMatchObject({
      ...{ span: 'hour', step_ms: 60_000, until: '2026-06-27T12:03:00.000Z', since: '2026-06-27T11:03:00.000Z' },
      ...{ exposure: { USD: '0.50' }, sessions: { open: 1 }, unresolved: 1, disputes: 1, approvalsPending: 0 },
      payments: { settled: 1, open: 0, unknown: 1, expired: 0, void: 0, refused: 2 },
      paid: { USD: '1.50' },
      refusals: [
        { code: 'no_tier_matches', count: 1 },
        { code: 'upstream_unreachable', count: 1 },
      ],
      budgetSums: { USD: { sessions: 1, cap: '10.00', spent: '1.50', held: '0.50', remaining: '8.00' } },
      budgetsPartial: false,
    })
    expect(seen.series.tiers).toMatchObject([{ tier: 'autonomous', currency: 'USD' }])
    expect([seen.series.tiers[0].amounts.at(-3), seen.series.tiers[0].amounts.at(-1), seen.series.refused.at(-3)]).toEqual([
      '1.50',
      '0.00',
      1,
    ])
    expect([seen.series.at_s.length, seen.series.at_s.at(-1)]).toEqual([60, Date.parse('2026-06-27T12:02:00Z') / 1000])
    expect(seen.newest).toHaveLength(4)
  })

  it('a day has steps of half an hour', async () => {
    await using fixture = await startFixture()
    const { id: sessionId } = await fixture.open({ ttl: '2d' })
    await buy(fixture, { sessionId })
    fixture.clock.advance(20 * 3_600_000)
    expect((await overview(fixture)).payments.settled).toBe(0)
    expect(await overview(fixture, '?span=day')).toMatchObject({ span: 'day', step_ms: 1_800_000, payments: { settled: 1 } })
  })

  it('is made once for all who look within a moment, and anew after it', async () => {
    await using fixture = await startFixture()
    const { id: sessionId } = await fixture.open()
    expect((await overview(fixture)).payments.settled).toBe(0)
    await buy(fixture, { sessionId })
    expect((await overview(fixture)).payments.settled).toBe(0)
    fixture.clock.advance(OVERVIEW_HOUR_LIFETIME_MS)
    expect((await overview(fixture)).payments.settled).toBe(1)
  })

  it('a failure is kept for nobody', async () => {
    await using fixture = await startFixture()
    const { totals } = fixture.ledger
    fixture.ledger.totals = () => Promise.reject(unavailable())
    await expectProblem(await fixture.ask('/v1/overview'), 'ledger_unavailable', 503)
    fixture.ledger.totals = totals
    expect((await fixture.ask('/v1/overview')).status).toBe(200)
  })

  it('knows two spans', async () => {
    await using fixture = await startFixture()
    await expectProblem(await fixture.ask('/v1/overview?span=week'), 'request_invalid', 400)
  })
})
