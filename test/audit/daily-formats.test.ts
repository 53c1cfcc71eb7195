import { describe, expect, it } from 'vitest'
import { dailyReportSchema, isSignedReport } from '../../src/audit/daily.ts'
import { dailyText } from '../../src/audit/daily-formats.ts'
import { payment, signed } from './daily-fixture.ts'

describe('a daily report as a file', () => {
  it('in JSON can be verified as it was signed', () => {
    expect(isSignedReport(dailyReportSchema.parse(JSON.parse(dailyText(signed([payment()]), 'json'))))).toBe(true)
  })

  it('in CSV has a row for each line, and every row can be read alone', () => {
    const report = signed([
      payment({ costCentre: 'R-12', refunded: 5_000n, context: { approval: {} } }),
      payment({ state: 'denied', code: 'no_tier_matches', tier: '', terms: null, count: 3 }),
    ])
    expect(dailyText(report, 'csv').split('\r\n')).toEqual([
      'date,final,agent,cost_centre,host,tier,categories,outcome,code,currency,payments,amount,refunded,approved,relaxed,audit,record,first,last',
      '2026-06-27,true,researcher,,api.example.com,,search,refused,no_tier_matches,,3,0.00,0.00,0,0,batch_daily,simplified,2026-06-27T12:00:00.000Z,2026-06-27T12:00:00.000Z',
      '2026-06-27,true,researcher,R-12,api.example.com,autonomous,search,settled,,USD,1,0.02,0.005,1,0,batch_daily,simplified,2026-06-27T12:00:00.000Z,2026-06-27T12:00:00.000Z',
      '',
    ])
  })

  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1'])('in CSV never runs the name %j as a formula', (name) => {
    expect(dailyText(signed([payment({ costCentre: name })]), 'csv')).toContain(`,researcher,'${name},`)
  })

  it('in Markdown is the page for people', () => {
    expect(dailyText(signed([payment()]), 'markdown')).toMatch(/^# Report of 2026-06-27\n/)
  })
})
