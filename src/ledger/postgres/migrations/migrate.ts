/**
 * Migrations: numbered, forward only, each in a transaction of its own, one replica at a time.
 *
 * An older program goes on beside a newer one during a rolling upgrade, so a migration only adds: tables, indexes, and
 * columns that are nullable or have a default. It renames, removes and narrows nothing that a released program uses.
 * Where that cannot be, it is `breaking`: a program that does not know it refuses to start, and those that run are
 * stopped before. A large table gets its index in a migration of its own, because it is locked while that is built.
 */
import type { Sql } from 'postgres'
import * as z from 'zod'
import { refused } from '../../../errors.ts'
import { initial } from './0001-initial.ts'
import { replacedPayments } from './0002-replaced-payments.ts'
import { archive } from './0003-archive.ts'
import { channels } from './0004-channels.ts'
import { fundings } from './0005-fundings.ts'

export interface Migration {
  readonly name: string
  readonly sql: string
  /** Programs that do not know it must not run beside it. */
  readonly breaking: boolean
}

/** In order; the place in the list, from 1, is the number. Entries are never changed or removed once released. */
export const MIGRATIONS: readonly Migration[] = [
  { name: 'initial', sql: initial, breaking: true },
  // Breaking: a program that does not know it would read no nonce where one was reused.
  { name: 'replaced-payments', sql: replacedPayments, breaking: true },
  // Breaking: a program that does not know it would take what has left for lost.
  { name: 'archive', sql: archive, breaking: true },
  // Breaking: a program that does not know it would count vouchers as money once more.
  { name: 'channels', sql: channels, breaking: true },
  { name: 'fundings', sql: fundings, breaking: false },
]

/** Any number that nobody else locks in the same database. */
const LOCK = 5_202_699_184
/** Building an index over a large ledger takes longer than any statement of a payment may. */
const PATIENCE = 'SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0'

const appliedRows = z.array(z.object({ number: z.bigint(), name: z.string(), breaking: z.boolean() }))
type Applied = z.infer<typeof appliedRows>

/**
 * Brings the schema up to date; whoever comes second waits for the first and finds it done.
 * @param sql A connection of its own that may make the schema, with whole numbers as bigint.
 * @throws PurserError `ledger_unavailable` where a newer program has made it incompatible: it is left untouched.
 */
export async function migrate(sql: Sql<{ bigint: bigint }>, schema: string, migrations: readonly Migration[] = MIGRATIONS): Promise<void> {
  if (await isCurrent(sql, schema, migrations)) return
  await locked(sql, async () => {
    await sql.unsafe(`CREATE SCHEMA IF NOT EXISTS ${schema}`)
    await sql.unsafe(`CREATE TABLE IF NOT EXISTS ${schema}.migrations (
      number bigint PRIMARY KEY, name text NOT NULL, breaking boolean NOT NULL, applied_at timestamptz NOT NULL DEFAULT clock_timestamp())`)
  })
  for (let number = 1; number <= migrations.length; number++) await locked(sql, () => apply(sql, { schema, migrations, number }))
}

/** True where nothing is left to do, so that a program whose role may not change the schema starts beside one that has. */
async function isCurrent(sql: Sql<{ bigint: bigint }>, schema: string, migrations: readonly Migration[]): Promise<boolean> {
  const [found] = await sql.unsafe(`SELECT to_regclass('${schema}.migrations') IS NOT NULL AS present`)
  if (found?.present !== true) return false
  const applied = await readApplied(sql, schema)
  check(applied, migrations)
  return applied.length >= migrations.length
}

interface Step {
  readonly schema: string
  readonly migrations: readonly Migration[]
  readonly number: number
}

async function apply(sql: Sql<{ bigint: bigint }>, { schema, migrations, number }: Step): Promise<void> {
  const applied = await readApplied(sql, schema)
  check(applied, migrations)
  const migration = migrations[number - 1]
  if (applied.length >= number || migration === undefined) return
  await sql.unsafe(`SET LOCAL search_path TO ${schema}; ${migration.sql}`)
  await sql.unsafe(`INSERT INTO ${schema}.migrations (number, name, breaking) VALUES ($1, $2, $3)`, [
    number,
    migration.name,
    migration.breaking,
  ])
}

async function readApplied(sql: Sql<{ bigint: bigint }>, schema: string): Promise<Applied> {
  return appliedRows.parse([...(await sql.unsafe(`SELECT number, name, breaking FROM ${schema}.migrations ORDER BY number`))])
}

/** Additions of a newer program are no reason to stop; what it broke is. */
function check(applied: Applied, migrations: readonly Migration[]): void {
  const strange = applied.find(({ name }, index) => index < migrations.length && migrations[index]?.name !== name)
  const broken = applied.slice(migrations.length).find(({ breaking }) => breaking)
  const wrong = strange ?? broken
  if (wrong === undefined) return
  const known = `this program knows ${migrations.length}`
  const detail = `The ledger has migration ${wrong.number} (${wrong.name}), which is not this program’s; ${known}. A newer Purser made it: start that one. Nothing was changed.`
  throw refused('ledger_unavailable', detail)
}

/** A transaction that no other program's migration runs beside. */
async function locked(sql: Sql<{ bigint: bigint }>, work: () => Promise<void>): Promise<void> {
  await sql.unsafe(`BEGIN; ${PATIENCE}`)
  try {
    await sql.unsafe(`SELECT pg_advisory_xact_lock(${LOCK})`)
    await work()
    await sql.unsafe('COMMIT')
  } catch (cause) {
    await sql.unsafe('ROLLBACK')
    throw cause
  }
}
