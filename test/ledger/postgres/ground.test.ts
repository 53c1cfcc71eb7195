import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Change } from '../../../src/ledger/ledger.ts'
import { announce } from '../../../src/ledger/postgres/changes.ts'
import { openHighMark } from '../../../src/ledger/postgres/mark.ts'
import { RUN_HEARTBEAT_MS, RUN_TIMEOUT_MS } from '../../../src/limits.ts'
import { groundOn, writeOn } from '../../postgres/bench.ts'
import { type PostgresServer, startPostgres } from '../../postgres/server.ts'

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server[Symbol.asyncDispose]())

const databaseOf = (url: string) => url.split('/').at(-1)

describe('the ground', () => {
  it('is ready on an empty database, and hands out connections that may write', async () => {
    await using here = await groundOn(await server.createDatabase())
    const connection = await here.ground.connect()
    expect(await writeOn(connection, { runId: 'run_1', lane: 0, number: 1 })).toBe(true)
    expect(here.ground.fault).toBeUndefined()
    expect(here.told).toEqual([])
    await connection.close()
  })

  it('goes from host to host until one can be written to, and tells of each why not', async () => {
    const url = await server.createDatabase()
    const elsewhere = url.replace('127.0.0.1', '127.0.0.1:1,127.0.0.1')
    await using here = await groundOn(elsewhere)
    const connection = await here.ground.connect()
    expect(connection.host.port).toBe(server.port)
    await connection.close()
    await expect(groundOn('postgres://u@127.0.0.1:1,127.0.0.1:2/l')).rejects.toThrow(
      /no server that may be written to.*127\.0\.0\.1:1: connect ECONNREFUSED.*127\.0\.0\.1:2: connect ECONNREFUSED/,
    )
  })

  it('is refused on a server that may lose what it acknowledges, and says what to do', async () => {
    const url = await server.createDatabase()
    await server.query("SELECT pg_create_physical_replication_slot('replica')")
    await expect(groundOn(url)).rejects.toThrow(/waits for no standby.*unsafeAsyncReplication/)
    {
      await using here = await groundOn(url, { unsafeAsyncReplication: true })
      expect(here.told).toEqual([expect.stringContaining('replication slot replica')])
      expect(here.ground.fault).toBeUndefined()
    }
    await server.query("SELECT pg_drop_replication_slot('replica')")
  })

  it('gives way when its server begins to lose what it acknowledges, and comes back when that is mended', async () => {
    await using here = await groundOn(await server.createDatabase())
    await server.query("SELECT pg_create_physical_replication_slot('later')")
    await here.ground.refresh()
    expect(here.ground.fault).toMatch(/waits for no standby.*Nothing is paid until that is mended/)
    await expect(here.ground.connect()).rejects.toThrow('waits for no standby')
    await server.query("SELECT pg_drop_replication_slot('later')")
    await here.ground.refresh()
    expect(here.ground.fault).toBeUndefined()
  })

  it('tells at once why nothing can be paid while its server is away, and how long it was not reached', async () => {
    await using own = await startPostgres()
    await using here = await groundOn(own.url())
    await own.kill()
    await here.ground.refresh()
    expect(here.ground.fault).toBeDefined()
    await here.ground.refresh()
    expect(here.ground.fault).toContain('no server that may be written to')
    here.clock.advance(RUN_TIMEOUT_MS)
    expect(here.ground.fault).toContain(`was not reached for ${RUN_TIMEOUT_MS / 1000} s`)
    await own.restart()
    await here.ground.refresh()
    expect(here.ground.fault).toBeUndefined()
    expect(here.told).toEqual([expect.any(String), `The ledger’s server is reached again: 127.0.0.1:${own.port}.`])
  })

  it('declares ended whom it has not heard of, and says so to whoever takes over', async () => {
    const url = await server.createDatabase()
    await using here = await groundOn(url)
    await server.query("INSERT INTO purser.runs (id, started_at, heartbeat_at) VALUES ('run_9', 0, 0)", databaseOf(url))
    for (let waited = 0; waited <= RUN_TIMEOUT_MS; waited += RUN_HEARTBEAT_MS) {
      await here.ground.refresh()
      here.clock.advance(RUN_HEARTBEAT_MS)
    }
    await here.ground.refresh()
    expect(here.ended).toEqual(['run_9'])
  })

  it('goes on as a new run after it was declared ended, and hands what it left to whoever takes over', async () => {
    const url = await server.createDatabase()
    await using here = await groundOn(url)
    await server.query(
      "UPDATE purser.lanes SET ended = true; UPDATE purser.runs SET ended_at = 0, ended_why = 'it was not heard of'",
      databaseOf(url),
    )
    await here.ground.refresh()
    expect(here.ground.fault).toContain('has declared it ended')
    await here.ground.refresh()
    expect(here.ground.fault).toBeUndefined()
    expect(here.ground.run.id).toBe('run_1.1')
    expect(here.ended).toEqual(['run_1'])
    const connection = await here.ground.connect()
    expect(await writeOn(connection, { runId: 'run_1', lane: 0, number: 1 })).toBe(false)
    expect(await writeOn(connection, { runId: 'run_1.1', lane: 0, number: 1 })).toBe(true)
    await connection.close()
  })

  it('ends for good where another process has its place', async () => {
    const url = await server.createDatabase()
    await using here = await groundOn(url, { instance: 'host:/data' })
    await using next = await groundOn(url, { instance: 'host:/data', runId: 'run_2' })
    await here.ground.refresh()
    await here.ground.refresh()
    expect(here.ground.fault).toContain('Another process pays from this place')
    expect(next.ground.fault).toBeUndefined()
  })

  it('leaves nothing behind: its run has ended when it is closed', async () => {
    const url = await server.createDatabase()
    const { ground } = await groundOn(url)
    await ground[Symbol.asyncDispose]()
    expect(await server.query('SELECT ended_why FROM purser.runs', databaseOf(url))).toEqual([{ ended_why: 'it stopped' }])
    expect(await server.query(`SELECT 1 FROM pg_stat_activity WHERE datname = '${databaseOf(url)}'`)).toEqual([])
  })
})

