import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Run } from '../../../src/ledger/postgres/runs.ts'
import { Standing } from '../../../src/ledger/postgres/standing.ts'
import { testClock } from '../../clock.ts'
import { connectionTo, migratedConnection, waitsForLock, writeOn } from '../../postgres/bench.ts'
import { type PostgresServer, startPostgres } from '../../postgres/server.ts'

let server: PostgresServer
let other: PostgresServer
beforeAll(async () => {
  ;[server, other] = await Promise.all([startPostgres(), startPostgres({ fresh: true })])
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await other[Symbol.asyncDispose]()
})

async function stage(on = server) {
  const url = await on.createDatabase()
  const connection = await migratedConnection(url)
  await Run.enter(connection, { runId: 'run_1', instance: null, lanes: 2, clock: testClock() })
  return { url, connection, [Symbol.asyncDispose]: () => connection.close() }
}

const RECEIPT = `INSERT INTO receipts (session_id, number, seq, id, payment_id, agent, kind, at, body, hash)
  VALUES ('s', 1, 7, 'r', 'p', 'a', 'k', 0, '', '')`

describe('a server', () => {
  it('that has what was acknowledged, or more, may be used', async () => {
    await using here = await stage()
    const standing = new Standing('run_1')
    await writeOn(here.connection, { runId: 'run_1', lane: 0, number: 1 })
    expect(await standing.objection(here.connection)).toBeUndefined()
    standing.acknowledged(0, 1n)
    expect(await standing.objection(here.connection)).toBeUndefined()
    await writeOn(here.connection, { runId: 'run_1', lane: 0, number: 2 })
    expect(await standing.objection(here.connection)).toBeUndefined()
  })

  it('that lacks an acknowledged transaction is refused', async () => {
    await using here = await stage()
    const standing = new Standing('run_1')
    standing.acknowledged(1, 3n)
    expect(await standing.objection(here.connection)).toContain('lacks 3 transactions that were acknowledged')
  })

  it('is not blamed for what was acknowledged after it was asked', async () => {
    await using here = await stage()
    const standing = new Standing('run_1')
    const other = await connectionTo(here.url)
    await other.sql.unsafe('BEGIN; LOCK TABLE lanes IN ACCESS EXCLUSIVE MODE')
    const answer = standing.objection(here.connection)
    await waitsForLock(other)
    standing.acknowledged(0, 1n)
    await other.close()
    expect(await answer).toBeUndefined()
  })

  it('that never heard of this run is refused', async () => {
    await using here = await stage()
    const standing = new Standing('run_9')
    standing.acknowledged(0, 1n)
    expect(await standing.objection(here.connection)).toContain('lacks 1 transactions')
  })

  it('that lacks receipts which were seen durable is refused', async () => {
    await using here = await stage()
    const standing = new Standing('run_1', 7n)
    expect(await standing.objection(here.connection)).toContain('it ends at 0, and 7 was seen')
    await here.connection.sql.unsafe(RECEIPT)
    expect(await standing.objection(here.connection)).toBeUndefined()
    standing.reached(8n)
    expect(await standing.objection(here.connection)).toContain('it ends at 7, and 8 was seen')
  })

  it('that is another one than before is refused', async () => {
    await using here = await stage()
    await using there = await stage(other)
    const standing = new Standing('run_1')
    expect(await standing.objection(here.connection)).toBeUndefined()
    expect(await standing.objection(there.connection)).toContain('another server')
  })

  it('is judged by the counters alone where it tells nothing of itself', async () => {
    await using here = await stage()
    await here.connection.sql.unsafe(
      'CREATE ROLE plain; GRANT ALL ON SCHEMA purser TO plain; GRANT ALL ON ALL TABLES IN SCHEMA purser TO plain',
    )
    await here.connection.sql.unsafe('REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC; SET ROLE plain')
    const standing = new Standing('run_1')
    expect(await standing.objection(here.connection)).toBeUndefined()
    standing.acknowledged(0, 1n)
    expect(await standing.objection(here.connection)).toContain('lacks 1 transactions')
  })
})

describe('a process that goes on as another run', () => {
  it('still knows the server and the receipts, and begins its lanes anew', async () => {
    await using here = await stage()
    await using there = await stage(other)
    const standing = new Standing('run_0')
    await standing.objection(here.connection)
    standing.acknowledged(0, 5n)
    standing.reached(7n)
    const successor = standing.successor('run_1')
    expect(successor.high).toBe(7n)
    expect(await successor.objection(there.connection)).toContain('another server')
    await here.connection.sql.unsafe(RECEIPT)
    expect(await successor.objection(here.connection)).toBeUndefined()
  })
})
