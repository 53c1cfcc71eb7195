/**
 * The benchmarks of the ledger, by one command. Prints tables and writes every round as JSON beside them.
 *
 *   node test/bench/ledger.ts [--short] [--only speed|size|memory] [--adapter sqlite|postgres] [--receipts N] [--folder DIR] [--json FILE]
 *
 * Each figure is the median of rounds in which all contenders had their turn; only ratios of one run count. Everything is
 * on a real disk, and every step is durable before the next. `--receipts 10000000` fills some 30 GB.
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
import { measure, openSessions, pay, type Rates, rate } from './ledger-load.ts'
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
const SIZES = short ? [1, 10_000, 100_000] : [1, 10_000, 1_000_000]
const receipts = z.coerce.number().parse(values.receipts ?? (short ? 100_000 : 1_000_000))
const OPEN_SESSIONS = 100_000
const PLAIN_CONNECTIONS = 32

const KINDS: readonly Kind[] = (['sqlite', 'postgres'] as const).filter((kind) => kind.includes(values.adapter))
const measured: Record<string, unknown>[] = []

/** Payments in one measure: about a second's worth, so that slow contenders end and fast ones are measured. */
function paymentsFor(lanes: number, oneEach: boolean): number {
  const base = lanes === 1 || oneEach ? 400 : lanes === 32 ? 4_000 : 10_000
  return short ? Math.ceil(base / 2) : base
}

async function bedOf(kind: Kind, server: PostgresServer | undefined, oneEach: boolean): Promise<Bed> {
  if (kind === 'sqlite') return sqliteBed({ folder, oneEach })
  if (!server) throw new Error('there is no server')
  return postgresBed(server, { oneEach })
}

const shown = (value: number, digits = 0) => (Number.isNaN(value) ? '-' : value.toFixed(digits))
const MEMBERS = ['whole', 'reserve', 'conclude'] as const

/** Group commit against one transaction each, on one session and on many. */
async function speed(kind: Kind, server: PostgresServer | undefined): Promise<string[][]> {
  const rows = [[`${kind}: durable payments a second`, 'whole', '÷ one each', 'reserve', '÷ one each', 'conclude', '÷ one each']]
  await using grouped = await bedOf(kind, server, false)
  await using single = await bedOf(kind, server, true)
  for (const [name, count] of [
    ['one session', 1],
    [`${MANY} sessions`, MANY],
  ] as const) {
    const ids = { grouped: await openSessions(grouped.ledger, count), single: await openSessions(single.ledger, count) }
    for (const lanes of LANES) {
      const scores: { grouped: Rates[]; single: Rates[] } = { grouped: [], single: [] }
      for (let round = 0; round <= rounds; round++) {
        for (const [who, bed] of [
          ['grouped', grouped],
          ['single', single],
        ] as const) {
          const pick = (n: number) => ids[who][n % count] ?? ''
          const rates = await measure(bed.ledger, pick, { lanes, payments: paymentsFor(lanes, who === 'single') })
          if (round > 0) scores[who].push(rates)
        }
      }
      const cells = MEMBERS.flatMap((member) => {
        const [ours, theirs] = [scores.grouped, scores.single].map((score) => score.map((one) => one[member]))
        return [shown(median(ours ?? [])), `${shown(ratioOf(ours ?? [], theirs ?? []), 1)} ×`]
      })
      measured.push({ kind, name, lanes, ...scores })
      rows.push([`  ${name}, ${lanes} at once`, ...cells])
      process.stderr.write('.')
    }
  }
  return rows
}

/** The hot row, against an UPDATE of its own for each reservation. */
async function hotRow(server: PostgresServer): Promise<string[][]> {
  await using bed = await postgresBed(server, { oneEach: false })
  await using plain = await plainStatement(server, { connections: PLAIN_CONNECTIONS, rows: MANY })
  const [session = ''] = await openSessions(bed.ledger, 1)
  const rows = [['postgres: reservations a second on one row', 'Purser', 'UPDATE each', 'Purser ÷']]
  for (const lanes of LANES) {
    const ours: number[] = []
    const theirs: number[] = []
    for (let round = 0; round <= rounds; round++) {
      const { reserve } = await measure(bed.ledger, () => session, { lanes, payments: paymentsFor(lanes, false) })
      const statement = await rate({ lanes, payments: paymentsFor(lanes, true) * 4 }, () => plain.reserve(0))
      if (round === 0) continue
      ours.push(reserve)
      theirs.push(statement)
    }
    measured.push({ kind: 'postgres', name: 'hot row', lanes, ours, theirs })
    rows.push([`  ${lanes} at once`, shown(median(ours)), shown(median(theirs)), `${shown(ratioOf(ours, theirs), 1)} ×`])
  }
  return rows
}

