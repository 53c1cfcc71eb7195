/**
 * The benchmarks, by one command: `npm run bench`. Prints a table and writes every round as JSON beside it.
 *
 *   node test/bench/bench.ts [--short] [--only WORD] [--json FILE] [--folder DIR] [--main FILE] [--profile DIR]
 *   node test/bench/ledger.ts: the ledger by itself
 *
 * Figures differ from machine to machine and from hour to hour: only ratios of one run count, so all contenders of a
 * contest are measured in turn, round after round. Loopback only; nothing real is paid.
 */
import { closeSync, existsSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { makeTestTls } from '../testnet/certificates.ts'
import {
  absoluteForm,
  blindConnect,
  type Contender,
  type Contest,
  type Field,
  intercepted,
  type Pace,
  paid,
  reverse,
  startLoad,
  startOrigin,
} from './contests.ts'
import { isPinned } from './processes.ts'
import { startPurserProcess } from './purser-process.ts'
import { median, ratioOf, tableText } from './statistics.ts'

const AGENTS = 32
const FSYNCS = 100

const { values: flags } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    json: { type: 'string' },
    folder: { type: 'string', default: tmpdir() },
    main: { type: 'string', default: 'dist/main.js' },
    profile: { type: 'string' },
  },
})
const rounds = flags.short ? 3 : 5
const times = flags.short ? { warmup_ms: 300, duration_ms: 1_000 } : { warmup_ms: 500, duration_ms: 3_000 }

interface Measure {
  readonly rate: number
  readonly p50_ms: number
  readonly p99_ms: number
  /** Processor time of the measured process for each request. */
  readonly cpu_us: number
}

interface Score {
  readonly contest: string
  readonly contender: string
  readonly connections: number
  readonly rounds: Measure[]
}

async function measure(contender: Contender, pace: Pace): Promise<Measure> {
  const before_ms = contender.cpu_ms()
  const { count, total, elapsed_ms, p50_ms, p99_ms } = await contender.run(pace)
  const cpu_us = ((contender.cpu_ms() - before_ms) * 1000) / total
  return { rate: (count / elapsed_ms) * 1000, p50_ms, p99_ms, cpu_us }
}

/** A B A B: in every round each contender once. One round before the first warms all of them and is not kept. */
async function hold(contest: Contest, connections: number): Promise<Score[]> {
  const scores = contest.contenders.map((contender) => ({
    contender,
    score: { contest: contest.title, contender: contender.name, connections, rounds: [] as Measure[] },
  }))
  for (let round = 0; round <= rounds; round++) {
    for (const { contender, score } of scores) {
      const measured = await measure(contender, { connections, ...times })
      if (round > 0) score.rounds.push(measured)
    }
    process.stderr.write('.')
  }
  process.stderr.write(` ${contest.title}, ${connections}\n`)
  return scores.map(({ score }) => score)
}

const valuesOf = (score: Score | undefined, member: keyof Measure) => (score?.rounds ?? []).map((round) => round[member])
const shown = (value: number, digits: number) => (Number.isNaN(value) ? '-' : value.toFixed(digits))

/** The ratio is Purser's rate through the other's: above 1 Purser is faster. */
function rowsOf(contest: Contest, scores: readonly Score[]): string[][] {
  const find = (name: string | undefined) => scores.find(({ contender }) => contender === name)
  const ours = find(contest.purser)
  const [connections] = scores.map((score) => score.connections)
  const direct = median(valuesOf(find(contest.direct), 'p50_ms'))
  const header = [`${contest.title}, ${connections} at once`, 'req/s', 'Purser ÷', 'by CPU', 'p50 ms', 'added', 'p99 ms', 'CPU µs']
  const rows = scores.map((score) => [
    `  ${score.contender}`,
    shown(median(valuesOf(score, 'rate')), 0),
    shown(ratioOf(valuesOf(ours, 'rate'), valuesOf(score, 'rate')), 2),
    shown(ratioOf(valuesOf(score, 'cpu_us'), valuesOf(ours, 'cpu_us')), 2),
    shown(median(valuesOf(score, 'p50_ms')), 3),
    shown(connections === 1 ? median(valuesOf(score, 'p50_ms')) - direct : Number.NaN, 3),
    shown(median(valuesOf(score, 'p99_ms')), 2),
    shown(median(valuesOf(score, 'cpu_us')), 0),
  ])
  return [header, ...rows, ['']]
}

