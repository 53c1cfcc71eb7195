/** The overview: how money went in the last hour or day, what waits, which budgets run out. Made once for all who look at once. */
import { createRoute, z } from '@hono/zod-openapi'
import type { Ledger } from '../ledger/ledger.ts'
import {
  OVERVIEW_DAY_LIFETIME_MS,
  OVERVIEW_DAY_STEPS,
  OVERVIEW_HOUR_LIFETIME_MS,
  OVERVIEW_HOUR_STEPS,
  OVERVIEW_NEWEST,
} from '../people-limits.ts'
import { BudgetSumView, BudgetView, budgetsOf } from './console-budgets.ts'
import { countsOf, paidIn, refusalsOf, type Steps, seriesOf } from './console-series.ts'
import type { AdminDeps } from './deps.ts'
import { type AdminApp, allow, json, PROBLEMS, READERS } from './router.ts'
import { amountsOf, isoTime, PaymentView, paymentView } from './views.ts'

const Amounts = z.record(z.string(), z.string()).openapi({ description: 'Decimal amounts by currency' })
const Count = z.int()
const SPANS = ['hour', 'day'] as const
type SpanName = (typeof SPANS)[number]
const SCALE = {
  hour: { length_ms: 3_600_000, steps: OVERVIEW_HOUR_STEPS, lifetime_ms: OVERVIEW_HOUR_LIFETIME_MS },
  day: { length_ms: 86_400_000, steps: OVERVIEW_DAY_STEPS, lifetime_ms: OVERVIEW_DAY_LIFETIME_MS },
} as const

const OverviewView = z
  .object({
    at: z.iso.datetime(),
    span: z.enum(SPANS),
    since: z.iso.datetime(),
    until: z.iso.datetime(),
    step_ms: Count,
    exposure: Amounts,
    sessions: z.record(z.string(), Count).openapi({ description: 'How many, by state' }),
    approvalsPending: Count,
    disputes: Count,
    unresolved: Count,
    budgets: z.array(BudgetView).openapi({ description: 'Open sessions without a parent, fullest first' }),
    budgetSums: z.record(z.string(), BudgetSumView),
    budgetsPartial: z.boolean().openapi({ description: 'Older sessions are not looked at' }),
    payments: z.object({ settled: Count, open: Count, unknown: Count, expired: Count, void: Count, refused: Count }).openapi({
      description: 'refused: with a code, vetoes among them; void: of the others',
    }),
    paid: Amounts.openapi({ description: 'Settled or expired; what is held stands in exposure' }),
    refusals: z.array(z.object({ code: z.string(), count: Count })),
    series: z.object({
      at_s: z.array(Count).openapi({ description: 'Where each step begins, seconds since 1970' }),
      tiers: z.array(z.object({ tier: z.string(), currency: z.string(), amounts: z.array(z.string()), counts: z.array(Count) })),
      refused: z.array(Count),
    }),
    newest: z.array(PaymentView),
  })
  .openapi('Overview')
type OverviewView = z.infer<typeof OverviewView>

const overview = createRoute({
  method: 'get',
  path: '/v1/overview',
  summary: 'How money went in the last hour or day, what waits, and which budgets run out',
  ...allow(...READERS),
  request: { query: z.strictObject({ span: z.enum(SPANS).default('hour') }) },
  responses: { 200: json(OverviewView, 'As of a moment ago'), ...PROBLEMS },
})

type OverviewDeps = Pick<AdminDeps, 'ledger' | 'clock'>

export function registerOverview(app: AdminApp, deps: OverviewDeps): void {
  const kept = { hour: keptFor('hour', deps), day: keptFor('day', deps) }
  app.openapi(overview, async (context) => context.json(await kept[context.req.valid('query').span](), 200))
}

/** Whoever asks while one is made gets that one. A failure is kept for nobody. */
function keptFor(span: SpanName, deps: OverviewDeps): () => Promise<OverviewView> {
  let last: { readonly made: Promise<OverviewView>; readonly until: number } | undefined
  return () => {
    const now = deps.clock.monotonic()
    if (last && now < last.until) return last.made
    const made = overviewOf(span, deps)
    last = { made, until: now + SCALE[span].lifetime_ms }
    made.catch(() => {
      last = undefined
    })
    return made
  }
}

async function overviewOf(span: SpanName, { ledger, clock }: OverviewDeps): Promise<OverviewView> {
  const now = clock.now()
  const steps = stepsOf(span, now)
  const found = await ledger.insight.activity(steps)
  const { since, until, step_ms } = steps
  const newest = await ledger.payments({}, { limit: OVERVIEW_NEWEST })
  return {
    ...{ at: isoTime(now), span, since: isoTime(since), until: isoTime(until), step_ms },
    ...(await standing(ledger)),
    ...(await budgetsOf(ledger, now)),
    ...{ payments: countsOf(found), paid: paidIn(found), refusals: refusalsOf(found), series: seriesOf(found, steps) },
    newest: newest.items.map(paymentView),
  }
}

/** Whole steps, the present one among them. */
function stepsOf(span: SpanName, now: number): Steps {
  const { length_ms, steps } = SCALE[span]
  const step_ms = length_ms / steps
  const until = (Math.floor(now / step_ms) + 1) * step_ms
  return { since: until - length_ms, until, step_ms }
}

async function standing(
  ledger: Ledger,
): Promise<Pick<OverviewView, 'exposure' | 'sessions' | 'disputes' | 'unresolved' | 'approvalsPending'>> {
  const [{ exposure, sessions, disputes, unresolved }, approvalsPending] = await Promise.all([
    ledger.totals(),
    ledger.approvals.pendingApprovals(),
  ])
  return { exposure: amountsOf(exposure), sessions, disputes, unresolved, approvalsPending }
}
