/** `purser receipts export`: all receipts that checkpoints cover, and behind them the checkpoints, so that the file proves itself. */
import { open, rename, rm } from 'node:fs/promises'
import { z } from 'zod'
import type { AdminClient } from './admin-client.ts'
import { CliFailure } from './failure.ts'
import type { CommonFlags } from './options.ts'
import { queryOf } from './options.ts'
import { connectAdmin } from './settings.ts'
import { printJson, type Sink, type Terminal } from './terminal.ts'

export interface ExportFlags extends CommonFlags {
  readonly format: 'jsonl' | 'json' | 'csv'
  readonly out?: string
  readonly record?: string
}

type Filters = Readonly<Record<string, string | undefined>>

/** Writes the export to its file, whole or not at all, or to standard output; what it cannot prove is said on stderr. */
export async function exportReceipts(flags: ExportFlags, filters: Filters, terminal: Terminal): Promise<void> {
  const admin = await connectAdmin(flags, terminal)
  const note = noteOn(flags, filters)
  if (note !== undefined) terminal.err.line(note)
  const text =
    note === undefined
      ? sealedExport(admin, flags.format === 'json', filters)
      : plainExport(admin, flags.format, { ...filters, record: flags.record })
  if (flags.out === undefined) {
    await copy(text, terminal.out)
    return
  }
  const bytes = await writeWhole(flags.out, text)
  if (flags.json) printJson(terminal, { file: flags.out, format: flags.format, bytes })
  else terminal.out.line(`Wrote ${bytes} bytes to ${flags.out}.`)
}

function noteOn({ format, record }: ExportFlags, filters: Filters): string | undefined {
  if (record !== undefined) return 'Records name their receipts by hash; the receipts themselves are what can be verified.'
  if (format === 'csv') return 'CSV cannot carry checkpoints: export JSON lines for a file that can be verified.'
  const narrowed = Object.entries(filters).some(([name, value]) => name !== 'session' && value !== undefined)
  return narrowed ? 'This export leaves receipts out, so it has no checkpoints and cannot be verified.' : undefined
}

async function* plainExport(
  admin: AdminClient,
  format: ExportFlags['format'],
  filters: Filters,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (format === 'json') yield* listed(linesOf(await receiptsOf(admin, 'jsonl', filters)))
  else yield* await receiptsOf(admin, format, filters)
}

/** A checkpoint is made first: what is written after it would not be covered, and waits for the next export. */
async function* sealedExport(admin: AdminClient, asList: boolean, filters: Filters): AsyncGenerator<Uint8Array, void, undefined> {
  const { checkpoint } = await admin.post('/v1/receipts/checkpoints', {}, NewestCheckpoint)
  const entries = sealedEntries(admin, checkpoint?.number ?? 0, filters)
  yield* asList ? listed(entries) : joined(entries)
}

async function* sealedEntries(admin: AdminClient, newest: number, filters: Filters): AsyncGenerator<string, void, undefined> {
  const covered = new Map<string, number>()
  for await (const line of checkpointsUpTo(admin, newest)) {
    for (const { sessionId, number } of parseLine(line, HeadsIn).heads) covered.set(sessionId, number)
  }
  for await (const line of linesOf(await receiptsOf(admin, 'jsonl', filters))) {
    const { sessionId, number } = parseLine(line, PlaceIn)
    if (number <= (covered.get(sessionId) ?? 0)) yield line
  }
  yield* checkpointsUpTo(admin, newest)
}

const NewestCheckpoint = z.looseObject({ checkpoint: z.looseObject({ number: z.int() }).nullable() })
const PlaceIn = z.looseObject({ sessionId: z.string(), number: z.int() })
const HeadsIn = z.looseObject({ heads: z.array(PlaceIn) })

function parseLine<T>(line: string, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(JSON.parse(line))
  if (parsed.success) return parsed.data
  throw new CliFailure('The admin API answered a line that is no receipt.', { cause: parsed.error })
}

async function* checkpointsUpTo(admin: AdminClient, until: number): AsyncGenerator<string, void, undefined> {
  if (until > 0) yield* linesOf(await admin.stream(`/v1/receipts/checkpoints${queryOf({ format: 'jsonl', until })}`))
}

function receiptsOf(admin: AdminClient, format: 'jsonl' | 'csv', filters: Filters): Promise<AsyncIterable<Uint8Array>> {
  return admin.stream(`/v1/receipts${queryOf({ ...filters, format })}`)
}

async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let rest = ''
  for await (const chunk of chunks) {
    const lines = `${rest}${decoder.decode(chunk, { stream: true })}`.split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  if (`${rest}${decoder.decode()}` !== '') throw new CliFailure('The admin API’s answer broke off within a line.')
}

const encoder = new TextEncoder()

async function* joined(entries: AsyncIterable<string>): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const entry of entries) yield encoder.encode(`${entry}\n`)
}

/** One JSON array with an entry on each line. */
async function* listed(entries: AsyncIterable<string>): AsyncGenerator<Uint8Array, void, undefined> {
  let before = '[\n'
  for await (const entry of entries) {
    yield encoder.encode(`${before}${entry}`)
    before = ',\n'
  }
  yield encoder.encode(before === '[\n' ? '[\n]\n' : '\n]\n')
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