describe('what others change', () => {
  it('is heard within a second, by notification or by asking', async () => {
    const url = await server.createDatabase()
    await using here = await groundOn(url)
    await using other = await groundOn(url, { runId: 'run_2' })
    const heard: Change[] = []
    here.ground.watch((change) => heard.push(change))
    const connection = await other.ground.connect()
    const began = performance.now()
    await connection.transact((sql) => announce(sql, [{ kind: 'session_ended', sessionId: 'ses_1' }]))
    await vi.waitFor(() => expect(heard).toHaveLength(1), { timeout: 1_000, interval: 5 })
    expect(performance.now() - began).toBeLessThan(1_000)
    await connection.sql.unsafe(
      "INSERT INTO changes (kind, subject, at) VALUES ('halts', '', (extract(epoch FROM clock_timestamp()) * 1000)::bigint)",
    )
    await vi.waitFor(() => expect(heard).toHaveLength(2), { timeout: 1_000, interval: 5 })
    expect(heard).toEqual([{ kind: 'session_ended', sessionId: 'ses_1' }, { kind: 'halts' }])
    await connection.close()
  })
})

describe('a server that is older than what this process has seen', () => {
  const RECEIPT = `INSERT INTO purser.receipts (session_id, number, seq, id, payment_id, agent, kind, at, body, hash)
    VALUES ('s', 1, 7, 'r', 'p', 'a', 'k', 0, '', '')`

  it('is refused by the next start, until a person accepts it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'purser-ground-'))
    const mark = (accept = false) => openHighMark(join(folder, 'mark'), { accept })
    const url = await server.createDatabase()
    await (await groundOn(url)).ground[Symbol.asyncDispose]()
    await server.query(`${RECEIPT}; INSERT INTO purser.meta VALUES ('ledger_id', 'led_1')`, databaseOf(url))
    {
      await using here = await groundOn(url, { runId: 'run_2', mark: mark() })
      await here.ground.refresh()
    }
    await server.query('DELETE FROM purser.receipts', databaseOf(url))
    await expect(groundOn(url, { runId: 'run_3', mark: mark() })).rejects.toThrow(/it ends at 0, and 7 was seen.*--accept-restored-ledger/)
    await server.query("UPDATE purser.meta SET value = 'led_2'", databaseOf(url))
    await expect(groundOn(url, { runId: 'run_4', mark: mark() })).rejects.toThrow('not the ledger that the high-water mark belongs to')
    await using accepted = await groundOn(url, { runId: 'run_5', mark: mark(true) })
    expect(accepted.ground.fault).toBeUndefined()
    rmSync(folder, { recursive: true })
  })
})
