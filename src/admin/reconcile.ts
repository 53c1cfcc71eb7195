/** Reconciliation on demand: everything open is looked into now, and what it came to is told. */
import { createRoute, z } from '@hono/zod-openapi'
import { network } from '../session/values.ts'
import { describedBody, readBody } from './body.ts'
import type { AdminDeps } from './deps.ts'
import { ReportView, reportView } from './report.ts'
import { type AdminApp, allow, json, PROBLEMS } from './router.ts'

const block = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,18})$/, 'a block number in decimal')
  .transform((digits) => BigInt(digits))

const Wanted = z.strictObject({
  fromBlock: z
    .record(network, block)
    .exactOptional()
    .meta({ description: 'By network: the block from which payments that this ledger does not know are searched for' }),
})

const reconcile = createRoute({
  method: 'post',
  path: '/v1/reconcile',
  summary: 'Look into every open payment now, by the chain and by time',
  ...allow('operator'),
  request: { body: describedBody(Wanted) },
  responses: { 200: json(ReportView, 'What became certain, what is still open, and what needs a person'), ...PROBLEMS },
})

export function registerReconcile(app: AdminApp, deps: Pick<AdminDeps, 'reconcile'>): void {
  app.openapi(reconcile, async (context) => {
    const wanted = await readBody(context.req, Wanted)
    return context.json(reportView(await deps.reconcile(wanted)), 200)
  })
}
