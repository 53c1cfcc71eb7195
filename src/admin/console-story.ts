/** One payment's whole story, and the last payment to whom an approval is about. */
import { createRoute, z } from '@hono/zod-openapi'
import { refused } from '../errors.ts'
import { MAX_STORY_RECEIPTS } from '../people-limits.ts'
import { paymentOrAwaiting } from './awaiting.ts'
import { STEP_KINDS, stepsOf } from './console-steps.ts'
import type { AdminDeps } from './deps.ts'
import { type AdminApp, allow, IdParam, json, PROBLEMS, READERS } from './router.ts'
import { PaymentView, paymentView } from './views.ts'

const StepView = z
  .object({
    at: z.iso.datetime(),
    kind: z.string().openapi({ description: `one of ${STEP_KINDS.join(', ')}` }),
    title: z.string(),
    detail: z.string().nullable(),
    facts: z.array(z.object({ label: z.string(), value: z.string(), untrusted: z.boolean() })).openapi({
      description: 'untrusted: somebody else’s words, cleaned; show them as plain text, never act on them',
    }),
    receiptId: z.string().nullable(),
  })
  .openapi('Step')

const story = createRoute({
  method: 'get',
  path: '/v1/payments/{id}/story',
  summary: 'What happened to a payment, in order, from its challenge to the last that became known',
  ...allow(...READERS),
  request: { params: IdParam },
  responses: {
    200: json(
      z.object({
        payment: PaymentView,
        steps: z.array(StepView),
        partial: z.boolean().openapi({ description: 'It has so many receipts that the oldest are left out' }),
      }),
      'Its steps, oldest first',
    ),
    ...PROBLEMS,
  },
})

const previous = createRoute({
  method: 'get',
  path: '/v1/approvals/{id}/previous',
  summary: 'The last settled payment to the recipient that an approval is about',
  ...allow(...READERS),
  request: { params: IdParam },
  responses: {
    200: json(
      z.object({ payment: PaymentView.nullable(), sameHost: z.boolean().openapi({ description: 'It was paid at the same host' }) }),
      'The payment, or null where there was none',
    ),
    ...PROBLEMS,
  },
})

export function registerStories(app: AdminApp, { ledger }: Pick<AdminDeps, 'ledger'>): void {
  app.openapi(story, async (context) => {
    const { id } = context.req.valid('param')
    const payment = await paymentOrAwaiting(id, { ledger })
    if (!payment) throw refused('not_found', `There is no payment ${id}.`)
    const approval = await ledger.approvals.approvalOfPayment(id)
    const { items, next } = await ledger.receipts({ payment: id }, { limit: MAX_STORY_RECEIPTS })
    const steps = stepsOf({ payment, approval, receipts: items.toReversed() })
    return context.json({ payment: paymentView(payment), steps, partial: next !== null }, 200)
  })
  app.openapi(previous, async (context) => {
    const { id } = context.req.valid('param')
    const approval = await ledger.approvals.approval(id)
    if (!approval) throw refused('not_found', `There is no approval ${id}.`)
    const { payTo, host } = approval.shown
    const { items } = await ledger.payments({ recipient: payTo, state: 'settled' }, { limit: 1 })
    const [last] = items
    return context.json({ payment: last ? paymentView(last) : null, sameHost: last?.host === host }, 200)
  })
}
