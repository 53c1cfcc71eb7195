/** What the program does beyond passing on: payments on both ledgers, refusals, and what it tells about itself. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { startPostgres } from '../postgres/server.ts'
import { makeSharedKeys } from '../shared-keys.ts'
import { startChain } from '../testnet/chain.ts'
import { type Contest, type Field, paid, refusals, reverse, type Variant } from './contests.ts'
import { type Drivers, hold, type Score } from './measure.ts'
import type { Effort, Outcome } from './pass-through.ts'
import type { Peer } from './peers.ts'
import { type PurserOptions, startPurserProcess } from './purser-process.ts'
import { contestTable, type Table } from './report.ts'
import { telemetryTable } from './telemetry-cost.ts'

export interface PayingOptions {
  readonly field: Field
  readonly peers: readonly Peer[]
  readonly drivers: Drivers
  readonly effort: Effort
  /** The built program, and where its files go. */
  readonly main: string
  readonly folder: string
  readonly wanted: (name: string) => boolean
}

const AGENTS = [32, 1, 256]
/** Of the token; a payment takes 1,000. */
const FUNDS_ATOMIC = 10n ** 15n

export async function paying(options: PayingOptions): Promise<Outcome> {
  const outcomes: Outcome[] = []
  if (options.wanted('paid')) outcomes.push(await payments(options))
  if (options.wanted('refusals')) outcomes.push(await contests(options, [32], (field) => refusals(field, { peers: options.peers })))
  if (options.wanted('costs')) outcomes.push(await costs(options))
  return { tables: outcomes.flatMap(({ tables }) => tables), scores: outcomes.flatMap(({ scores }) => scores) }
}

async function payments(options: PayingOptions): Promise<Outcome> {
  await using started = new AsyncDisposableStack()
  const server = started.use(await startPostgres({ settings: { shared_buffers: '128MB' } }))
  const url = await server.createDatabase()
  const keys = started.use(await makeSharedKeys())
  const postgres = await variant(options, started, { name: 'Purser, PostgreSQL', changes: { ...keys.config, ledger: url } })
  const preemptive = await preemptiveVariant(options, started)
  const workers = await variant(options, started, { name: 'Purser, 2 workers', changes: { proxy: { workers: 2 } }, cores: 'all' })
  const outcome = await contests(options, AGENTS, (field) => paid(field, { variants: [preemptive, postgres, workers] }))
  return { ...outcome, tables: [...outcome.tables, await aheadTable(preemptive)] }
}

/** Paying with the first attempt wants a chain to ask, on which the wallet has the money. */
async function preemptiveVariant(options: PayingOptions, started: AsyncDisposableStack): Promise<Variant> {
  const chain = started.use(await startChain())
  const key = generatePrivateKey()
  await chain.fund(privateKeyToAddress(key), FUNDS_ATOMIC)
  const keyFile = join(options.folder, 'pre-emptive.key')
  await writeFile(keyFile, key, { mode: 0o600 })
  const wallet = { kind: 'local', key: `file:${keyFile}` }
  const networks = [{ id: 'base-sepolia', rpc: chain.rpcUrl }]
  return variant(options, started, { name: 'Purser, pre-emptive', changes: { preemptive: { after: 2 }, networks, wallet } })
}

/** Whether the row above is what its name says. */
async function aheadTable({ purser }: Variant): Promise<Table> {
  const text = await (await fetch(new URL('/metrics', purser.adminUrl))).text()
  const counted = [...text.matchAll(/^purser_preemptive_total\{outcome="(\w+)"\} (\d+)/gm)].map(([, outcome = '', count = '']) => [
    outcome,
    count,
  ])
  return { rows: [['payments with the first attempt', 'how many'], ...counted] }
}

/** One more Purser, with a session for each agent. */
async function variant(
  { field, main, folder }: PayingOptions,
  started: AsyncDisposableStack,
  { name, ...more }: { readonly name: string } & Pick<PurserOptions, 'changes' | 'cores'>,
): Promise<Variant> {
  const file = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')
  const purser = started.use(await startPurserProcess({ main, folder, origin: field.origin, caFile: field.tls.ca, name: file, ...more }))
  return { name, purser, sessions: await purser.openSessions(field.sessions.length) }
}

async function contests(
  { field, drivers, effort }: PayingOptions,
  connections: readonly number[],
  make: (field: Field) => Promise<Contest>,
): Promise<Outcome> {
  await using started = new AsyncDisposableStack()
  const contest = await make({ ...field, started })
  const tables: Table[] = []
  const scores: Score[] = []
  const { settling_ms, ...rest } = effort
  for (const [at, count] of connections.entries()) {
    const held = await hold({ contest, connections: count, drivers, ...rest, ...(at === 0 ? { settling_ms } : {}) })
    scores.push(...held)
    tables.push(contestTable(contest, held))
  }
  return { tables, scores }
}

/** The same program with and without its log, and the telemetry of one exchange by itself. */
async function costs(options: PayingOptions): Promise<Outcome> {
  await using started = new AsyncDisposableStack()
  const silent = await variant(options, started, { name: 'Purser, no log', changes: { log: { level: 'silent' } } })
  const title = 'cost of the log, reverse'
  const { tables, scores } = await contests(options, [32], async (field) => {
    const contest = await reverse(field, { variants: [silent] })
    return { ...contest, title, contenders: contest.contenders.filter(({ name }) => name.startsWith('Purser')) }
  })
  return { tables: [...tables, telemetryTable()], scores }
}
