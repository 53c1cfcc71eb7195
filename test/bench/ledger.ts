/**
 * The benchmarks of the ledger, by one command. Prints tables as they are done and writes every round as JSON.
 *
 *   node test/bench/ledger.ts [--short] [--only speed|size|memory] [--adapter sqlite|postgres] [--receipts N] [--folder DIR] [--json FILE]
 *
 * All contenders have their turn in each round, and only ratios of one run count. Everything is on a real disk, and every
 * step is durable before the next. PostgreSQL stands below the system's temporary folder. 10,000,000 receipts, with their
 * payments, take some 50 GB and a quarter of an hour to fill for each adapter; all of it is removed in the end.
 */
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { z } from 'zod'
import { type PostgresServer, startPostgres } from '../postgres/server.ts'
import { type Bed, type Kind, plainStatement, postgresBed, sqliteBed } from './ledger-contenders.ts'
import { fill } from './ledger-fill.ts'
import { type SizeScore, sizes } from './ledger-size.ts'
import { hotRow, speed } from './ledger-speed.ts'
import { median, ratioOf, tableText } from './statistics.ts'

const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    adapter: { type: 'string', default: '' },
    receipts: { type: 'string' },
    folder: { type: 'string', default: tmpdir() },
    json: { type: 'string' },
  },
})
const { short, only, folder } = values
const rounds = short ? 3 : 5
const LANES = [1, 32, 256]
const MANY = 256
/** One hot session, a few, and many more than any cache keeps. */
const SIZES = short ? [1, MANY, 10_000] : [1, MANY, 10_000, 1_000_000]
const receipts = z.coerce.number().parse(values.receipts ?? (short ? 200_000 : 10_000_000))
const OPEN_SESSIONS = 100_000
const PLAIN_CONNECTIONS = 32

const KINDS: readonly Kind[] = (['sqlite', 'postgres'] as const).filter((kind) => kind.includes(values.adapter))
const measured: Record<string, unknown>[] = []

/** Payments in one measure: about a second's worth, so that slow contenders end and fast ones are measured. */
function paymentsFor(lanes: number, oneEach: boolean): number {
  if (oneEach) return short ? 100 : 300
  const base = lanes === 1 ? 300 : lanes === 32 ? 3_000 : 6_000
  return short ? Math.ceil(base / 3) : base
}

async function bedOf(kind: Kind, server: PostgresServer | undefined, oneEach: boolean): Promise<Bed> {
  if (kind === 'sqlite') return sqliteBed({ folder, oneEach })
  if (!server) throw new Error('there is no server')
  return postgresBed(server, { oneEach })
}

const shown = (value: number, digits = 0) => (Number.isNaN(value) ? '-' : value.toFixed(digits))
const times = (ratio: number, digits = 1) => `${shown(ratio, digits)} ×`
const MEMBERS = ['whole', 'reserve', 'conclude'] as const

async function speedTable(kind: Kind, server: PostgresServer | undefined): Promise<string[][]> {
  const rows = [[`${kind}: durable payments a second`, 'whole', '÷ one each', 'reserve', '÷ one each', 'conclude', '÷ one each']]
  await using grouped = await bedOf(kind, server, false)
  await using single = await bedOf(kind, server, true)
  for (const [name, sessions] of [
    ['one session', 1],
    [`${MANY} sessions`, MANY],
  ] as const) {
    for (const lanes of LANES) {
      const payments = { grouped: paymentsFor(lanes, false), single: paymentsFor(lanes, true) }
      const scores = await speed({ grouped, single, sessions, lanes, payments, rounds })
      const cells = MEMBERS.flatMap((member) => {
        const [ours, theirs] = [scores.grouped, scores.single].map((score) => score.map((one) => one[member]))
        return [shown(median(ours ?? [])), times(ratioOf(ours ?? [], theirs ?? []))]
      })
      measured.push({ kind, name, lanes, ...scores })
      rows.push([`  ${name}, ${lanes} at once`, ...cells])
      process.stderr.write('.')
    }
  }
  return rows
}

async function hotRowTable(server: PostgresServer): Promise<string[][]> {
  await using bed = await postgresBed(server, { oneEach: false })
  await using plain = await plainStatement(server, { connections: PLAIN_CONNECTIONS, rows: MANY })
  const rows = [['postgres: reservations a second on one row', 'Purser', 'UPDATE each', 'Purser ÷']]
  for (const lanes of LANES) {
    const payments = { ours: paymentsFor(lanes, false), theirs: paymentsFor(lanes, true) * 4 }
    const { ours, theirs } = await hotRow({ bed, plain, lanes, payments, rounds })
    measured.push({ kind: 'postgres', name: 'hot row', lanes, ours, theirs })
    rows.push([`  ${lanes} at once`, shown(median(ours)), shown(median(theirs)), times(ratioOf(ours, theirs))])
  }
  return rows
}

