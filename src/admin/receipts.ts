/** Receipts: listed, exported as a stream, verified, and the checkpoints that seal them. */
import { createRoute, z } from '@hono/zod-openapi'
import { canonicalJson } from '../audit/canonical.ts'
import type { Checkpoint } from '../audit/checkpoint.ts'
import { exportCsv, exportJsonl } from '../audit/export.ts'
import type { Receipt, Verification } from '../audit/receipt.ts'
import { refused } from '../errors.ts'
import { MAX_CHECKPOINT_PAGE } from '../limits.ts'
import type { AdminDeps } from './deps.ts'
import { listOf, PageQuery, pageRequest, present, TimeQuery, walkPages } from './pages.ts'
import { createPolicyArchive } from './policy-archive.ts'
import { CheckpointView, ReceiptView, VerificationView } from './receipt-view.ts'
import { RecordQuery, RecordView, recordLines, recordOf, recordsOf, recordTable } from './records.ts'
import { type AdminApp, allow, IdParam, json, PROBLEMS, READERS } from './router.ts'

const Filter = z.strictObject({
  session: z.string().optional(),
  payment: z.string().optional(),
  agent: z.string().optional(),
  kind: ReceiptView.shape.kind.optional(),
  tool: z.string().optional(),
  tier: z.string().optional(),
  recipient: z.string().optional().openapi({ description: 'a host or an address' }),
  onBehalfOf: z.string().optional().openapi({ description: 'somebody in Purser-On-Behalf-Of' }),
  trace: z.string().optional().openapi({ description: 'a W3C trace id' }),
  since: TimeQuery.optional(),
  until: TimeQuery.optional(),
  format: z.enum(['json', 'jsonl', 'csv']).default('json').openapi({ description: 'jsonl and csv stream everything that matches' }),
  record: RecordQuery,
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
        'application/json': { schema: z.union([listOf(ReceiptView), listOf(RecordView)]) },
        'application/jsonl': text('One receipt for each line'),
        'text/csv': text('A header line, then one line for each receipt'),
      },
    },
    ...PROBLEMS,
  },
})

const verify = createRoute({
  method: 'get',
  path: '/v1/receipts/verify',
  summary: 'Verify the chains of all receipts',
  ...allow(...READERS),
  responses: { 200: json(VerificationView, 'Whether they hold, and the first entry that does not'), ...PROBLEMS },
})

/** Not as a literal, from which the router's types would take it for JSON. */
const JSON_LINES: string = 'application/jsonl'

const CheckpointFilter = z.strictObject({
  cursor: z.coerce.number().int().nonnegative().optional().openapi({ description: 'the number behind which the page begins' }),
  limit: z.coerce.number().int().min(1).max(MAX_CHECKPOINT_PAGE).default(MAX_CHECKPOINT_PAGE),
  until: z.coerce.number().int().positive().optional().openapi({ description: 'the last number that is wanted' }),
  format: z.enum(['json', 'jsonl']).default('json').openapi({ description: 'jsonl streams all of them' }),
})

const checkpoints = createRoute({
  method: 'get',
  path: '/v1/receipts/checkpoints',
  summary: 'Signed checkpoints of the receipts, oldest first; one page, or all as JSON lines',
  ...allow(...READERS),
  request: { query: CheckpointFilter },
  responses: {
    200: {
      description: 'One page, or all',
      content: {
        'application/json': { schema: listOf(CheckpointView) },
        [JSON_LINES]: text('One checkpoint for each line'),
      },
    },
    ...PROBLEMS,
  },
})

const seal = createRoute({
  method: 'post',
  path: '/v1/receipts/checkpoints',
  summary: 'Sign all receipts that are written by now',
  ...allow(...READERS),
  responses: {
    200: json(z.object({ checkpoint: CheckpointView.nullable() }), 'The newest checkpoint; null without receipts'),
    ...PROBLEMS,
  },
})

const key = createRoute({
  method: 'get',
  path: '/v1/receipts/key',
  summary: 'The public key by which checkpoints are verified',
  ...allow(...READERS),
  responses: { 200: json(z.object({ algorithm: z.literal('Ed25519'), publicKey: z.string() }), 'The key, in hex'), ...PROBLEMS },
})

