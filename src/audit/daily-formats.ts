/** A daily report for other readers: CSV for spreadsheets, Markdown for people. Only its JSON carries the signature. */
import type { DailyReport } from './daily.ts'
import { dailyMarkdown } from './daily-markdown.ts'
import { csvLine } from './export.ts'

export const DAILY_FORMATS = ['json', 'csv', 'markdown'] as const
export type DailyFormat = (typeof DAILY_FORMATS)[number]

/** The report as a file of this format. */
export function dailyText(report: DailyReport, format: DailyFormat): string {
  switch (format) {
    case 'json':
      return `${JSON.stringify(report, null, 2)}\n`
    case 'csv':
      return dailyCsv(report)
    case 'markdown':
      return dailyMarkdown(report)
  }
}

type Line = DailyReport['lines'][number]

const COLUMNS: readonly (readonly [name: string, value: (line: Line, report: DailyReport) => string | number | boolean | null])[] = [
  ['date', (_, { date }) => date],
  ['final', (_, { final }) => final],
  ['agent', ({ agent }) => agent],
  ['cost_centre', ({ costCentre }) => costCentre ?? null],
  ['host', ({ host }) => host],
  ['tier', ({ tier }) => tier],
  ['categories', ({ categories }) => categories.join(' ')],
  ['outcome', ({ outcome }) => outcome],
  ['code', ({ code }) => code],
  ['currency', ({ currency }) => currency],
  ['payments', ({ payments }) => payments],
  ['amount', ({ amount }) => amount],
  ['refunded', ({ refunded }) => refunded],
  ['approved', ({ approved }) => approved],
  ['relaxed', ({ relaxed }) => relaxed],
  ['audit', ({ audit }) => audit],
  ['record', ({ record }) => record],
  ['first', ({ first }) => first],
  ['last', ({ last }) => last],
]

/** A header line, then one row for each line (RFC 4180, CRLF). No cell can be read as a formula. */
function dailyCsv(report: DailyReport): string {
  const rows = report.lines.map((line) => csvLine(COLUMNS.map(([, value]) => value(line, report))))
  return [csvLine(COLUMNS.map(([name]) => name)), ...rows].join('')
}