/** What a payment costs in a small ledger, and in a large one; sessions are drawn at random, so that nothing is at hand. */
async function size(kind: Kind, server: PostgresServer | undefined): Promise<string[][]> {
  const rows = [[`${kind}: 32 at once in a ledger of`, 'payments/s', 'µs each', '÷ smallest']]
  const amounts = [...SIZES.map((sessions) => ({ sessions, receipts: 0 })), { sessions: 10_000, receipts }]
  let smallest: readonly number[] = []
  for (const amount of amounts) {
    await using bed = await bedOf(kind, server, false)
    await fill(bed, amount)
    const pick = () => `ses_bulk_${Math.floor(Math.random() * amount.sessions)}`
    const rates: number[] = []
    for (let round = 0; round <= rounds; round++) {
      const paid = await rate({ lanes: 32, payments: paymentsFor(32, false) }, () => pay(bed.ledger, pick()))
      if (round > 0) rates.push(paid)
    }
    if (smallest.length === 0) smallest = rates
    measured.push({ kind, name: 'size', ...amount, rates })
    const cost = `${shown(median(smallest) / median(rates), 2)} ×`
    rows.push([`  ${amount.sessions} sessions, ${amount.receipts} receipts`, shown(median(rates)), shown(1_000_000 / median(rates)), cost])
    process.stderr.write('.')
  }
  return rows
}

const memorySchema = z.object({
  before: z.object({ heap_bytes: z.number(), resident_bytes: z.number() }),
  after: z.object({ heap_bytes: z.number(), resident_bytes: z.number() }),
})

/** What a process holds in memory when so many sessions are open and each was asked for. */
async function memory(): Promise<string[][]> {
  await using bed = await sqliteBed({ folder, oneEach: false })
  await fill(bed, { sessions: OPEN_SESSIONS, receipts: 0 })
  const [row] = await bed.rows('SELECT file FROM pragma_database_list')
  await bed.ledger[Symbol.asyncDispose]()
  const args = ['--expose-gc', join(import.meta.dirname, 'ledger-memory.ts'), String(row?.file), String(OPEN_SESSIONS)]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  const { before, after } = memorySchema.parse(JSON.parse(stdout))
  measured.push({ name: 'memory', sessions: OPEN_SESSIONS, before, after })
  const mib = (bytes: number) => shown(bytes / 1_048_576, 1)
  return [
    [`sqlite: memory, MiB, ${OPEN_SESSIONS} open sessions`, 'heap', 'resident'],
    ['  before the first was asked for', mib(before.heap_bytes), mib(before.resident_bytes)],
    ['  after each was asked for', mib(after.heap_bytes), mib(after.resident_bytes)],
  ]
}

async function main(): Promise<void> {
  const started = new Date().toISOString()
  await using server = KINDS.includes('postgres')
    ? await startPostgres({ settings: { shared_buffers: '256MB', max_wal_size: '2GB' } })
    : undefined
  const tables: string[][] = []
  for (const kind of KINDS) {
    if ('speed'.includes(only)) tables.push(...(await speed(kind, server)), [''])
    if ('size'.includes(only)) tables.push(...(await size(kind, server)), [''])
  }
  if (server && 'speed'.includes(only)) tables.push(...(await hotRow(server)), [''])
  if (KINDS.includes('sqlite') && 'memory'.includes(only)) tables.push(...(await memory()), [''])
  const place = {
    started,
    node: process.version,
    cpu: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`,
    postgres: server?.version,
    rounds,
  }
  const json = values.json ?? join(folder, `purser-ledger-bench-${started.replaceAll(':', '')}.json`)
  await writeFile(json, `${JSON.stringify({ ...place, measured }, null, 2)}\n`)
  process.stderr.write('\n')
  for (const [name, value] of Object.entries(place)) console.log(`${name}: ${value}`)
  console.log(`\n${tableText(tables)}\nAll rounds: ${json}`)
}

await main()
