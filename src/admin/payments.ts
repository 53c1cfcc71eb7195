/** Payments, as operators see them: every attempt, refused ones included, and those that wait for people. */
import { createRoute, z } from '@hono/zod-openapi'
import { refused } from '../errors.ts'
import { awaitingPayments, isAwaiting, paymentOrAwaiting } from './awaiting.ts'
import type { AdminDeps } from './deps.ts'
import { listOf, PageQuery, pageRequest, present, TimeQuery, viewPage } from './pages.ts'
import { type AdminApp, allow, IdParam, json, PROBLEMS, READERS } from './router.ts'
import { PaymentView, paymentView } from './views.ts'

const Filter = z.strictObject({
  session: z.string().optional(),
  agent: z.string().optional(),
  tool: z.string().optional(),
  task: z.string().optional(),
  recipient: z.string().optional(),
  onBehalfOf: z.string().optional().openapi({ description: 'somebody in Purser-On-Behalf-Of' }),
  trace: z.string().optional().openapi({ description: 'a W3C trace id' }),
  state: PaymentView.shape.state.optional(),
  tier: z.string().optional(),
  disputed: z
    .enum(['true'], { error: 'write true, or leave it out' })
    .transform(() => true)
    .optional(),
  since: TimeQuery.optional(),
  until: TimeQuery.optional(),
  ...PageQuery,
})

const list = createRoute({
  method: 'get',
  path: '/v1/payments',
  summary: 'Payments, newest first',
  ...allow(...READERS),
  request: { query: Filter },
  responses: { 200: json(listOf(PaymentView), 'One page'), ...PROBLEMS },
})

const show = createRoute({
  method: 'get',
  path: '/v1/payments/{id}',
  summary: 'One payment',
  ...allow(...READERS),
  request: { params: IdParam },
  responses: { 200: json(PaymentView, 'The payment'), ...PROBLEMS },
})

export function registerPayments(app: AdminApp, { ledger, people }: Pick<AdminDeps, 'ledger' | 'people'>): void {
  const deps = { ledger, approvals: people.approvals }
  app.openapi(list, async (context) => {
    const { limit, cursor, ...filter } = context.req.valid('query')
    const [asked, page] = [present(filter), pageRequest({ limit, cursor })]
    const { state } = asked
    const found = isAwaiting(state) ? awaitingPayments({ ...asked, state }, page, deps) : ledger.payments(asked, page)
    return context.json(viewPage(await found, paymentView), 200)
  })
  app.openapi(show, async (context) => {
    const { id } = context.req.valid('param')
    const payment = await paymentOrAwaiting(id, deps)
    if (!payment) throw refused('not_found', `There is no payment ${id}.`)
    return context.json(paymentView(payment), 200)
  })
}
