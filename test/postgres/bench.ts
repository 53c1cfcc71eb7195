/** Connections and grounds of the ledger on a real server, for tests of what is below its rules. */
import { type Connection, connectTo } from '../../src/ledger/postgres/connection.ts'
import { type GroundOptions, openGround } from '../../src/ledger/postgres/ground.ts'
import { migrate } from '../../src/ledger/postgres/migrations/migrate.ts'
import { readPlace } from '../../src/ledger/postgres/place.ts'
import { type TestClock, testClock } from '../clock.ts'

export function connectionTo(url: string, onNotify?: (channel: string) => void): Promise<Connection> {
  const place = readPlace(url)
  return connectTo(place.hosts[0], { place, schema: 'purser', name: 'test', ...(onNotify && { onNotify }) })
}

/** A connection to a database that has the schema. */
export async function migratedConnection(url: string): Promise<Connection> {
  const connection = await connectionTo(url)
  await migrate(connection.sql, 'purser')
  return connection
}

/** A ground whose clock the test holds, and what it told. */
export async function groundOn(url: string, options: Partial<GroundOptions> = {}) {
  const clock: TestClock = testClock()
  const told: string[] = []
  const ended: string[] = []
  const ground = await openGround({
    url,
    unsafeAsyncReplication: false,
    runId: 'run_1',
    instance: null,
    lanes: 2,
    clock,
    events: { warned: (sentence) => told.push(sentence) },
    onRunsEnded: (ids) => ended.push(...ids),
    ...options,
  })
  return { ground, clock, told, ended, [Symbol.asyncDispose]: () => ground[Symbol.asyncDispose]() }
}

/** One write of a run, as the ledger makes it: undefined where it is fenced. */
export async function writeOn(connection: Connection, lane: { runId: string; lane: number; number: number }): Promise<boolean> {
  return connection.transact(async (sql) => {
    const rows = await sql.unsafe(
      'UPDATE lanes SET number = $3 WHERE run_id = $1 AND lane = $2 AND number = $3::bigint - 1 AND NOT ended RETURNING number',
      [lane.runId, lane.lane, lane.number],
    )
    return rows.length === 1
  })
}

/** Until somebody on this server waits for a lock; asked over the connection that has it. */
export async function waitsForLock(connection: Connection): Promise<void> {
  const [row] = await connection.sql.unsafe('SELECT count(*) AS waiting FROM pg_locks WHERE NOT granted')
  if (row?.waiting === 0n) await waitsForLock(connection)
}
