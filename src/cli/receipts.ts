/** `purser receipts …`: the records, their export, and the proof that nothing was changed. */
import { createReadStream } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import type { Receipt, Verification } from '../audit/receipt.ts'
import { pageOf, ReceiptAnswer, VerificationAnswer } from './answers.ts'
import { CliFailure } from './failure.ts'
import { type CommonFlags, command, countFlag, group, queryOf } from './options.ts'
import { connectAdmin } from './settings.ts'
import { display } from './statement.ts'
import { printJson, type Sink, type Terminal, table } from './terminal.ts'

const FILTERS = ['session', 'payment', 'agent', 'kind', 'since', 'until'] as const
type Filters = Partial<Record<(typeof FILTERS)[number], string>>

interface ListFlags extends CommonFlags, Filters {
  readonly limit: number
  readonly cursor?: string
}

interface ExportFlags extends CommonFlags, Filters {
  readonly format: 'jsonl' | 'csv'
  readonly out?: string
}

export function receiptsCommand(terminal: Terminal): Command {
  const list = filtered(command('list', 'receipts, newest first'))
    .option('--limit <count>', 'at most so many', countFlag, 100)
    .option('--cursor <cursor>', 'go on behind an earlier page')
    .action((flags: ListFlags) => listReceipts(flags, terminal))
  const exporting = filtered(command('export', 'all receipts as JSON lines or CSV'))
    .addOption(new Option('--format <format>', 'how').choices(['jsonl', 'csv']).default('jsonl'))
    .option('--out <file>', 'where to; without it standard output')
    .action((flags: ExportFlags) => exportReceipts(flags, terminal))
  const verify = command('verify', 'check the chain: of an exported file offline, or of the ledger')
    .argument('[file]', 'an export in JSON lines; without it the running Purser checks its ledger')
    .action((file: string | undefined, flags: CommonFlags) => verifyReceipts(file, flags, terminal))
  return group('receipts', [list, exporting, verify])
}

function filtered(list: Command): Command {
  for (const name of FILTERS) list.option(`--${name} <${name === 'since' || name === 'until' ? 'time' : name}>`, `only of this ${name}`)
  return list
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
  if (page.next !== null) terminal.err.line(`More with --cursor ${page.next}`)
}

async function exportReceipts(flags: ExportFlags, terminal: Terminal): Promise<void> {
  const admin = await connectAdmin(flags, terminal)
  const body = await admin.stream(`/v1/receipts${queryOf({ ...filtersOf(flags), format: flags.format })}`)
  if (flags.out === undefined) {
    await copy(body, terminal.out)
    return
  }
  const bytes = await writeWhole(flags.out, body)
  if (flags.json) printJson(terminal, { file: flags.out, format: flags.format, bytes })
  else terminal.out.line(`Wrote ${bytes} bytes to ${flags.out}.`)
}

async function copy(from: AsyncIterable<Uint8Array>, to: Pick<Sink, 'write'>): Promise<number> {
  let bytes = 0
  for await (const chunk of from) {
    bytes += chunk.length
    await to.write(chunk)
  }
  return bytes
}

/** An export that broke off leaves no file behind that could be taken for a whole one. */
async function writeWhole(path: string, body: AsyncIterable<Uint8Array>): Promise<number> {
  const unfinished = `${path}.${process.pid}.part`
  try {
    await using file = await open(unfinished, 'w', 0o600)
    const bytes = await copy(body, { write: async (chunk) => void (await file.writeFile(chunk)) })
    await file.sync()
    await rename(unfinished, path)
    return bytes
  } catch (cause) {
    await rm(unfinished, { force: true })
    throw new CliFailure(`The export to ${path} did not succeed.`, {
      cause,
      advice: cause instanceof Error ? cause.message : String(cause),
    })
  }
}

async function verifyReceipts(file: string | undefined, flags: CommonFlags, terminal: Terminal): Promise<void> {
  const verdict =
    file === undefined ? await (await connectAdmin(flags, terminal)).get('/v1/receipts/verify', VerificationAnswer) : await verifyFile(file)
  terminal.exitCode = verdict.ok ? 0 : 1
  if (flags.json) return printJson(terminal, verdict)
  const { brokenAt, count, chains } = verdict
  if (brokenAt === null)
    terminal.out.line(`${terminal.out.paint('green', 'ok')}  ${count} receipts in ${chains} sessions; every chain holds.`)
  else
    terminal.out.line(
      `${terminal.out.paint('red', 'broken')}  session ${brokenAt.sessionId}, receipt ${brokenAt.number} (${brokenAt.id}): ${brokenAt.why}.`,
    )
}

/** Exports run from new to old, other files from old to new: whichever order goes further is the file's. */
async function verifyFile(path: string): Promise<Verification> {
  const [{ chainVerifier }, { readJsonl }] = await Promise.all([import('../audit/chain.ts'), import('../audit/export.ts')])
  const verifiers = [chainVerifier('oldest_first'), chainVerifier('newest_first')]
  try {
    for await (const receipt of readJsonl(createReadStream(path))) addTo(verifiers, receipt)
  } catch (cause) {
    throw new CliFailure(`${path} cannot be read as an export of receipts: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
      advice: 'It has to be JSON lines, as `purser receipts export --format jsonl` writes them.',
    })
  }
  const [first, ...others] = verifiers.map((verifier) => verifier.result())
  if (first === undefined) throw new Error('there are two orders')
  return others.reduce((best, verdict) => (!best.ok && (verdict.ok || verdict.count > best.count) ? verdict : best), first)
}

function addTo(verifiers: readonly { add(receipt: Receipt): void }[], receipt: Receipt): void {
  for (const verifier of verifiers) verifier.add(receipt)
}
