/**
 * The benchmarks, by one command: `npm run bench`. Prints tables and writes every round as JSON beside them.
 *
 *   node test/bench/bench.ts [--short] [--only WORD] [--markdown FILE] [--json FILE] [--folder DIR] [--main FILE] [--profile DIR] [--no-peers] [--large]
 *
 * `--large`: the ledger with up to 1,000,000 sessions and 10,000,000 receipts, which takes hours and 60 GB.
 *
 * Figures differ from machine to machine and from hour to hour: only ratios of one run count, so all contenders of a
 * contest are measured in turn, round after round. Loopback only; nothing real is paid.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { cpus, release, tmpdir, type } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { makeTestTls } from '../testnet/certificates.ts'
import { aimsTable } from './aims.ts'
import { channels } from './channels.ts'
import { type Field, startLoad, startOrigin } from './contests.ts'
import { fsync_ms } from './fsync.ts'
import type { Drivers, Score } from './measure.ts'
import { type Outcome, passThrough } from './pass-through.ts'
import { paying } from './paying.ts'
import { installPeers, type Peer, startPeers } from './peers.ts'
import { isPinned } from './processes.ts'
import { startPurserProcess } from './purser-process.ts'
import { markdownOf, type Table } from './report.ts'
import { signingTable } from './signing.ts'
import { signingWays } from './signing-ways.ts'
import { standing } from './standing.ts'
import { tableText } from './statistics.ts'

const MAX_AGENTS = 256

const { values: flags } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    json: { type: 'string' },
    markdown: { type: 'string' },
    folder: { type: 'string', default: tmpdir() },
    main: { type: 'string', default: 'dist/main.js' },
    profile: { type: 'string' },
    'no-peers': { type: 'boolean', default: false },
    large: { type: 'boolean', default: false },
  },
})
const EFFORT = flags.short
  ? {
      main: { rounds: 3, times: { warmup_ms: 200, duration_ms: 500 }, settling_ms: 2_000 },
      other: { rounds: 1, times: { warmup_ms: 100, duration_ms: 300 }, settling_ms: 300 },
    }
  : {
      main: { rounds: 5, times: { warmup_ms: 200, duration_ms: 1_000 }, settling_ms: 6_000 },
      other: { rounds: 3, times: { warmup_ms: 100, duration_ms: 500 }, settling_ms: 1_000 },
    }
const SECTIONS = [
  'absoluteForm',
  'reverse',
  'blindConnect',
  'intercepted',
  'paid',
  'channels',
  'refusals',
  'costs',
  'signing',
  'standing',
  'ledger',
]

const only = flags.only.toLowerCase()
const jsonFile = resolve(flags.json ?? join(flags.folder, `purser-bench-${new Date().toISOString().replaceAll(':', '')}.json`))
const wanted = (...names: readonly string[]) => names.some((name) => name.toLowerCase().includes(only))
const tell = (sentence: string) => process.stderr.write(`${sentence}\n`)

interface Bench {
  readonly field: Field
  readonly drivers: Drivers
  readonly peers: readonly Peer[]
}

async function openField(folder: string, started: AsyncDisposableStack): Promise<Bench> {
  const { ca, cert, key } = makeTestTls()
  const tls = { ca: join(folder, 'ca.pem'), cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
  await Promise.all([writeFile(tls.ca, ca), writeFile(tls.cert, cert), writeFile(tls.key, key)])
  const origin = started.use(await startOrigin(tls))
  const load = started.use(await startLoad())
  const profile = flags.profile && resolve(flags.profile)
  const purser = started.use(await startPurserProcess({ main: resolve(flags.main), folder, origin: origin.ready, caFile: tls.ca, profile }))
  const sessions = await purser.openSessions(MAX_AGENTS)
  const field = { origin: origin.ready, load, purser, sessions, tls, started }
  const drivers = { cpu_ms: () => origin.cpu_ms() + load.cpu_ms() }
  if (flags['no-peers'] || !wanted('absoluteForm', 'reverse', 'blindConnect', 'intercepted', 'refusals', 'standing'))
    return { field, drivers, peers: [] }
  await installPeers(tell)
  return { field, drivers, peers: await startPeers({ folder, origin: origin.ready, tls }, started, tell) }
}

const LEGEND = `
Purser ÷: Purser's requests per second through the other's, the median of the rounds; above 1 Purser is faster.
by CPU: the same from the processor time for each request, which holds where others use the machine too.
added: what the way adds to the p50 with nothing in between. CPU µs: of the measured process for each request.
core, load: how much of its core the measured process used, and load and origin of theirs. * The load and the origin had more
to do than the proxy, so that the rate is theirs: compare by CPU.
Purser: ${flags.main}, enforce, ${MAX_AGENTS} sessions, one log line for each exchange at level info into a file, SQLite ledger
with fsync. The peers log nothing and admit everybody. "no CONNECT" peers take the connection itself.
Paid: the origin answers 402 with an x402 v2 challenge, then 200 where the payment's header is there. It checks nothing and settles
nothing, and the transaction that it names is made up, so that no chain is the bottleneck. @x402/fetch has no ledger and no policy.`

/** What the sections measured, in their order. */
async function measureAll(folder: string, started: AsyncDisposableStack): Promise<readonly (Outcome & { peers?: readonly Peer[] })[]> {
  const outcomes: (Outcome & { peers?: readonly Peer[] })[] = []
  const needsField = wanted(...SECTIONS.filter((name) => !['signing', 'ledger'].includes(name)))
  const bench = needsField ? await openField(folder, started) : undefined
  if (bench) {
    const { peers } = bench
    outcomes.push({ peers, tables: [], scores: [] })
    outcomes.push(await passThrough({ ...bench, ...EFFORT, only }))
    outcomes.push(await paying({ ...bench, ...EFFORT, main: resolve(flags.main), folder, effort: EFFORT.main, wanted }))
  }
  if (bench && wanted('channels')) outcomes.push(await channels({ ...bench, main: resolve(flags.main), folder, effort: EFFORT.main }))
  if (bench && wanted('standing')) {
    const { field, peers } = bench
    const plan = { main: resolve(flags.main), folder, origin: field.origin, caFile: field.tls.ca }
    const counts = flags.short ? { connections: 1_000, sessions: 1_000 } : { connections: 10_000, sessions: 100_000 }
    outcomes.push({ tables: await standing({ field, peers, plan, ...counts }), scores: [] })
  }
  if (wanted('signing')) {
    const times = { duration_ms: flags.short ? 200 : 500 }
    outcomes.push({ tables: [await signingTable(times), ...(await signingWays({ ...times, main: resolve(flags.main) }))], scores: [] })
  }
  return outcomes
}

