/** How recipients have behaved: what was paid for and not delivered, what is under dispute, what came back. */
import { createRoute, z } from '@hono/zod-openapi'
import type { RecipientRecord } from '../ledger/findings.ts'
import type { AdminDeps } from './deps.ts'
import { listOf, PageQuery, pageRequest, viewPage } from './pages.ts'
import { type AdminApp, allow, json, PROBLEMS, READERS } from './router.ts'
import { amountsOf } from './views.ts'

const Amounts = z.record(z.string(), z.string()).openapi({ description: 'Decimal amounts by currency' })

const RecipientView = z
  .object({
    ...{ host: z.string(), recipient: z.string(), network: z.string() },
    undelivered: z.int().openapi({ description: 'Payments that moved money and were not delivered' }),
    disputed: z.int(),
    ...{ disputedAmount: Amounts, refundedAmount: Amounts },
  })
  .openapi('Recipient')

const list = createRoute({
  method: 'get',
  path: '/v1/recipients',
  summary: 'Recipients with something undelivered, disputed or refunded',
  ...allow(...READERS),
  request: { query: z.strictObject(PageQuery) },
  responses: { 200: json(listOf(RecipientView), 'One page'), ...PROBLEMS },
})

export function registerRecipients(app: AdminApp, { ledger }: Pick<AdminDeps, 'ledger'>): void {
  app.openapi(list, async (context) =>
    context.json(viewPage(await ledger.recipients(pageRequest(context.req.valid('query'))), recipientView), 200),
  )
}

function recipientView({ payTo, disputedAmount, refundedAmount, ...record }: RecipientRecord): z.infer<typeof RecipientView> {
  return { ...record, recipient: payTo, disputedAmount: amountsOf(disputedAmount), refundedAmount: amountsOf(refundedAmount) }
}
