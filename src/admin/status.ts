/** How it goes, described for people who read the API; `probes.ts` answers it. */
import { createRoute, z } from '@hono/zod-openapi'
import type { Events } from '../telemetry/events.ts'
import type { StatusDeps } from './deps.ts'
import { secureHeaders } from './door-guard.ts'
import { answerProbe, PROBES } from './probes.ts'
import { type AdminApp, createRouter, json } from './router.ts'

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
  for (const route of [metrics, health, ready]) app.openAPIRegistry.registerPath(route)
  for (const probe of PROBES) {
    app.get(probe, async (context) => {
      const { status, headers, body } = await answerProbe(probe, context.req.header('accept'), deps)
      return context.body(body, status, headers)
    })
  }
}

/** The same three on a listener of their own, which scrapers and probes reach by whatever name they know it. */
export function createMetricsApp(deps: StatusDeps & { readonly events: Pick<Events, 'faulted'> }): AdminApp {
  const app = createRouter(deps.events)
  app.use(secureHeaders)
  registerStatus(app, deps)
  return app
}