/** The ledger's own benchmarks, a process of their own: their tables as text. */
async function ledgerText(folder: string): Promise<string> {
  const file = join(import.meta.dirname, 'ledger.ts')
  const args = [file, ...(flags.large ? [] : ['--short']), '--folder', folder, '--json', `${jsonFile}.ledger`]
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 16 * 1024 * 1024 })
  return stdout
}

async function main(): Promise<void> {
  if (!wanted(...SECTIONS)) throw new Error(`--only takes a part of one of ${SECTIONS.join(', ')}`)
  if (!existsSync(flags.main)) throw new Error(`${flags.main} is missing: build it first with \`npm run build\``)
  const began = performance.now()
  await using started = new AsyncDisposableStack()
  const folder = await mkdtemp(join(flags.folder, 'purser-bench-'))
  started.defer(() => rm(folder, { recursive: true, force: true }))
  const date = new Date().toISOString()
  const measuredFsync_ms = fsync_ms(folder)
  const outcomes = await measureAll(folder, started)
  const ledger = wanted('ledger') ? await ledgerText(folder) : ''
  const place = {
    date,
    node: process.version,
    system: `${type()} ${release()}`,
    cpu: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`,
    pinned: isPinned ? 'measured process on core 0, origin and load on core 1' : 'not pinned: taskset is missing',
    rounds: [EFFORT.main, EFFORT.other].map(({ rounds, times }) => `${rounds} of ${times.duration_ms} ms`).join(', beside the main rows '),
    fsync_ms: measuredFsync_ms.toFixed(3),
    peers: outcomes.flatMap(({ peers = [] }) => [...new Set(peers.map(({ name, version }) => `${name} (${version})`))]).join(', '),
    took: `${((performance.now() - began) / 60_000).toFixed(1)} minutes`,
  }
  const scores = outcomes.flatMap((outcome) => outcome.scores)
  const tables = [...outcomes.flatMap((outcome) => outcome.tables), aimsTable(scores)].filter(({ rows }) => rows.length > 1)
  await write({ place, tables, scores, ledger })
  const failed = scores.filter((score) => score.failed !== null && score.contender.startsWith('Purser'))
  if (failed.length > 0) process.exitCode = 1
}

async function write({
  place,
  tables,
  scores,
  ledger,
}: {
  place: Readonly<Record<string, string>>
  tables: readonly Table[]
  scores: readonly Score[]
  ledger: string
}) {
  await writeFile(jsonFile, `${JSON.stringify({ ...place, scores, tables: tables.map(({ rows }) => rows) }, null, 2)}\n`)
  const facts = Object.entries(place).map(([name, value]) => `${name}: ${value}`)
  if (flags.markdown !== undefined) {
    const page = [
      facts.map((fact) => `- ${fact}`).join('\n'),
      ...tables.map(markdownOf),
      ...(ledger ? [`\`\`\`text\n${ledger}\`\`\``] : []),
    ]
    await writeFile(resolve(flags.markdown), `${page.join('\n\n')}\n`)
  }
  console.log(
    `${facts.join('\n')}\n\n${tableText(tables.flatMap(({ rows }) => [...rows, ['']]))}${ledger}${LEGEND}\n\nAll rounds: ${jsonFile}`,
  )
}

await main()
