import { describe, expect, it } from 'vitest'
import { createReportKeeper } from '../../src/admin/report-keeper.ts'
import { dailyReportSchema, isSignedReport } from '../../src/audit/daily.ts'
import { policyText } from '../../src/policy/written.ts'
import { FOUR_TIERS, rules } from '../policy/fixtures.ts'
import { buy, deny, expectProblem, startFixture } from './fixture.ts'

describe('daily report', () => {
  it('adds up the day and nothing else, signed with the receipts’ key, at the depth of each tier', async () => {
    await using fixture = await startFixture()
    await fixture.ledger.announcePolicy('abc', policyText({ mode: 'enforce', tiers: FOUR_TIERS, rules: rules() }))
    const { id: sessionId } = await fixture.open({ ttl: '48h' })
    for (let turn = 0; turn < 3; turn++) await buy(fixture, { sessionId, amount: 20_000n })
    await deny(fixture, { sessionId })
    const answer = await fixture.ask('/v1/reports/daily?date=2026-06-27', { token: await fixture.token('auditor') })
    const report = dailyReportSchema.parse(await answer.json())
    expect(report.lines).toMatchObject([
      { outcome: 'refused', code: 'no_tier_matches', payments: 1, amount: '1.00' },
      { tier: 'autonomous', outcome: 'settled', payments: 3, amount: '0.06', audit: 'batch_daily', record: 'simplified' },
    ])
    const count = (await fixture.ledger.receipts({}, { limit: 100 })).items.length
    expect([report.final, report.receipts.count, isSignedReport(report), report.publicKey]).toEqual([
      false,
      count,
      true,
      fixture.deps.signer.publicKey,
    ])
    fixture.clock.advance(86_400_000)
    await buy(fixture, { sessionId })
    const later = dailyReportSchema.parse(await (await fixture.ask('/v1/reports/daily?date=2026-06-27')).json())
    expect([later.final, later.lines, later.receipts]).toEqual([true, report.lines, report.receipts])
  })

  it('names the cost centre of each session; a child has its parent’s', async () => {
    await using fixture = await startFixture()
    const parent = await fixture.open({ labels: { costCentre: 'R-12' } })
    const child = await fixture.open({ parent: parent.id, cap: '5.00', ttl: '10m' })
    const plain = await fixture.open()
    for (const { id: sessionId } of [parent, child, plain]) await buy(fixture, { sessionId, amount: 20_000n })
    await deny(fixture, { sessionId: child.id })
    const { lines } = dailyReportSchema.parse(await (await fixture.ask('/v1/reports/daily?date=2026-06-27')).json())
    expect(lines.map(({ costCentre, outcome, payments }) => [costCentre, outcome, payments])).toEqual([
      ['R-12', 'refused', 1],
      ['', 'settled', 1],
      ['R-12', 'settled', 2],
    ])
  })

  it('is a file in CSV or Markdown, as of now and as it was kept, with the sums of its JSON', async () => {
    await using fixture = await startFixture()
    const { id: sessionId } = await fixture.open({ ttl: '48h', labels: { costCentre: 'R-12' } })
    await buy(fixture, { sessionId, amount: 20_000n })
    fixture.clock.advance(86_400_000)
    await createReportKeeper({ ...fixture.deps, onKept: async () => undefined }).keepDue()
    for (const path of ['/v1/reports/daily?date=2026-06-27&', '/v1/reports/kept/2026-06-27?']) {
      const csv = await fixture.ask(`${path}format=csv`)
      expect([csv.headers.get('content-type'), csv.headers.get('content-disposition')]).toEqual([
        'text/csv; charset=utf-8',
        'attachment; filename="report-2026-06-27.csv"',
      ])
      expect(await csv.text()).toContain('2026-06-27,true,procurement-agent,R-12,api.example.com,autonomous,search,settled,,USD,1,0.02,')
      const page = await fixture.ask(`${path}format=markdown`)
      expect([page.headers.get('content-type'), page.headers.get('content-disposition')]).toEqual([
        'text/markdown; charset=utf-8',
        'attachment; filename="report-2026-06-27.md"',
      ])
      expect(await page.text()).toContain('| R-12 | 1 | 0.02 USD |')
      await expectProblem(await fixture.ask(`${path}format=pdf`), 'request_invalid', 400)
    }
  })

  it('a day that has not begun has none', async () => {
    await using fixture = await startFixture()
    expect(await expectProblem(await fixture.ask('/v1/reports/daily?date=2026-06-28'), 'request_invalid', 400)).toContain('has not begun')
    await expectProblem(await fixture.ask('/v1/reports/daily?date=yesterday'), 'request_invalid', 400)
  })

  it('that is kept is listed and read as it was signed, by every role that reads', async () => {
    await using fixture = await startFixture()
    const { id: sessionId } = await fixture.open({ ttl: '48h' })
    await buy(fixture, { sessionId })
    fixture.clock.advance(86_400_000)
    const keeper = createReportKeeper({ ...fixture.deps, onKept: async () => undefined })
    const [made] = await keeper.keepDue()
    const token = await fixture.token('auditor')
    expect(await (await fixture.ask('/v1/reports', { token })).json()).toEqual({
      items: [{ date: '2026-06-27', final: true, madeAt: '2026-06-28T12:00:00.000Z' }],
      next: null,
    })
    const answer = await (await fixture.ask('/v1/reports/kept/2026-06-27', { token })).json()
    expect(answer).toEqual(made)
    expect(isSignedReport(dailyReportSchema.parse(answer))).toBe(true)
    expect(await expectProblem(await fixture.ask('/v1/reports/kept/2026-06-26'), 'not_found', 404)).toContain('2026-06-26')
    await expectProblem(await fixture.ask('/v1/reports/kept/yesterday'), 'request_invalid', 400)
  })
})
