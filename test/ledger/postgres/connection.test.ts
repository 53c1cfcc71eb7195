import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { DatabaseFault } from '../../../src/ledger/postgres/faults.ts'
import { LEDGER_ANSWER_TIMEOUT_MS, LEDGER_TIMEOUT_MS } from '../../../src/limits.ts'
import { connectionTo, migratedConnection } from '../../postgres/bench.ts'
import { startPair } from '../../postgres/pair.ts'
import { type PostgresServer, startPostgres } from '../../postgres/server.ts'

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server[Symbol.asyncDispose]())

async function stage() {
  const url = await server.createDatabase()
  const connection = await migratedConnection(url)
  return { url, connection, [Symbol.asyncDispose]: () => connection.close() }
}

const INSERT = "INSERT INTO meta (key, value) VALUES ('a', 'b')"

describe('a connection', () => {
  it('commits durably before it acknowledges, and gives up what hangs, whatever the role’s defaults say', async () => {
    const url = await server.createDatabase()
    await server.query(`ALTER DATABASE ${url.split('/').at(-1)} SET synchronous_commit = off`)
    const connection = await connectionTo(url)
    const [row] = await connection.sql.unsafe(`SELECT current_setting('synchronous_commit') AS commits,
      current_setting('statement_timeout') AS statement, current_setting('lock_timeout') AS lock,
      current_setting('idle_in_transaction_session_timeout') AS idle, current_setting('search_path') AS path,
      current_setting('application_name') AS name`)
    const patience = `${LEDGER_TIMEOUT_MS / 1000}s`
    expect(row).toEqual({ commits: 'on', statement: patience, lock: patience, idle: patience, path: 'purser', name: 'test' })
    await connection.close()
  })

  it('keeps a stronger promise that the server makes by itself', async () => {
    const url = await server.createDatabase()
    await server.query(`ALTER DATABASE ${url.split('/').at(-1)} SET synchronous_commit = remote_apply`)
    const connection = await connectionTo(url)
    expect(await connection.sql.unsafe('SHOW synchronous_commit')).toMatchObject([{ synchronous_commit: 'remote_apply' }])
    await connection.close()
  })

  it('reads whole numbers of 64 bits without loss', async () => {
    await using here = await stage()
    const [row] = await here.connection.sql.unsafe('SELECT 9223372036854775807::bigint AS n')
    expect(row).toEqual({ n: 9_223_372_036_854_775_807n })
  })

  it('is never opened again by itself: behind the name another server may stand', async () => {
    await using here = await stage()
    const { connection } = here
    await server.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'test'`)
    await expect(connection.sql.unsafe('SELECT 1')).rejects.toThrow()
    await vi.waitFor(() => expect(connection.lost).toBe(true))
    await expect(connection.sql.unsafe('SELECT 1')).rejects.toThrow()
    await expect(connection.sql.unsafe('SELECT 1')).rejects.toThrow()
    expect(await server.query(`SELECT 1 FROM pg_stat_activity WHERE application_name = 'test'`)).toEqual([])
  })

  it('is given up where no answer comes at all', async () => {
    await using here = await stage()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const answer = here.connection.within(here.connection.sql.unsafe('SELECT pg_sleep(60)'))
    const failed = expect(answer).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' })
    vi.advanceTimersByTime(LEDGER_ANSWER_TIMEOUT_MS)
    vi.useRealTimers()
    await failed
    expect(here.connection.lost).toBe(true)
  })

  it('that breaks at once, whenever that is, fails and nothing else', async () => {
    const breaking = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.resetAndDestroy()
    })
    const listening = Promise.withResolvers<void>()
    breaking.listen(0, '127.0.0.1', listening.resolve)
    await listening.promise
    const address = breaking.address()
    const url = `postgres://u@127.0.0.1:${typeof address === 'object' ? address?.port : 0}/l`
    const outcomes = await Promise.allSettled(Array.from({ length: 50 }, () => connectionTo(url)))
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toEqual([])
    expect(outcomes.every((outcome) => outcome.status === 'rejected' && outcome.reason instanceof DatabaseFault)).toBe(true)
    breaking.close()
  })

  it('asks nothing by itself: where that failed nobody would hear of it, and the process would end', async () => {
    await using here = await stage()
    const sent: Buffer[] = []
    const { hostname, port } = new URL(here.url)
    const relay = createServer((socket) => {
      const server = connect(Number(port), hostname)
      socket.on('data', (bytes) => sent.push(bytes)).pipe(server)
      server.pipe(socket)
    })
    relay.listen(0, '127.0.0.1')
    await once(relay, 'listening')
    const connection = await connectionTo(here.url.replace(`:${port}/`, `:${(relay.address() as AddressInfo).port}/`))
    await connection.sql.unsafe('SELECT 1')
    await connection.close()
    relay.close()
    const asked = Buffer.concat(sent).toString('latin1')
    expect([asked.includes('SET search_path'), asked.includes('pg_type')]).toEqual([true, false])
  })

  it('to a port where nobody listens fails with the reason', async () => {
    const fault = await connectionTo('postgres://u@127.0.0.1:1/l').catch((cause: unknown) => cause)
    expect(fault).toBeInstanceOf(DatabaseFault)
    expect(fault).toMatchObject({ code: 'ECONNREFUSED' })
  })

  it('to a database that is not there fails with the reason', async () => {
    await expect(connectionTo(server.url('nowhere'))).rejects.toMatchObject({ code: '3D000', message: 'database "nowhere" does not exist' })
  })
})

