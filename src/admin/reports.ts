/** Reports: a day added up and signed, as of now, or as it was kept after its end. */
import { createRoute, z } from '@hono/zod-openapi'
import { dailyReportSchema } from '../audit/daily.ts'
import { refused } from '../errors.ts'
import { listOf, PageQuery, pageRequest, viewPage } from './pages.ts'
import { createPolicyArchive } from './policy-archive.ts'
import { type ReportDeps, reportOn } from './report-keeper.ts'
import { type AdminApp, allow, json, PROBLEMS, READERS } from './router.ts'
import { isoTime } from './views.ts'

const DailyView = z.strictObject(dailyReportSchema.shape).openapi('DailyReport')

const daily = createRoute({
  method: 'get',
  path: '/v1/reports/daily',
  summary: 'What was paid and refused on a day (UTC), added up and signed',
  ...allow(...READERS),
  request: { query: z.strictObject({ date: z.iso.date() }) },
  responses: { 200: json(DailyView, 'The report, as of now; final once the day is over and nothing of it is open'), ...PROBLEMS },
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
  request: { params: z.object({ date: z.iso.date() }) },
  responses: { 200: json(DailyView, 'The report, as it was signed'), ...PROBLEMS },
})

export function registerReports(app: AdminApp, deps: ReportDeps): void {
  const { ledger } = deps
  const archive = createPolicyArchive(ledger)
  app.openapi(daily, async (context) => context.json(await reportOn(context.req.valid('query').date, deps, archive), 200))
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
    if (!kept) throw refused('not_found', `No report of ${date} is kept.`)
    return context.json(dailyReportSchema.parse(JSON.parse(kept.text)), 200)
  })
}