/** Median of one append and fdatasync in this folder, in milliseconds: what a durable commit costs here at least. */
function fsync_ms(folder: string): number {
  const file = openSync(join(folder, 'fsync'), 'w')
  const took = Array.from({ length: FSYNCS }, () => {
    const started = performance.now()
    writeSync(file, 'x'.repeat(4096))
    fdatasyncSync(file)
    return performance.now() - started
  })
  closeSync(file)
  return median(took)
}

async function openField(folder: string, started: AsyncDisposableStack): Promise<Field> {
  const main = resolve(flags.main)
  if (!existsSync(main)) throw new Error(`${main} is missing: build it first with \`npm run build\``)
  const { ca, cert, key } = makeTestTls()
  const tls = { ca: join(folder, 'ca.pem'), cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
  await Promise.all([writeFile(tls.ca, ca), writeFile(tls.cert, cert), writeFile(tls.key, key)])
  const { ready: origin } = started.use(await startOrigin(tls))
  const load = started.use(await startLoad())
  const profile = flags.profile && resolve(flags.profile)
  const purser = started.use(await startPurserProcess({ main, folder, origin, caFile: tls.ca, profile }))
  return { origin, load, purser, sessions: await purser.openSessions(AGENTS), tls, started }
}

const LEGEND = `
Purser ÷: Purser's requests per second through the other's, the median of the rounds; above 1 Purser is faster.
by CPU: the same from the processor time for each request, which holds where others use the machine too.
added: what the way adds to the p50 with nothing in between. CPU µs: of the measured process for each request.
Answers have 1 KB. Purser: ${flags.main}, enforce, 32 sessions, one log line for each exchange at level info into a file, SQLite ledger.
Paid: the origin answers 402 with an x402 v2 challenge, then 200 where the payment's header is there. It checks nothing and settles
nothing, and the transaction that it names is made up, so that no chain is the bottleneck. @x402/fetch has no ledger and no policy.`

async function main(): Promise<void> {
  await using started = new AsyncDisposableStack()
  const folder = await mkdtemp(join(flags.folder, 'purser-bench-'))
  started.defer(() => rm(folder, { recursive: true, force: true }))
  const place = {
    date: new Date().toISOString(),
    node: process.version,
    cpu: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`,
    pinned: isPinned ? 'measured process on core 0, origin and load on core 1' : 'not pinned: taskset is missing',
    rounds: `${rounds} of ${times.duration_ms} ms after ${times.warmup_ms} ms of warm-up`,
    fsync_ms: Number(fsync_ms(folder).toFixed(3)),
  }
  const field = await openField(folder, started)
  const makers = { absoluteForm, reverse, blindConnect, intercepted, paid }
  const all: Score[] = []
  const rows: string[][] = []
  for (const [name, make] of Object.entries(makers)) {
    if (!name.toLowerCase().includes(flags.only.toLowerCase())) continue
    const contest = await make(field)
    for (const connections of [AGENTS, 1]) {
      const scores = await hold(contest, connections)
      all.push(...scores)
      rows.push(...rowsOf(contest, scores))
    }
  }
  const json = resolve(flags.json ?? join(flags.folder, `purser-bench-${place.date.replaceAll(':', '')}.json`))
  await writeFile(json, `${JSON.stringify({ ...place, scores: all }, null, 2)}\n`)
  for (const [name, value] of Object.entries(place)) console.log(`${name}: ${value}`)
  console.log(`\n${tableText(rows)}${LEGEND}\n\nAll rounds: ${json}`)
}

await main()