describe('a commit', () => {
  it('is certain when the server has said so', async () => {
    await using here = await stage()
    const { connection } = here
    void connection.sql.unsafe('BEGIN').execute()
    void connection.sql.unsafe(INSERT).execute()
    expect(await connection.commit()).toEqual({ kind: 'committed' })
    expect(await server.query('SELECT value FROM purser.meta', here.url.split('/').at(-1))).toEqual([{ value: 'b' }])
  })

  it('of a transaction in which something failed is none, though the server answers it without an error', async () => {
    await using here = await stage()
    const { connection } = here
    await connection.sql.unsafe(INSERT)
    void connection.sql.unsafe('BEGIN').execute()
    const failed = expect(connection.sql.unsafe(INSERT).execute()).rejects.toMatchObject({ code: '23505' })
    expect(await connection.commit()).toEqual({ kind: 'rolled_back', cause: undefined })
    await failed
  })

  it('whose connection is lost is unknown', async () => {
    await using here = await stage()
    const { connection } = here
    await connection.sql.unsafe('BEGIN')
    await server.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'test'`)
    expect(await connection.commit()).toMatchObject({ kind: 'unknown', why: expect.stringContaining('lost while it was committed') })
  })

  it('that the server answered, but no standby has, is unknown', async () => {
    await using pair = await startPair({ synchronous: true, settings: { fsync: 'off' } })
    const connection = await migratedConnection(pair.primary.url())
    await pair.standby.stop('immediate')
    await connection.sql.unsafe('BEGIN')
    await connection.sql.unsafe(INSERT)
    const outcome = connection.commit()
    await untilCancelled(pair.primary)
    expect(await outcome).toEqual({ kind: 'unknown', why: 'the server stopped waiting for its standby', cause: undefined })
    await connection.close()
  })
})

describe('a transaction', () => {
  it('that fails is taken back, and the connection goes on', async () => {
    await using here = await stage()
    const { connection } = here
    const failed = connection.transact(async (sql) => {
      await sql.unsafe(INSERT)
      await sql.unsafe('SELECT 1 / 0')
    })
    await expect(failed).rejects.toMatchObject({ name: 'DatabaseFault', code: '22012' })
    expect(await connection.transact((sql) => sql.unsafe('SELECT count(*) AS n FROM meta'))).toMatchObject([{ n: 0n }])
  })
})

/** An operator cancels the commit that waits for the standby. */
async function untilCancelled(primary: PostgresServer): Promise<void> {
  const cancelled = await primary.query("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
  if (cancelled.length === 0) await untilCancelled(primary)
}
