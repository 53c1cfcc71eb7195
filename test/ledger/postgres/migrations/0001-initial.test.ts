import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Connection } from '../../../../src/ledger/postgres/connection.ts'
import { migrate as migrateSqlite } from '../../../../src/ledger/sqlite/migrations/migrate.ts'
import { migratedConnection } from '../../../postgres/bench.ts'
import { type PostgresServer, startPostgres } from '../../../postgres/server.ts'

let server: PostgresServer
let connection: Connection
beforeAll(async () => {
  server = await startPostgres()
  connection = await migratedConnection(await server.createDatabase())
})
afterAll(async () => {
  await connection.close()
  await server[Symbol.asyncDispose]()
})

const SESSION = `INSERT INTO sessions (id, token_hash, agent, purpose, currency, cap, spent, held, created_at, expires_at, limits, scope,
  networks, assets, owner, single_use, labels, chain_hash)
  VALUES ('ses_1', 'h', 'a', 'p', 'USD', 100, $1, $2, 0, 0, '{}', '{}', '[]', '[]', 'o', 0, '{}', '')`
const PAYMENT = `INSERT INTO payments (id, run_id, session_id, agent, state, request_id, method, url, origin, host, challenge_digest, tier, rule,
  reason, policy_version, categories, challenged_at, decided_at, nonce, purchase_open, key_digest, fingerprint)
  VALUES ($1, 'r', 's', 'a', 'reserved', 'q', 'GET', 'u', 'o', 'h', 'd', 't', 'r', 'r', 'v', '[]', 0, 0, $2, 1, $3, 'f')`

/** Only in PostgreSQL, because only there several processes write. */
const SHARED = ['changes', 'lanes', 'migrations', 'rolling_heads', 'runs']
const SHARED_COLUMNS = ['session_counts.slot', 'sessions.exhausted']

describe('the first schema', () => {
  it('has the tables and columns of the SQLite adapter’s, and those that several processes need', async () => {
    const db = new DatabaseSync(':memory:', { readBigInts: true })
    migrateSqlite(db)
    const sqlite = db
      .prepare("SELECT m.name || '.' || c.name AS name FROM sqlite_schema AS m, pragma_table_info(m.name) AS c WHERE m.type = 'table'")
      .all()
      .map(({ name }) => String(name))
    db.close()
    const rows = await connection.sql.unsafe(
      `SELECT table_name || '.' || column_name AS name, table_name FROM information_schema.columns WHERE table_schema = 'purser'`,
    )
    const own = rows.filter(({ table_name }) => !SHARED.includes(table_name)).map(({ name }) => String(name))
    expect(own.sort()).toEqual([...sqlite, ...SHARED_COLUMNS].sort())
    expect([...new Set(rows.map(({ table_name }) => table_name))]).toEqual(expect.arrayContaining(SHARED))
  })

  it('lets nobody spend or hold more than the cap, whatever the code decides', async () => {
    const overspent = connection.transact((sql) => sql.unsafe(SESSION, [60, 41]))
    await expect(overspent).rejects.toMatchObject({ code: '23514' })
    await expect(connection.transact((sql) => sql.unsafe(SESSION, [-1, 0]))).rejects.toMatchObject({ code: '23514' })
    await expect(connection.transact((sql) => sql.unsafe(SESSION, [60, 40]))).resolves.toBeDefined()
  })

  it('lets nobody use a nonce twice, or open two purchases under one key', async () => {
    await connection.transact((sql) => sql.unsafe(PAYMENT, ['pay_1', '0x1', 'k']))
    await expect(connection.transact((sql) => sql.unsafe(PAYMENT, ['pay_2', '0x1', null]))).rejects.toMatchObject({ code: '23505' })
    await expect(connection.transact((sql) => sql.unsafe(PAYMENT, ['pay_3', '0x3', 'k']))).rejects.toMatchObject({ code: '23505' })
    await expect(connection.transact((sql) => sql.unsafe(PAYMENT, ['pay_4', '0x4', null]))).resolves.toBeDefined()
  })

  it('writes receipts only at the end of a chain', async () => {
    const receipt = (number: number) =>
      connection.transact((sql) =>
        sql.unsafe(
          "INSERT INTO receipts (session_id, number, id, payment_id, agent, kind, at, body, hash) VALUES ('s', $1, '', '', '', '', 0, '', '')",
          [number],
        ),
      )
    await receipt(1)
    await expect(receipt(1)).rejects.toMatchObject({ code: '23505' })
  })
})
