/** Statements against a real server: one database with the schema for a file, empty again for each test. */
import { afterAll, beforeAll } from 'vitest'
import { flushOf } from '../../../src/ledger/postgres/flush.ts'
import { send } from '../../../src/ledger/postgres/line.ts'
import { type ColumnTypes, readColumnTypes, type Statement } from '../../../src/ledger/postgres/statement.ts'
import type { Row, RowChange } from '../../../src/ledger/postgres/store.ts'
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

/** A change that puts in a row. */
export function putting(table: RowChange['table'], row: RowChange['row']): RowChange {
  return { kind: 'insert', table, row }
}

const WIPE = [
  ...['payments', 'sessions', 'spending', 'rolling', 'rolling_heads', 'pins', 'dealings', 'receipts', 'refunds'],
  ...['kept_answers', 'meta', 'halts', 'admin_tokens', 'lanes', 'runs'],
]
  .map((table) => `DELETE FROM ${table}`)
  .join(';')
