/** Receipts: listed, exported as a stream, verified. */
import { createRoute, z } from '@hono/zod-openapi'
import { exportCsv, exportJsonl } from '../audit/export.ts'
import type { Receipt } from '../audit/receipt.ts'
import { refused } from '../errors.ts'
import type { AdminDeps } from './deps.ts'
import { listOf, PageQuery, pageRequest, present, TimeQuery, walkPages } from './pages.ts'
import { ReceiptView } from './receipt-view.ts'
import { type AdminApp, allow, IdParam, json, PROBLEMS, READERS } from './router.ts'

const Filter = z.strictObject({
  session: z.string().optional(),
  payment: z.string().optional(),
  agent: z.string().optional(),
  kind: ReceiptView.shape.kind.optional(),
  since: TimeQuery.optional(),
  until: TimeQuery.optional(),
  format: z.enum(['json', 'jsonl', 'csv']).default('json').openapi({ description: 'jsonl and csv stream everything that matches' }),
  ...PageQuery,
})

const EXPORTS = {
  jsonl: { type: 'application/jsonl; charset=utf-8', name: 'receipts.jsonl', write: exportJsonl },
  csv: { type: 'text/csv; charset=utf-8', name: 'receipts.csv', write: exportCsv },
} as const

const text = (description: string) => ({ schema: z.string().openapi({ description }) })

const list = createRoute({
  method: 'get',
  path: '/v1/receipts',
  summary: 'Receipts, newest first; one page, or everything as JSON lines or CSV',
  ...allow(...READERS),
  request: { query: Filter },
  responses: {
    200: {
      description: 'One page, or the export',
      content: {
        'application/json': { schema: listOf(ReceiptView) },
        'application/jsonl': text('One receipt for each line'),
        'text/csv': text('A header line, then one line for each receipt'),
      },
    },
    ...PROBLEMS,
  },
})

const Verification = z
  .object({
    ok: z.boolean(),
    count: z.int(),
    chains: z.int(),
    brokenAt: z.object({ sessionId: z.string(), number: z.int(), id: z.string(), why: z.string() }).nullable(),
  })
  .openapi('Verification')

const verify = createRoute({
  method: 'get',
  path: '/v1/receipts/verify',
  summary: 'Verify the chains of all receipts',
  ...allow(...READERS),
  responses: { 200: json(Verification, 'Whether they hold, and the first entry that does not'), ...PROBLEMS },
})

const show = createRoute({
  method: 'get',
  path: '/v1/receipts/{id}',
  summary: 'One receipt',
  ...allow(...READERS),
  request: { params: IdParam },
  responses: { 200: json(ReceiptView, 'The receipt'), ...PROBLEMS },
})

export function registerReceipts(app: AdminApp, { ledger }: Pick<AdminDeps, 'ledger'>): void {
  app.openapi(list, async (context) => {
    const { limit, cursor, format, ...rest } = context.req.valid('query')
    const filter = present(rest)
    if (format === 'json') return context.json(await ledger.receipts(filter, pageRequest({ limit, cursor })), 200)
    const { type, name, write } = EXPORTS[format]
    const matching = await walkPages((page) => ledger.receipts(filter, page), cursor)
    return context.body(streamOf(write(matching)), 200, { 'content-type': type, 'content-disposition': `attachment; filename="${name}"` })
  })
  app.openapi(verify, async (context) => context.json(await ledger.verifyReceipts(), 200))
  app.openapi(show, async (context) => {
    const { id } = context.req.valid('param')
    const receipt: Receipt | undefined = await ledger.receipt(id)
    if (!receipt) throw refused('not_found', `There is no receipt ${id}.`)
    return context.json(receipt, 200)
  })
}

/** A failure midway breaks the connection, so that half an export never looks like a whole one. */
function streamOf(lines: AsyncIterable<string>): ReadableStream<Uint8Array> {
  return ReadableStream.from(lines).pipeThrough(new TextEncoderStream())
}
