import { describe, expect, it } from 'vitest'
import { createReportKeeper, type ReportKeeper, reportAlert } from '../../src/admin/report-keeper.ts'
import { type DailyReport, dailyReportSchema, isSignedReport } from '../../src/audit/daily.ts'
import { REPORT_DELAY_MS } from '../../src/limits.ts'
import { policyText } from '../../src/policy/written.ts'
import { FOUR_TIERS, rules } from '../policy/fixtures.ts'
import { buy, deny, type Fixture, startFixture } from './fixture.ts'

const DAY_MS = 86_400_000
/** The fixture's clock starts at noon. */
const TO_MIDNIGHT_MS = DAY_MS / 2

function keeperOf({ deps }: Fixture): { readonly keeper: ReportKeeper; readonly told: string[]; readonly warned: string[] } {
  const [told, warned]: [string[], string[]] = [[], []]
  const onKept = async ({ date, final }: DailyReport) => told.push(`${date} ${final}`)
  const keeper = createReportKeeper({ ...deps, onKept, events: { warned: (sentence) => warned.push(sentence) } })
  return { keeper, told, warned }
}

const kept = async ({ ledger }: Fixture) => (await ledger.reports.days({ limit: 100 })).items.map(({ date, final }) => `${date} ${final}`)

describe('reports of days', () => {
  it('are made once a day is over for a while, signed, told once, and stay as they were', async () => {
    await using fixture = await startFixture()
    await fixture.ledger.announcePolicy('abc', policyText({ mode: 'enforce', tiers: FOUR_TIERS, rules: rules() }))
    const { keeper, told } = keeperOf(fixture)
    const { id: sessionId } = await fixture.open({ ttl: '48h' })
    await buy(fixture, { sessionId, amount: 20_000n })
    fixture.clock.advance(TO_MIDNIGHT_MS + REPORT_DELAY_MS - 1)
    expect(await keeper.keepDue()).toEqual([])
    fixture.clock.advance(1)
    await keeper.keepDue()
    await keeper.keepDue()
    expect([told, await kept(fixture)]).toEqual([['2026-06-27 true'], ['2026-06-27 true']])
    const report = dailyReportSchema.parse(JSON.parse((await fixture.ledger.reports.kept('2026-06-27'))?.text ?? ''))
    expect(report.lines).toMatchObject([{ tier: 'autonomous', audit: 'batch_daily', payments: 1, amount: '0.02' }])
    expect([isSignedReport(report), report.publicKey]).toEqual([true, fixture.deps.signer.publicKey])
  })

  it('are made up for: every day on which something was asked for, however long nothing ran', async () => {
    await using fixture = await startFixture()
    const { keeper, told } = keeperOf(fixture)
    const { id: sessionId } = await fixture.open({ ttl: '300h' })
    for (const days of [0, 1, 3]) {
      fixture.clock.advance(days * DAY_MS)
      await (days === 1 ? deny(fixture, { sessionId }) : buy(fixture, { sessionId }))
    }
    fixture.clock.advance(2 * DAY_MS)
    await keeper.keepDue()
    expect(told).toEqual(['2026-06-27 true', '2026-06-28 true', '2026-07-01 true'])
    await buy(fixture, { sessionId })
    fixture.clock.advance(DAY_MS)
    await keeper.keepDue()
    expect(told.slice(3)).toEqual(['2026-07-03 true'])
  })

  it('are made again while payments of the day are open, until one is final', async () => {
    await using fixture = await startFixture()
    const { keeper, told } = keeperOf(fixture)
    const { id: sessionId } = await fixture.open({ ttl: '48h' })
    const payment = await buy(fixture, { sessionId, end: 'unknown' })
    fixture.clock.advance(TO_MIDNIGHT_MS + REPORT_DELAY_MS)
    await keeper.keepDue()
    await keeper.keepDue()
    expect(told).toEqual(['2026-06-27 false'])
    await fixture.ledger.resolve(payment.id, { kind: 'expired', reason: 'The window closed.' })
    await keeper.keepDue()
    await keeper.keepDue()
    expect([told, await kept(fixture)]).toEqual([['2026-06-27 false', '2026-06-27 true'], ['2026-06-27 true']])
  })

  it('are made by one of several processes, and a fault in telling stops none', async () => {
    await using fixture = await startFixture()
    const { id: sessionId } = await fixture.open({ ttl: '48h' })
    await buy(fixture, { sessionId })
    fixture.clock.advance(DAY_MS)
    const [one, other] = [keeperOf(fixture), keeperOf(fixture)]
    await Promise.all([one.keeper.keepDue(), other.keeper.keepDue()])
    expect([...one.told, ...other.told]).toEqual(['2026-06-27 true'])
    await buy(fixture, { sessionId })
    fixture.clock.advance(DAY_MS)
    const warned: string[] = []
    const broken = createReportKeeper({
      ...fixture.deps,
      onKept: () => Promise.reject(new Error('no mail')),
      events: { warned: (sentence) => warned.push(sentence) },
    })
    expect(await broken.keepDue()).toHaveLength(1)
    expect(warned).toEqual(['Nobody could be told of the report of 2026-06-28.'])
  })

  it('are looked for from the start on, and no more after the stop', async () => {
    await using fixture = await startFixture()
    const { id: sessionId } = await fixture.open({ ttl: '48h' })
    await buy(fixture, { sessionId })
    fixture.clock.advance(DAY_MS)
    const looked = Promise.withResolvers<void>()
    const pause = (_ms: number, signal: AbortSignal) => {
      looked.resolve()
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    }
    const keeper = createReportKeeper({ ...fixture.deps, onKept: async () => undefined, events: { warned: () => {} }, pause })
    keeper.start()
    await looked.promise
    await keeper.stop()
    expect(await kept(fixture)).toEqual(['2026-06-27 true'])
  })

  it('tell shared addresses only: the day, its sums, and where to read it', async () => {
    await using fixture = await startFixture()
    const { keeper } = keeperOf(fixture)
    const { id: sessionId } = await fixture.open({ ttl: '48h' })
    await buy(fixture, { sessionId, amount: 20_000n })
    fixture.clock.advance(DAY_MS)
    const [report] = await keeper.keepDue()
    if (!report) throw new Error('no report')
    expect(reportAlert(report, 5)).toMatchObject({
      ...{ type: 'report.daily', to: 'shared', at: 5 },
      sentence: 'The report of 2026-06-27 is signed and kept.',
      facts: [
        ['settled', '1 for 0.02 USD'],
        ['receipts', String(report.receipts.count)],
        ['report', '/v1/reports/kept/2026-06-27'],
      ],
    })
    expect(reportAlert({ ...report, final: false }, 5).sentence).toContain('still open')
  })
})
