import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Connection } from '../../../src/ledger/postgres/connection.ts'
import { lookUp, Run } from '../../../src/ledger/postgres/runs.ts'
import { RUN_HEARTBEAT_MS, RUN_RETENTION_MS, RUN_TIMEOUT_MS } from '../../../src/limits.ts'
import { testClock } from '../../clock.ts'
import { connectionTo, migratedConnection, waitsForLock, writeOn } from '../../postgres/bench.ts'
import { type PostgresServer, startPostgres } from '../../postgres/server.ts'

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server[Symbol.asyncDispose]())

async function stage() {
  const url = await server.createDatabase()
  const connection = await migratedConnection(url)
  const clock = testClock()
  const enter = (runId: string, instance: string | null = null) => Run.enter(connection, { runId, instance, lanes: 2, clock })
  /** As if the server had not heard of the run for so long. */
  const hush = (id: string, ms: number) => connection.sql.unsafe('UPDATE runs SET heartbeat_at = heartbeat_at - $2 WHERE id = $1', [id, ms])
  return { url, connection, clock, enter, hush, [Symbol.asyncDispose]: () => connection.close() }
}

/** Beats as often as a living run does, for longer than a silent one is waited for. */
async function waitOut({ run, connection, clock }: { run: Run; connection: Connection; clock: ReturnType<typeof testClock> }) {
  const ended: string[] = []
  for (let waited = 0; waited <= RUN_TIMEOUT_MS + RUN_HEARTBEAT_MS; waited += RUN_HEARTBEAT_MS) {
    await run.beat(connection)
    ended.push(...(await run.endSilent(connection)))
    clock.advance(RUN_HEARTBEAT_MS)
  }
  return ended
}

