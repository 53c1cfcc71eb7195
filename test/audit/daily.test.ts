import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { canonicalJson } from '../../src/audit/canonical.ts'
import { dailyJsonSchema, dailyReportSchema, isSignedReport } from '../../src/audit/daily.ts'
import { sha256 } from '../../src/audit/digest.ts'
import { SIGNER } from './checkpoint-fixture.ts'
import { NOON, payment, signed, TOMORROW } from './daily-fixture.ts'

describe('a daily report', () => {
  it('adds up payments of one kind in one line, with what each tier asks for', () => {
    const report = signed([
      payment(),
      payment({ decidedAt: NOON + 1_000, wouldBe: 'ask: x' }),
      payment({ state: 'denied', code: 'no_tier_matches', count: 3 }),
    ])
    expect(report.lines).toMatchObject([
      { tier: 'autonomous', outcome: 'refused', code: 'no_tier_matches', payments: 3 },
      {
        outcome: 'settled',
        payments: 2,
        amount: '0.04',
        audit: 'batch_daily',
        record: 'simplified',
        relaxed: 1,
        first: '2026-06-27T12:00:00.000Z',
        last: '2026-06-27T12:00:01.000Z',
      },
    ])
    expect(report.totals).toMatchObject([
      { outcome: 'settled', payments: 2, amount: '0.04' },
      { outcome: 'refused', payments: 3 },
    ])
    expect(report.receipts).toEqual({ count: 2, digest: sha256('b\na\n') })
  })

  it('keeps cost centres apart: the same agent paid the same recipient on two budgets', () => {
    const report = signed([payment(), payment({ costCentre: 'R-12' }), payment({ costCentre: 'R-12' })])
    expect(report.lines.map(({ costCentre, payments, amount }) => [costCentre, payments, amount])).toEqual([
      ['', 1, '0.02'],
      ['R-12', 2, '0.04'],
    ])
    expect(report.totals).toMatchObject([{ outcome: 'settled', payments: 3, amount: '0.06' }])
  })

  it('has the money of a channel once: its deposit, and its vouchers as payments alone', () => {
    const terms = { amount: 20_000n, currency: 'USD' }
    const report = signed([payment({ terms: { ...terms, method: 'deposit' } }), payment({ terms: { ...terms, method: 'voucher' } })])
    expect(report.totals).toMatchObject([{ outcome: 'settled', payments: 2, amount: '0.02' }])
  })

  it('that was signed before there were cost centres is still read, and still holds', () => {
    const { lines, signature: _, ...rest } = signed([payment()])
    const body = { ...rest, lines: lines.map(({ costCentre: _none, ...line }) => line) }
    const older = dailyReportSchema.parse(JSON.parse(JSON.stringify({ ...body, signature: SIGNER.sign(canonicalJson(body)) })))
    expect([older.lines[0]?.costCentre, isSignedReport(older)]).toEqual([undefined, true])
  })

  it('is final only when the day is over and nothing of it is open', () => {
    expect(signed([payment()]).final).toBe(true)
    expect(signed([payment()], TOMORROW - 1).final).toBe(false)
    expect(signed([payment({ state: 'unknown' })]).final).toBe(false)
  })

  it('holds only as it was signed', () => {
    const report = signed([payment()])
    expect(isSignedReport(dailyReportSchema.parse(JSON.parse(JSON.stringify(report))))).toBe(true)
    const [line] = report.lines
    if (!line) throw new Error('no line')
    expect(isSignedReport({ ...report, lines: [{ ...line, amount: '0.01' }] })).toBe(false)
    expect(isSignedReport({ ...report, receipts: { ...report.receipts, count: 1 } })).toBe(false)
  })

  it('with very many recipients names no more of them, and loses no sum', () => {
    const report = signed(Array.from({ length: 6_000 }, (_, at) => payment({ host: `h${at}.example` })))
    expect(report.lines.length).toBe(5_001)
    expect(report.totals).toMatchObject([{ payments: 6_000, amount: '120.00' }])
    expect(report.lines.find(({ host }) => host === '*')).toMatchObject({ agent: '*', costCentre: '*', payments: 1_000 })
  })

  it('config/records/daily.schema.json is the schema that the code has', () => {
    const file = resolve(import.meta.dirname, '../../config/records/daily.schema.json')
    expect(dailyJsonSchema()).toEqual(JSON.parse(readFileSync(file, 'utf8')))
  })
})
