/** Statements against a real server: one database with the schema for a file, empty again for each test. */
import { afterAll, beforeAll } from 'vitest'
import { flushOf } from '../../../src/ledger/postgres/flush.ts'
import { send } from '../../../src/ledger/postgres/line.ts'
import { type ColumnTypes, readColumnTypes, type Statement } from '../../../src/ledger/postgres/statement.ts'
import type { Row, RowChange, TableName } from '../../../src/ledger/postgres/store.ts'
import { migratedConnection } from '../../postgres/bench.ts'
import { type PostgresServer, startPostgres } from '../../postgres/server.ts'

/** One server for a file; what is written need not outlive it. */
export function sharedServer(): () => PostgresServer {
  let server: PostgresServer | undefined
  beforeAll(async () => {
    server = await startPostgres({ settings: { fsync: 'off' } })
  })
  afterAll(async () => server?.[Symbol.asyncDispose]())
  return () => {
    if (!server) throw new Error('the server is not started')
    return server
  }
}

/** Answers the database of the file, without a row. */
export function sharedDatabase(): () => Promise<Database> {
  const server = sharedServer()
  let database: Promise<Database> | undefined
  afterAll(async () => (await database)?.connection.close())
  return async () => {
    database ??= databaseOn(server())
    const { connection } = await database
    await connection.sql.unsafe(WIPE)
    return database
  }
}

export type Database = Awaited<ReturnType<typeof databaseOn>>

async function databaseOn(server: PostgresServer) {
  const url = await server.createDatabase()
  const connection = await migratedConnection(url)
  const types: ColumnTypes = await readColumnTypes(connection.sql)
  const ask = async (statement: Statement): Promise<readonly Row[]> => [...(await send({ connection, types }, statement)).rows]
  return {
    url,
    connection,
    types,
    ask,
    /** Each statement by itself, as the adapter sends them in a transaction. */
    async write(...changes: RowChange[]): Promise<void> {
      for (const statement of flushOf(changes, types)) await ask(statement)
    },
  }
}

/**
 * How the one plan of this statement finds rows of the table, for all its keys and over a table that was empty when it was
 * made: the line that follows each scan.
 */
export async function scansOf({ connection }: Database, table: TableName, { sql, values }: Statement): Promise<readonly string[]> {
  await connection.sql.unsafe(`VACUUM ANALYZE ${table}`)
  const plan = await connection.transact(async (client) => {
    const off = "name IN ('enable_seqscan', 'enable_hashjoin', 'enable_mergejoin')"
    await client.unsafe(`SELECT set_config(name, 'off', true) FROM pg_settings WHERE ${off}`)
    await client.unsafe("SET LOCAL plan_cache_mode TO 'force_generic_plan'")
    await client.unsafe(`PREPARE planned AS ${sql}`)
    const told = await client.unsafe(`EXPLAIN EXECUTE planned(${values.map(literal).join()})`)
    await client.unsafe('DEALLOCATE planned')
    return told.map((line) => String(line['QUERY PLAN']))
  })
  return plan.flatMap((line, at) => (/ on (\w+)/.exec(line)?.[1] === table && line.includes('Scan') ? [plan[at + 1] ?? ''] : []))
}

function literal(value: Statement['values'][number]): string {
  return Array.isArray(value) ? `'{${value.map((one) => JSON.stringify(one)).join()}}'` : `'${String(value)}'`
}

/** A change that puts in a row. */
export function putting(table: RowChange['table'], row: RowChange['row']): RowChange {
  return { kind: 'insert', table, row }
}

const WIPE = [
  ...['payments', 'sessions', 'session_counts', 'spending', 'rolling', 'rolling_heads', 'pins', 'dealings', 'receipts', 'refunds'],
  ...['kept_answers', 'meta', 'halts', 'admin_tokens', 'lanes', 'runs'],
]
  .map((table) => `DELETE FROM ${table}`)
  .join(';')