async function sizeTables(kind: Kind, server: PostgresServer | undefined): Promise<string[][]> {
  const amounts = [...SIZES.map((sessions) => ({ sessions, receipts: 0 })), { sessions: 10_000, receipts }]
  const scores = await sizes({
    ...{ amounts, rounds, lanes: 32, payments: paymentsFor(32, false) },
    open: () => bedOf(kind, server, false),
    tell: (sentence) => process.stderr.write(`${kind}: ${sentence}\n`),
  })
  for (const score of scores) measured.push({ kind, name: 'size', ...score })
  const names = scores.map(({ sessions, receipts: entries }) => `${sessions} sessions, ${entries} receipts`)
  const costs = scores.map(({ rates, cpu_us, time, cpu, fewTime, fewCpu }, index) => [
    `  ${names[index]}`,
    ...[shown(median(rates)), times(time, 2), times(fewTime, 2)],
    ...[shown(median(cpu_us)), times(cpu, 2), times(fewCpu, 2)],
  ])
  const head = [`${kind}: 32 at once in a ledger of`, 'payments/s', 'time ÷ first', '÷ second', 'CPU µs', '÷ first', '÷ second']
  return [head, ...costs, [''], ...askedTable(kind, scores, names)]
}

function askedTable(kind: Kind, scores: readonly SizeScore[], names: readonly string[]): string[][] {
  const questions = Object.keys(scores[0]?.asked_ms ?? {})
  const rows = questions.map((question) => [`  ${question}`, ...scores.map(({ asked_ms }) => shown(asked_ms[question] ?? Number.NaN, 2))])
  return [[`${kind}: what is asked now and then, ms`, ...names], ...rows]
}

const bytesSchema = z.object({ heap_bytes: z.number(), resident_bytes: z.number() })
const memorySchema = z.object({ before: bytesSchema, after: bytesSchema })

/** What a process holds in memory when so many sessions are open and each was asked for. */
async function memoryTable(): Promise<string[][]> {
  await using bed = await sqliteBed({ folder, oneEach: false })
  await fill(bed, { sessions: OPEN_SESSIONS, receipts: 0 })
  const [row] = await bed.rows('SELECT file FROM pragma_database_list')
  await bed.ledger[Symbol.asyncDispose]()
  const args = ['--expose-gc', join(import.meta.dirname, 'ledger-memory.ts'), String(row?.file), String(OPEN_SESSIONS)]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  const { before, after } = memorySchema.parse(JSON.parse(stdout))
  measured.push({ name: 'memory', sessions: OPEN_SESSIONS, before, after })
  const mib = (bytes: number) => shown(bytes / 1_048_576, 1)
  const each = (member: 'heap_bytes' | 'resident_bytes') => shown((after[member] - before[member]) / OPEN_SESSIONS)
  return [
    [`sqlite: memory, MiB, ${OPEN_SESSIONS} open sessions`, 'heap', 'resident'],
    ['  before the first was asked for', mib(before.heap_bytes), mib(before.resident_bytes)],
    ['  after each was asked for', mib(after.heap_bytes), mib(after.resident_bytes)],
    ['  bytes for each session', each('heap_bytes'), each('resident_bytes')],
  ]
}

function tell(table: readonly (readonly string[])[]): void {
  process.stderr.write('\n')
  console.log(`${tableText(table)}\n`)
}

async function main(): Promise<void> {
  const started = new Date().toISOString()
  await using server = KINDS.includes('postgres')
    ? await startPostgres({ settings: { shared_buffers: '256MB', max_wal_size: '2GB' } })
    : undefined
  const place = {
    started,
    node: process.version,
    cpu: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`,
    postgres: server?.version,
    rounds,
  }
  for (const [name, value] of Object.entries(place)) console.log(`${name}: ${value}`)
  for (const kind of KINDS) {
    if ('speed'.includes(only)) tell(await speedTable(kind, server))
    if ('size'.includes(only)) tell(await sizeTables(kind, server))
  }
  if (server && 'speed'.includes(only)) tell(await hotRowTable(server))
  if (KINDS.includes('sqlite') && 'memory'.includes(only)) tell(await memoryTable())
  const json = values.json ?? join(folder, `purser-ledger-bench-${started.replaceAll(':', '')}.json`)
  await writeFile(json, `${JSON.stringify({ ...place, measured }, null, 2)}\n`)
  console.log(`All rounds: ${json}`)
}

await main()