describe('a run', () => {
  it('may write on its lanes, one number after the other', async () => {
    await using here = await stage()
    await here.enter('run_1')
    expect(await writeOn(here.connection, { runId: 'run_1', lane: 1, number: 1 })).toBe(true)
    expect(await writeOn(here.connection, { runId: 'run_1', lane: 1, number: 1 })).toBe(false)
    expect(await writeOn(here.connection, { runId: 'run_1', lane: 1, number: 2 })).toBe(true)
    expect(await writeOn(here.connection, { runId: 'run_2', lane: 1, number: 1 })).toBe(false)
  })

  it('is declared ended when neither the server nor another run has heard of it for too long, and writes nothing then', async () => {
    await using here = await stage()
    const [watching, silent] = [await here.enter('run_1'), await here.enter('run_2')]
    await here.hush('run_2', RUN_TIMEOUT_MS)
    expect(await waitOut({ run: watching, ...here })).toEqual(['run_2'])
    expect(await writeOn(here.connection, { runId: 'run_2', lane: 0, number: 1 })).toBe(false)
    await expect(silent.beat(here.connection)).rejects.toThrow('has declared it ended')
    expect(silent.over).toContain('declared it ended')
    expect(await silent.mayComeBack(here.connection)).toBe(true)
  })

  it('lives on while its heart beats, whatever the server’s clock says', async () => {
    await using here = await stage()
    const [watching, other] = [await here.enter('run_1'), await here.enter('run_2')]
    const ended: string[] = []
    for (let waited = 0; waited < 3 * RUN_TIMEOUT_MS; waited += RUN_HEARTBEAT_MS) {
      await here.hush('run_2', RUN_TIMEOUT_MS)
      await watching.beat(here.connection)
      ended.push(...(await watching.endSilent(here.connection)))
      await other.beat(here.connection)
      here.clock.advance(RUN_HEARTBEAT_MS)
    }
    expect(ended).toEqual([])
  })

  it('lives on where only another run has not heard of it: its clock may be fast', async () => {
    await using here = await stage()
    const watching = await here.enter('run_1')
    await here.enter('run_2')
    expect(await waitOut({ run: watching, ...here })).toEqual([])
  })

  it('lives on where only the server has not heard of it, until another run has watched its silence for as long', async () => {
    await using here = await stage()
    const watching = await here.enter('run_1')
    await here.enter('run_2')
    await here.hush('run_2', 2 * RUN_TIMEOUT_MS)
    const looks: (readonly string[])[] = []
    for (let waited = 0; waited <= RUN_TIMEOUT_MS; waited += RUN_HEARTBEAT_MS) {
      await watching.beat(here.connection)
      looks.push(await watching.endSilent(here.connection))
      here.clock.advance(RUN_HEARTBEAT_MS)
    }
    expect(looks.slice(0, -1).flat()).toEqual([])
    expect(looks.at(-1)).toEqual(['run_2'])
  })

  it('is not declared ended by one that was away itself, as all were while a server failed over', async () => {
    await using here = await stage()
    const watching = await here.enter('run_1')
    await here.enter('run_2')
    await watching.endSilent(here.connection)
    await here.hush('run_2', 2 * RUN_TIMEOUT_MS)
    here.clock.advance(2 * RUN_TIMEOUT_MS)
    await watching.beat(here.connection)
    expect(await watching.endSilent(here.connection)).toEqual([])
  })

  it('is passed over while its heart is just beating', async () => {
    await using here = await stage()
    const watching = await here.enter('run_1')
    await here.enter('run_2')
    await here.hush('run_2', RUN_TIMEOUT_MS)
    const other = await connectionTo(here.url)
    await other.sql.unsafe("BEGIN; UPDATE runs SET beats = beats + 1 WHERE id = 'run_2'")
    expect(await waitOut({ run: watching, ...here })).toEqual([])
    await other.close()
  })

  it('that was declared ended in the middle of a transaction had committed it before', async () => {
    await using here = await stage()
    const watching = await here.enter('run_1')
    await here.enter('run_2')
    await here.hush('run_2', RUN_TIMEOUT_MS)
    const other = await connectionTo(here.url)
    await other.sql.unsafe("BEGIN; UPDATE lanes SET number = 1 WHERE run_id = 'run_2' AND lane = 0")
    const declared = waitOut({ run: watching, ...here })
    await waitsForLock(other)
    expect(await other.commit()).toEqual({ kind: 'committed' })
    expect(await declared).toEqual(['run_2'])
    await other.close()
  })

  it('takes the place of the one before it in the same place, which may not come back', async () => {
    await using here = await stage()
    const before = await here.enter('run_1', 'host:/data')
    await here.enter('run_2', 'host:/data')
    await here.enter('run_3', 'elsewhere')
    expect(await writeOn(here.connection, { runId: 'run_1', lane: 0, number: 1 })).toBe(false)
    expect(await writeOn(here.connection, { runId: 'run_2', lane: 0, number: 1 })).toBe(true)
    await expect(before.beat(here.connection)).rejects.toThrow('declared it ended')
    expect(await before.mayComeBack(here.connection)).toBe(false)
    expect(before.over).toContain('Another process pays from this place')
  })

  it('that lost its place in a lane ends itself, and may come back', async () => {
    await using here = await stage()
    const run = await here.enter('run_1')
    run.fenced()
    expect(await run.mayComeBack(here.connection)).toBe(true)
    expect(await writeOn(here.connection, { runId: 'run_1', lane: 0, number: 1 })).toBe(false)
  })

  it('that ended long ago is removed, and writes no more for that', async () => {
    await using here = await stage()
    const run = await here.enter('run_1')
    await (await here.enter('run_2')).leave(here.connection)
    await (await here.enter('run_3')).leave(here.connection)
    await here.connection.sql.unsafe("UPDATE runs SET ended_at = ended_at - $1 WHERE id = 'run_2'", [RUN_RETENTION_MS + 1])
    await run.prune(here.connection)
    expect(await here.connection.sql.unsafe('SELECT id FROM runs ORDER BY id')).toMatchObject([{ id: 'run_1' }, { id: 'run_3' }])
    expect(await writeOn(here.connection, { runId: 'run_2', lane: 0, number: 1 })).toBe(false)
  })

  it('that leaves has ended at once', async () => {
    await using here = await stage()
    const run = await here.enter('run_1')
    await run.leave(here.connection)
    expect(await writeOn(here.connection, { runId: 'run_1', lane: 0, number: 1 })).toBe(false)
    expect(run.over).toBe('The ledger is closed.')
  })

  it('knows how long it was not heard of by the clock that never steps back', async () => {
    await using here = await stage()
    const run = await here.enter('run_1')
    here.clock.advance(5_000)
    expect(run.silence).toBe(5_000)
    await run.beat(here.connection)
    expect(run.silence).toBe(0)
  })

  it('learns with each beat how far the receipts had come', async () => {
    await using here = await stage()
    const run = await here.enter('run_1')
    expect(await run.beat(here.connection)).toBe(0n)
    await here.connection.sql.unsafe(
      "INSERT INTO receipts (session_id, number, seq, id, payment_id, agent, kind, at, body, hash) VALUES ('s', 1, 7, 'r', 'p', 'a', 'k', 0, '', '')",
    )
    expect(await run.beat(here.connection)).toBe(7n)
  })
})

describe('a commit whose answer was lost', () => {
  it('is looked up only when whoever tried it is gone, and then the answer is final', async () => {
    await using here = await stage()
    await here.enter('run_1')
    const other = await connectionTo(here.url)
    await other.sql.unsafe("BEGIN; UPDATE lanes SET number = 1 WHERE run_id = 'run_1' AND lane = 0")
    const answer = lookUp(here.connection, { runId: 'run_1', number: 0 })
    await waitsForLock(other)
    expect(await other.commit()).toEqual({ kind: 'committed' })
    expect(await answer).toBe(1n)
    await other.sql.unsafe("BEGIN; UPDATE lanes SET number = 2 WHERE run_id = 'run_1' AND lane = 0")
    const later = lookUp(here.connection, { runId: 'run_1', number: 0 })
    await waitsForLock(other)
    await other.close()
    expect(await later).toBe(1n)
  })
})
