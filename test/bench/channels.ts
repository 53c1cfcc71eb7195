/** Vouchers against payments one by one: the same program with the same ledger, asked in turn for what is sold either way. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { startPostgres } from '../postgres/server.ts'
import { makeSharedKeys } from '../shared-keys.ts'
import { type Chain, startChain } from '../testnet/chain.ts'
import { type Contest, vouchers } from './contests.ts'
import { hold, type Score } from './measure.ts'
import type { Outcome } from './pass-through.ts'
import type { PayingOptions } from './paying.ts'
import { type PurserOptions, startPurserProcess } from './purser-process.ts'
import { contestTable, type Table } from './report.ts'

type Options = Pick<PayingOptions, 'field' | 'drivers' | 'effort' | 'main' | 'folder'>

const AGENTS = [32, 1]
/** Of the token; each agent's channel takes $1,000 of it once, and each voucher 1,000 units of that. */
const FUNDS_ATOMIC = 10n ** 15n
const CHANNELS = { deposit: '1000', maxDeposit: '1000', maxWithdrawDelay: '1h' }
const TIERS = [
  {
    name: 'autonomous',
    conditions: { maxAmount: '1000', categories: ['api_calls'], recipientTrust: 'verified', frequency: { max: 100_000_000, per: '1h' } },
    approval: 'none',
  },
]

/** One table for each ledger and number of agents. */
export async function channels(options: Options): Promise<Outcome> {
  await using started = new AsyncDisposableStack()
  const chain = started.use(await startChain())
  const server = started.use(await startPostgres({ settings: { shared_buffers: '128MB' } }))
  const { keys } = started.use(await makeSharedKeys()).config
  const sqlite = await contestOn(options, { name: 'SQLite', chain, changes: {} })
  const postgres = await contestOn(options, { name: 'PostgreSQL', chain, changes: { keys, ledger: await server.createDatabase() } })
  return { tables: [...sqlite.tables, ...postgres.tables], scores: [...sqlite.scores, ...postgres.scores] }
}

interface Plan {
  readonly name: string
  readonly chain: Chain
  readonly changes: NonNullable<PurserOptions['changes']>
}

/** A deposit is said to be on the chain and is not: a minute is over before anybody looks. */
async function contestOn({ field, drivers, effort, main, folder }: Options, { name, chain, changes }: Plan): Promise<Outcome> {
  await using started = new AsyncDisposableStack()
  const file = `channels-${name.toLowerCase()}`
  const key = generatePrivateKey()
  await chain.fund(privateKeyToAddress(key), FUNDS_ATOMIC)
  const keyFile = join(folder, `${file}.key`)
  await writeFile(keyFile, key, { mode: 0o600 })
  const wallet = { kind: 'local', key: `file:${keyFile}` }
  const networks = [{ id: 'base-sepolia', rpc: chain.rpcUrl }]
  const common = { main, folder, origin: field.origin, caFile: field.tls.ca, name: file }
  const purser = started.use(
    await startPurserProcess({ ...common, changes: { networks, wallet, channels: CHANNELS, tiers: TIERS, ...changes } }),
  )
  const sessions = await purser.openSessions(Math.max(...AGENTS))
  const outcome = await measured({ contest: vouchers(field, { name, purser, sessions }), drivers, effort })
  return outcome
}

type Measured = Pick<Options, 'drivers' | 'effort'> & { readonly contest: Contest }

async function measured({ contest, drivers, effort }: Measured): Promise<Outcome> {
  const { settling_ms, ...rest } = effort
  const scores: Score[] = []
  const tables: Table[] = []
  for (const [at, connections] of AGENTS.entries()) {
    const held = await hold({ contest, connections, drivers, ...rest, ...(at === 0 ? { settling_ms } : {}) })
    scores.push(...held)
    tables.push(contestTable(contest, held))
  }
  return { tables, scores }
}
