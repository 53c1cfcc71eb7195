/** Ledgers that are measured against each other: the same code with and without group commit, and a plain statement each. */
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import postgres from 'postgres'
import { z } from 'zod'
import { randomIds, systemClock } from '../../src/clock.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { openPostgresLedger } from '../../src/ledger/postgres.ts'
import { openDatabase } from '../../src/ledger/sqlite/database.ts'
import { Pending } from '../../src/ledger/sqlite/pending.ts'
import { composeLedger, openSqliteLedger } from '../../src/ledger/sqlite.ts'
import type { PostgresServer } from '../postgres/server.ts'
import { familyTime_ms } from './processes.ts'

export type Kind = 'sqlite' | 'postgres'

/** A ledger on a real disk, with a way to write into its tables past it. */
export interface Bed extends AsyncDisposable {
  readonly kind: Kind
  readonly ledger: Ledger
  /** Statements of SQL, without parameters. */
  readonly execute: (sql: string) => Promise<void>
  readonly rows: (sql: string) => Promise<readonly Record<string, unknown>[]>
  /** Runs what fills many rows, as fast as can be, and leaves all of it on the disk, at rest. */
  readonly bulk: (work: () => Promise<void>) => Promise<void>
  readonly serverPid: number | undefined
}

/** Milliseconds of processor time that this process and the bed's server have used so far. */
export function cpuOf({ serverPid }: Pick<Bed, 'serverPid'>): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000 + (serverPid === undefined ? 0 : familyTime_ms(serverPid))
}

export interface BedOptions {
  readonly folder: string
  /** Each operation has a transaction of its own. */
  readonly oneEach: boolean
}

const basis = { clock: systemClock, ids: randomIds }

export async function sqliteBed({ folder, oneEach }: BedOptions): Promise<Bed> {
  const place = await mkdtemp(join(folder, 'purser-ledger-'))
  const file = join(place, 'ledger.db')
  const runId = randomIds('run')
  // What would be gathered until the end of the turn is committed at once; notes ride along as ever.
  const schedule = (run: () => void, delay_ms: number) => {
    if (delay_ms === 0) {
      run()
      return () => undefined
    }
    const timer = setTimeout(run, delay_ms).unref()
    return () => clearTimeout(timer)
  }
  const db = openDatabase(file)
  const pending = new Pending()
  const ledger = await composeLedger(db, { ...basis, runId, pending, ...(oneEach && { schedule }) })
  return {
    ...{ kind: 'sqlite', ledger },
    execute: async (sql) => db.exec(sql),
    rows: async (sql) => db.prepare(sql).all(),
    bulk: async (work) => {
      const { cache_size } = z.object({ cache_size: z.bigint() }).parse(db.prepare('PRAGMA cache_size').get())
      db.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; PRAGMA cache_size = -4194304')
      await work()
      // What was filled in past the ledger is not what it remembers.
      pending.forget()
      db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA cache_size = ${cache_size}`)
      db.exec('PRAGMA shrink_memory')
    },
    serverPid: undefined,
    [Symbol.asyncDispose]: async () => {
      await ledger[Symbol.asyncDispose]()
      await rm(place, { recursive: true })
    },
  }
}

export async function postgresBed(server: PostgresServer, { oneEach }: Pick<BedOptions, 'oneEach'>): Promise<Bed> {
  const url = await server.createDatabase()
  const options = { url, runId: randomIds('run'), instance: null, unsafeAsyncReplication: true }
  const ledger = await openPostgresLedger({ ...basis, ...options, ...(oneEach && { atOnce: 1 }) })
  const sql = postgres(url, { max: 1, onnotice: () => undefined, connection: { search_path: 'purser' } })
  return {
    ...{ kind: 'postgres', ledger },
    execute: async (text) => void (await sql.unsafe(text)),
    rows: (text) => sql.unsafe(text),
    bulk: async (work) => {
      await sql.unsafe('SET synchronous_commit = off')
      await work()
      await sql.unsafe('VACUUM ANALYZE')
      await sql.unsafe('CHECKPOINT')
    },
    serverPid: server.pid,
    [Symbol.asyncDispose]: async () => {
      await sql.end()
      await ledger[Symbol.asyncDispose]()
    },
  }
}

/** What one would write without a ledger: a balance that one statement each takes from, over many connections. */
export interface PlainStatement extends AsyncDisposable {
  reserve(row: number): Promise<void>
}

export async function plainStatement(
  server: PostgresServer,
  { connections, rows }: { readonly connections: number; readonly rows: number },
): Promise<PlainStatement> {
  const sql = postgres(await server.createDatabase(), { max: connections, onnotice: () => undefined })
  await sql.unsafe(`
    CREATE TABLE balances (id bigint PRIMARY KEY, cap bigint NOT NULL, held bigint NOT NULL DEFAULT 0) WITH (fillfactor = 50);
    INSERT INTO balances SELECT n, 1000000000000, 0 FROM generate_series(0, ${rows - 1}) AS n`)
  return {
    reserve: async (row) => {
      const updated = await sql`UPDATE balances SET held = held + 1000 WHERE id = ${row} AND held + 1000 <= cap RETURNING held`
      if (updated.length !== 1) throw new Error('the balance is used up')
    },
    [Symbol.asyncDispose]: () => sql.end(),
  }
}

/** Opens a file that is there already, to see what a process makes of it. */
export function reopened(file: string): Promise<Ledger> {
  return openSqliteLedger({ ...basis, file, runId: randomIds('run') })
}
