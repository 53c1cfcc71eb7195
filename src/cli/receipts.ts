/** `purser receipts …`: the records, their export, and the proof that nothing was changed. */
import { type Command, Option } from 'commander'
import { z } from 'zod'
import { RECORD_FORMATS } from '../audit/depths.ts'
import type { AdminClient } from './admin-client.ts'
import { pageOf, ReceiptAnswer, ReceiptKeyAnswer } from './answers.ts'
import { type ExportFlags, exportReceipts } from './export-receipts.ts'
import { fundingLines } from './funding-text.ts'
import { addFilters, type CommonFlags, command, countFlag, group, queryOf } from './options.ts'
import { connectAdmin } from './settings.ts'
import { display } from './statement.ts'
import { printJson, type Terminal, table } from './terminal.ts'
import { verifyCommand } from './verify-receipts.ts'

const FILTERS = ['session', 'payment', 'agent', 'tool', 'recipient', 'onBehalfOf', 'trace', 'tier', 'kind', 'since', 'until'] as const
type Filters = Partial<Record<(typeof FILTERS)[number], string>>

interface ListFlags extends CommonFlags, Filters {
  readonly limit: number
  readonly cursor?: string
}

export function receiptsCommand(terminal: Terminal): Command {
  const list = addFilters(command('list', 'receipts, newest first'), FILTERS)
    .option('--limit <count>', 'at most so many', countFlag, 100)
    .option('--cursor <cursor>', 'go on behind an earlier page')
    .action((flags: ListFlags) => listReceipts(flags, terminal))
  const exporting = addFilters(command('export', 'all receipts with their checkpoints, or all as CSV'), FILTERS)
    .addOption(new Option('--format <format>', 'how').choices(['jsonl', 'json', 'csv']).default('jsonl'))
    .addOption(
      new Option('--record <format>', 'records instead of receipts; tier: each as its tier asks').choices([...RECORD_FORMATS, 'tier']),
    )
    .option('--out <file>', 'where to; without it standard output')
    .action((flags: ExportFlags & Filters) => exportReceipts(flags, filtersOf(flags), terminal))
  const key = command('key', 'the public key by which checkpoints are verified').action((flags: CommonFlags) => showKey(flags, terminal))
  return group('receipts', [list, exporting, verifyCommand(terminal), key])
}

function filtersOf(flags: Filters): Record<string, string | undefined> {
  return Object.fromEntries(FILTERS.map((name) => [name, flags[name]]))
}

async function listReceipts(flags: ListFlags, terminal: Terminal): Promise<void> {
  const admin = await connectAdmin(flags, terminal)
  const page = await admin.get(
    `/v1/receipts${queryOf({ ...filtersOf(flags), limit: flags.limit, cursor: flags.cursor })}`,
    pageOf(ReceiptAnswer),
  )
  if (flags.json) return printJson(terminal, page)
  const titles = ['AT', 'RECEIPT', 'KIND', 'STATE', 'AMOUNT', 'RESOURCE']
  const rows = page.items.map((receipt) => [
    receipt.at,
    receipt.id,
    receipt.kind,
    receipt.code ? `${receipt.state}: ${receipt.code}` : receipt.state,
    receipt.amount && receipt.currency ? display(receipt.amount, receipt.currency) : '-',
    receipt.resource,
  ])
  terminal.out.line(
    rows.length === 0
      ? 'No receipts.'
      : table(
          titles.map((title) => ({ title, align: title === 'AMOUNT' ? 'right' : 'left' })),
          rows,
        ),
  )
  if (flags.session !== undefined) for (const line of await fundingOf(flags.session, admin)) terminal.out.line(line)
  if (page.next !== null) terminal.err.line(`More with --cursor ${page.next}`)
}

/** What a treasury moved to the session's address and back, beside what was paid from it. Receipts outlive their session. */
async function fundingOf(id: string, admin: AdminClient): Promise<string[]> {
  const session = await admin.get(`/v1/sessions/${encodeURIComponent(id)}`, z.looseObject({})).catch(() => undefined)
  return session ? fundingLines(session) : []
}

async function showKey(flags: CommonFlags, terminal: Terminal): Promise<void> {
  const key = await (await connectAdmin(flags, terminal)).get('/v1/receipts/key', ReceiptKeyAnswer)
  if (flags.json) printJson(terminal, key)
  else terminal.out.line(key.publicKey)
}
