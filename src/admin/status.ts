/** How it goes: metrics, alive, ready. Open on their listeners; they name no session, URL or address. */
import { createRoute, z } from '@hono/zod-openapi'
import type { Events } from '../telemetry/events.ts'
import type { ReadinessCheck, StatusDeps } from './deps.ts'
import { secureHeaders } from './door-guard.ts'
import { type AdminApp, createRouter, json } from './router.ts'

const PROMETHEUS_TEXT = 'text/plain; version=0.0.4; charset=utf-8'

const OPEN_METRICS = 'application/openmetrics-text'

const metrics = createRoute({
  method: 'get',
  path: '/metrics',
  summary: 'Metrics for Prometheus; no token needed',
  responses: { 200: { description: 'Prometheus text format', content: { 'text/plain': { schema: z.string() } } } },
})

const health = createRoute({
  method: 'get',
  path: '/healthz',
  summary: 'Whether the process is alive; no token needed',
  responses: { 200: json(z.object({ alive: z.literal(true) }), 'It is') },
})

const Ready = z.object({ ready: z.boolean(), reasons: z.array(z.string()) })

const ready = createRoute({
  method: 'get',
  path: '/readyz',
  summary: 'Whether payments can be made; no token needed',
  responses: { 200: json(Ready, 'They can'), 503: json(Ready, 'They cannot, and why') },
})

export function registerStatus(app: AdminApp, deps: StatusDeps): void {
  app.openapi(metrics, async (context) => {
    const wanted = context.req.header('accept')?.includes(OPEN_METRICS) ? deps.openMetrics : undefined
    const { render, contentType = PROMETHEUS_TEXT } = wanted ?? deps
    return context.text(await render(), 200, { 'content-type': contentType, vary: 'accept' })
  })
  app.openapi(health, (context) => context.json({ alive: true as const }, 200))
  app.openapi(ready, async (context) => {
    const reasons = await reasonsOf(deps)
    return context.json({ ready: reasons.length === 0, reasons }, reasons.length === 0 ? 200 : 503)
  })
}

async function reasonsOf({ readiness }: StatusDeps): Promise<string[]> {
  return (await Promise.all(readiness.map(answerOf))).flat()
}

/** A check that fails hides no other; only those that read the ledger can fail. */
async function answerOf(check: ReadinessCheck): Promise<readonly string[]> {
  try {
    return await check()
  } catch {
    return ['The ledger does not answer.']
  }
}

/** The same three on a listener of their own, which scrapers and probes reach by whatever name they know it. */
export function createMetricsApp(deps: StatusDeps & { readonly events: Pick<Events, 'faulted'> }): AdminApp {
  const app = createRouter(deps.events)
  app.use(secureHeaders)
  registerStatus(app, deps)
  return app
}
