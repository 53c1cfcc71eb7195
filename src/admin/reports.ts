/** Reports: a day added up and signed, as of now, or as it was kept after its end. */
import { createRoute, z } from '@hono/zod-openapi'
import { type DailyReport, dailyReportSchema } from '../audit/daily.ts'
import { DAILY_FORMATS, type DailyFormat, dailyText } from '../audit/daily-formats.ts'
import { refused } from '../errors.ts'
import { listOf, PageQuery, pageRequest, viewPage } from './pages.ts'
import { createPolicyArchive } from './policy-archive.ts'
import { type ReportDeps, reportOn } from './report-keeper.ts'
import { type AdminApp, allow, json, PROBLEMS, READERS } from './router.ts'
import { isoTime } from './views.ts'

const DailyView = z.strictObject(dailyReportSchema.shape).openapi('DailyReport')

const FormatQuery = z.enum(DAILY_FORMATS).default('json').openapi({ description: 'only json carries the signature' })

const FILES = {
  csv: { type: 'text/csv; charset=utf-8', end: 'csv' },
  markdown: { type: 'text/markdown; charset=utf-8', end: 'md' },
} as const satisfies Record<Exclude<DailyFormat, 'json'>, object>

const text = (description: string) => ({ schema: z.string().openapi({ description }) })

const reportIn = (description: string) => ({
  description,
  content: {
    'application/json': { schema: DailyView },
    'text/csv': text('A header line, then a row for each line of the report'),
    'text/markdown': text('A page for people: totals, then a table per agent, cost centre, recipient and tier'),
  },
})

const Day = z.iso.date({ error: 'write a day like 2026-06-27' })

const daily = createRoute({
  method: 'get',
  path: '/v1/reports/daily',
  summary: 'What was paid and refused on a day (UTC), added up and signed',
  ...allow(...READERS),
  request: { query: z.strictObject({ date: Day, format: FormatQuery }) },
  responses: { 200: reportIn('The report, as of now; final once the day is over and nothing of it is open'), ...PROBLEMS },
})

const KeptView = z.object({ date: z.iso.date(), final: z.boolean(), madeAt: z.iso.datetime() }).openapi('KeptReport')

const list = createRoute({
  method: 'get',
  path: '/v1/reports',
  summary: 'The days whose report is kept, newest first',
  ...allow(...READERS),
  request: { query: z.strictObject(PageQuery) },
  responses: { 200: json(listOf(KeptView), 'A page'), ...PROBLEMS },
})

const show = createRoute({
  method: 'get',
  path: '/v1/reports/kept/{date}',
  summary: 'The report of a day as it was made and kept soon after its end',
  ...allow(...READERS),
  request: { params: z.object({ date: Day }), query: z.strictObject({ format: FormatQuery }) },
  responses: { 200: reportIn('The report, as it was signed'), ...PROBLEMS },
})

export function registerReports(app: AdminApp, deps: ReportDeps): void {
  const { ledger } = deps
  const archive = createPolicyArchive(ledger)
  app.openapi(daily, async (context) => {
    const { date, format } = context.req.valid('query')
    const report = await reportOn(date, deps, archive)
    return format === 'json' ? context.json(report, 200) : context.body(dailyText(report, format), 200, fileHeaders(report, format))
  })
  app.openapi(list, async (context) => {
    const page = await ledger.reports.days(pageRequest(context.req.valid('query')))
    return context.json(
      viewPage(page, ({ date, final, madeAt }) => ({ date, final, madeAt: isoTime(madeAt) })),
      200,
    )
  })
  app.openapi(show, async (context) => {
    const { date } = context.req.valid('param')
    const kept = await ledger.reports.kept(date)
    if (!kept) throw refused('not_found', `No report of ${date} is kept. \`purser report daily --date ${date}\` adds the day up now.`)
    const report = dailyReportSchema.parse(JSON.parse(kept.text))
    const { format } = context.req.valid('query')
    return format === 'json' ? context.json(report, 200) : context.body(dailyText(report, format), 200, fileHeaders(report, format))
  })
}

function fileHeaders({ date }: DailyReport, format: keyof typeof FILES): Record<'content-type' | 'content-disposition', string> {
  const { type, end } = FILES[format]
  return { 'content-type': type, 'content-disposition': `attachment; filename="report-${date}.${end}"` }
}