const show = createRoute({
  method: 'get',
  path: '/v1/receipts/{id}',
  summary: 'One receipt',
  ...allow(...READERS),
  request: { params: IdParam },
  responses: { 200: json(ReceiptView, 'The receipt'), ...PROBLEMS },
})

type ReceiptDeps = Pick<AdminDeps, 'ledger' | 'checkpointing'>

export function registerReceipts(app: AdminApp, { ledger, checkpointing }: ReceiptDeps): void {
  const archive = createPolicyArchive(ledger)
  app.openapi(list, async (context) => {
    const { limit, cursor, format, record, ...rest } = context.req.valid('query')
    const filter = present(rest)
    if (format === 'json') {
      const page = await ledger.receipts(filter, pageRequest({ limit, cursor }))
      if (!record) return context.json(page, 200)
      return context.json({ items: await Promise.all(page.items.map((one) => recordOf(one, record, archive))), next: page.next }, 200)
    }
    const { type, name, write } = EXPORTS[format]
    const matching = await walkPages((page) => ledger.receipts(filter, page), cursor)
    if (record) {
      const records = recordsOf(matching, record, archive)
      const text = format === 'csv' ? recordTable(records, record) : recordLines(records)
      const named = `attachment; filename="${name.replace('receipts', `records-${record}`)}"`
      return context.body(streamOf(text), 200, { 'content-type': type, 'content-disposition': named })
    }
    return context.body(streamOf(write(matching)), 200, { 'content-type': type, 'content-disposition': `attachment; filename="${name}"` })
  })
  app.openapi(verify, async (context) => context.json(knownKey(await ledger.verifyReceipts(), checkpointing.publicKey), 200))
  registerCheckpoints(app, { ledger, checkpointing })
  app.openapi(show, async (context) => {
    const { id } = context.req.valid('param')
    const receipt: Receipt | undefined = await ledger.receipt(id)
    if (!receipt) throw refused('not_found', `There is no receipt ${id}.`)
    return context.json(receipt, 200)
  })
}

function registerCheckpoints(app: AdminApp, { ledger, checkpointing }: ReceiptDeps): void {
  app.openapi(checkpoints, async (context) => {
    const { cursor = 0, limit, until = Number.MAX_SAFE_INTEGER, format } = context.req.valid('query')
    const first = await ledger.checkpoints(cursor, limit)
    if (format === 'jsonl') {
      const lines = allCheckpoints(ledger, { first, limit, until })
      return context.body(streamOf(lines), 200, { 'content-type': EXPORTS.jsonl.type })
    }
    const items = first.filter(({ number }) => number <= until)
    const next = first.length === limit && items.length === limit ? String(items.at(-1)?.number) : null
    return context.json({ items, next }, 200)
  })
  app.openapi(seal, async (context) => context.json({ checkpoint: (await checkpointing.now()) ?? null }, 200))
  app.openapi(key, (context) => context.json({ algorithm: 'Ed25519' as const, publicKey: checkpointing.publicKey }, 200))
}

interface Walk {
  readonly first: readonly Checkpoint[]
  readonly limit: number
  readonly until: number
}

async function* allCheckpoints(ledger: AdminDeps['ledger'], { first, limit, until }: Walk): AsyncGenerator<string, void, undefined> {
  let page = first
  for (;;) {
    for (const checkpoint of page) if (checkpoint.number <= until) yield `${canonicalJson(checkpoint)}\n`
    const last = page.at(-1)
    if (!last || page.length < limit || last.number >= until) return
    page = await ledger.checkpoints(last.number, limit)
  }
}

/** Whoever can write the store can sign it with a key of their own: only checkpoints under ours prove anything. */
function knownKey(verdict: Verification, publicKey: string): Verification {
  const { sealed, brokenAt } = verdict
  if (brokenAt !== null || sealed === null || sealed.publicKey === publicKey) return verdict
  return {
    ...verdict,
    ok: false,
    brokenAt: { sessionId: '', number: 1, id: 'checkpoint', why: 'it is signed with another key than this Purser’s' },
  }
}

/** A failure midway breaks the connection, so that half an export never looks like a whole one. */
function streamOf(lines: AsyncIterable<string>): ReadableStream<Uint8Array> {
  return ReadableStream.from(lines).pipeThrough(new TextEncoderStream())
}
