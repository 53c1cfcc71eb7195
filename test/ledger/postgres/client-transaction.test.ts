import { describe, expect, it } from 'vitest'
import { ClientTransaction, type Gate } from '../../../src/ledger/postgres/client-transaction.ts'
import type { Open } from '../../../src/ledger/postgres/line.ts'
import type { RowChange, RowKey, StoreTransaction, Wanted } from '../../../src/ledger/postgres/store.ts'
import { connectionTo, waitsForLock } from '../../postgres/bench.ts'
import { type Database, putting, sharedDatabase } from './server-stage.ts'

const database = sharedDatabase()
const IDENTITY: RowKey = { access: 'identity', values: ['k'] }
const NONE: Wanted = { rows: [], windows: [], leaves: [], places: { sessions: 0, payments: 0, receipts: 0 } }
const change: RowChange = putting('meta', { key: 'k', value: 'v' })

/** A run with one lane, and what its gate was told. */
async function stage() {
  const here = await database()
  await here.connection.sql.unsafe(
    "INSERT INTO runs (id, started_at, heartbeat_at) VALUES ('run_1', 0, 0); INSERT INTO lanes VALUES ('run_1', 0, 0)",
  )
  const told: string[] = []
  const laneNumber = async () => {
    const [row] = await here.ask({ sql: "SELECT number FROM lanes WHERE run_id = 'run_1'", values: [] })
    return typeof row?.number === 'bigint' ? row.number : -1n
  }
  const gate = (number: bigint): Gate => ({
    runId: 'run_1',
    lane: 0,
    number,
    fenced: () => told.push('fenced'),
    acknowledged: () => told.push(`acknowledged ${number}`),
    lookUp: laneNumber,
  })
  const connection = await connectionTo(here.url)
  const open: Open = { connection, types: here.types }
  const begin = (number = 1n, locks: readonly RowKey[] = []) => ClientTransaction.begin(open, gate(number), locks)
  return { here, open, told, begin, laneNumber, [Symbol.asyncDispose]: () => connection.close() }
}

const metas = (here: Database) => here.ask({ sql: 'SELECT value FROM meta', values: [] })

/** Commits on a connection that is cut before its server hears of it. */
async function cutOff(transaction: StoreTransaction, { connection }: Open): Promise<unknown> {
  const cut = connection.close()
  const fault: unknown = await transaction.commit([change], []).catch((cause: unknown) => cause)
  await cut
  return fault
}

describe('a write transaction', () => {
  it('writes its changes and its lane’s mark together, and is acknowledged then', async () => {
    await using stand = await stage()
    const transaction = await stand.begin()
    await transaction.commit([change], [])
    expect([await metas(stand.here), await stand.laneNumber(), stand.told]).toEqual([[{ value: 'v' }], 1n, ['acknowledged 1']])
  })

  it('tells the others with its commit, and not without it', async () => {
    await using stand = await stage()
    await stand.here.connection.sql.unsafe('DELETE FROM changes')
    const lost = await stand.begin()
    await lost.rollback()
    await (await stand.begin()).commit([], [{ kind: 'halts' }])
    expect(await stand.here.ask({ sql: 'SELECT kind FROM changes', values: [] })).toEqual([{ kind: 'halts' }])
  })

  it.each([
    ['its run was declared ended', 'UPDATE lanes SET ended = true'],
    ['the lane is not where this process left it', 'UPDATE lanes SET number = 5'],
    ['its run is gone', 'DELETE FROM lanes'],
  ])('is fenced where %s', async (_name, sql) => {
    await using stand = await stage()
    await stand.here.connection.sql.unsafe(sql)
    await expect(stand.begin()).rejects.toMatchObject({ name: 'StoreFault', kind: 'fenced' })
    expect([stand.told, await stand.open.connection.sql.unsafe('SELECT pg_current_xact_id_if_assigned() AS xid')]).toMatchObject([
      ['fenced'],
      [{ xid: null }],
    ])
  })

  it('waits for locks before it reads, and then sees what was committed meanwhile (R8)', async () => {
    await using stand = await stage()
    await stand.here.write(change)
    const { connection } = stand.here
    await connection.sql.unsafe("BEGIN; UPDATE meta SET value = 'newer' WHERE key = 'k'")
    const begun = stand.begin(1n, [IDENTITY])
    await waitsForLock(connection)
    await connection.commit()
    const transaction = await begun
    const { rows } = await transaction.load({ ...NONE, rows: [IDENTITY] })
    await transaction.rollback()
    expect(rows).toEqual([[{ key: 'k', value: 'newer' }]])
  })

  it('locks further rows where it meets what nobody foresaw', async () => {
    await using stand = await stage()
    await stand.here.write(change)
    const transaction = await stand.begin()
    await transaction.lock([IDENTITY])
    const other = stand.here.connection.sql.unsafe("SELECT 1 FROM meta WHERE key = 'k' FOR UPDATE NOWAIT")
    await expect(other).rejects.toMatchObject({ code: '55P03' })
    await transaction.rollback()
  })

  it('reads all that is wanted at once, in the order of what was wanted', async () => {
    await using stand = await stage()
    await stand.here.write(change, putting('rolling_heads', { series: 's', ordinal: 1n, total: 4n, at: 10n }))
    await stand.here.write(putting('rolling', { series: 's', ordinal: 1n, at: 10n, amount: 4n, total: 4n, void: 0n }))
    const transaction = await stand.begin()
    const loaded = await transaction.load({
      rows: [{ access: 'pin', values: ['h', 'n'] }, IDENTITY],
      windows: [
        { series: 's', after: 10 },
        { series: 's', after: 9 },
      ],
      leaves: [{ series: 's', ordinal: 0n, amount: 4n }],
      places: { sessions: 0, payments: 2, receipts: 1 },
    })
    await transaction.rollback()
    expect(loaded.rows).toEqual([[], [{ key: 'k', value: 'v' }]])
    expect(loaded.windows).toEqual([
      { before: { ordinal: 1n, total: 4n }, voided: 0n, oldest: null },
      { before: { ordinal: 0n, total: 0n }, voided: 0n, oldest: 10 },
    ])
    expect(loaded.leaves).toEqual([10])
    expect([loaded.places.sessions, loaded.places.payments.length, loaded.places.receipts.length]).toEqual([[], 2, 1])
  })

  it('asks for nothing where nothing is wanted', async () => {
    await using stand = await stage()
    const transaction = await stand.begin()
    expect(await transaction.load(NONE)).toEqual({
      rows: [],
      windows: [],
      leaves: [],
      places: { sessions: [], payments: [], receipts: [] },
    })
    await transaction.rollback()
  })

  it('says why where a change cannot be written, and moves nothing', async () => {
    await using stand = await stage()
    const taken = await stand.begin()
    await stand.here.write(change)
    await expect(taken.commit([change], [])).rejects.toMatchObject({ kind: 'retry' })
    const wrong = await stand.begin()
    await expect(wrong.commit([putting('spending', { session_id: 's', bucket: 'b', amount: -1n })], [])).rejects.toMatchObject({
      kind: 'rejected',
    })
    expect([await stand.laneNumber(), stand.told]).toEqual([0n, []])
  })

  it('leaves nothing behind when it is rolled back, also twice, also over a lost connection', async () => {
    await using stand = await stage()
    const transaction = await stand.begin()
    await transaction.rollback()
    await transaction.rollback()
    expect(await stand.laneNumber()).toBe(0n)
    const lost = await stand.begin()
    await stand.open.connection.close()
    await lost.rollback()
  })
})

describe('a transaction whose commit was cut off', () => {
  it('is looked up by its lane’s mark: it happened', async () => {
    await using stand = await stage()
    const transaction = await stand.begin()
    expect(await cutOff(transaction, stand.open)).toMatchObject({ name: 'StoreFault' })
    await stand.here.connection.sql.unsafe('UPDATE lanes SET number = 1')
    expect([await transaction.outcome(), stand.told]).toEqual([true, ['acknowledged 1']])
  })

  it('is looked up by its lane’s mark: it did not happen', async () => {
    await using stand = await stage()
    const transaction = await stand.begin()
    await cutOff(transaction, stand.open)
    expect([await transaction.outcome(), stand.told, await metas(stand.here)]).toEqual([false, [], []])
  })

  it('is unknown where the server ends while it commits', async () => {
    await using stand = await stage()
    const transaction = await stand.begin()
    const [pid] = await stand.open.connection.sql.unsafe('SELECT pg_backend_pid() AS pid')
    // The commit waits for this lock, and its backend is ended meanwhile.
    await stand.here.connection.sql.unsafe('BEGIN; LOCK TABLE meta IN ACCESS EXCLUSIVE MODE')
    const committing = transaction.commit([change], []).catch((cause: unknown) => cause)
    await waitsForLock(stand.here.connection)
    await stand.here.connection.sql.unsafe(`SELECT pg_terminate_backend(${Number(pid?.pid)})`)
    expect(await committing).toMatchObject({ name: 'StoreFault' })
    await stand.here.connection.sql.unsafe('ROLLBACK')
    expect(await transaction.outcome()).toBe(false)
  })
})
