import { describe, expect, it } from 'vitest'
import type { Change } from '../../../src/ledger/ledger.ts'
import { ClientStore } from '../../../src/ledger/postgres/client-store.ts'
import type { Wanted } from '../../../src/ledger/postgres/store.ts'
import { RUN_TIMEOUT_MS } from '../../../src/limits.ts'
import { connectionTo, groundOn, waitsForLock } from '../../postgres/bench.ts'
import { putting, sharedServer } from './server-stage.ts'

const server = sharedServer()
const NONE: Wanted = { rows: [], windows: [], leaves: [], places: { sessions: 0, payments: 0, receipts: 0 } }
const meta = (key: string) => putting('meta', { key, value: 'v' })

let url: string | undefined
let runs = 0

/** A run of its own in the database of this file. */
async function stage() {
  url ??= await server().createDatabase()
  // The server of this file need not keep what it acknowledged.
  const { ground, clock } = await groundOn(url, { unsafeAsyncReplication: true, runId: `run_${++runs}` })
  await server().query('DELETE FROM purser.meta; DELETE FROM purser.kept_answers', url.split('/').at(-1))
  const store = new ClientStore(ground, 2)
  const write = async (lane: number, key: string, announced: readonly Change[] = []) => {
    const transaction = await store.begin({ lane, locks: [] })
    await transaction.load(NONE)
    await transaction.commit([meta(key)], announced)
  }
  const keys = async () => (await store.select({ table: 'meta', where: [], order: { by: ['key'] } })).map(({ key }) => key)
  return { url, ground, clock, store, write, keys, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() }
}

describe('the store in PostgreSQL', () => {
  it('has one transaction after the other on a lane, and lanes beside each other', async () => {
    await using here = await stage()
    const [one, two] = await Promise.all([0, 1].map((lane) => here.store.begin({ lane, locks: [] })))
    await one?.commit([meta('a')], [])
    await two?.commit([meta('b')], [])
    for (const key of ['c', 'd']) await here.write(0, key)
    expect([await here.keys(), await here.store.count({ table: 'meta', where: [] }), here.store.readiness()]).toEqual([
      ['a', 'b', 'c', 'd'],
      4,
      [],
    ])
    await expect(here.store.begin({ lane: 2, locks: [] })).rejects.toThrow('there is no lane 2')
  })

  it('goes on over a fresh connection where one was lost, and knows which commit was the last', async () => {
    await using here = await stage()
    await here.write(0, 'a')
    await here.keys()
    const admin = await connectionTo(here.url)
    await admin.sql.unsafe(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
    )
    await admin.close()
    expect(await here.keys()).toEqual(['a'])
    // The lane may notice its loss only with the first statement; nothing was written then.
    await here.write(0, 'b').catch(() => here.write(0, 'b'))
    expect(await here.keys()).toEqual(['a', 'b'])
  })

  it('asks once more where a connection is lost while it is read', async () => {
    await using here = await stage()
    await here.write(0, 'a')
    const admin = await connectionTo(here.url)
    await admin.sql.unsafe('BEGIN; LOCK TABLE meta IN ACCESS EXCLUSIVE MODE')
    const reading = here.keys()
    await waitsForLock(admin)
    await admin.sql.unsafe('SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted')
    await admin.sql.unsafe('ROLLBACK')
    expect(await reading).toEqual(['a'])
    await admin.close()
  })

  it('tells after a cut commit what became of it, over another connection', async () => {
    await using here = await stage()
    const transaction = await here.store.begin({ lane: 0, locks: [] })
    const admin = await connectionTo(here.url)
    await admin.sql.unsafe('BEGIN; LOCK TABLE meta IN ACCESS EXCLUSIVE MODE')
    const committing = transaction.commit([meta('a')], []).catch((cause: unknown) => cause)
    await waitsForLock(admin)
    await admin.sql.unsafe('SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted')
    expect(await committing).toMatchObject({ name: 'StoreFault' })
    await admin.sql.unsafe('ROLLBACK')
    await admin.close()
    expect(await transaction.outcome()).toBe(false)
    await here.write(0, 'b')
    expect(await here.keys()).toEqual(['b'])
  })

  it('writes nothing where its ground has a fault, and says so', async () => {
    await using here = await stage()
    here.clock.advance(2 * RUN_TIMEOUT_MS)
    expect(here.store.readiness()).toHaveLength(1)
    await expect(here.store.begin({ lane: 0, locks: [] })).rejects.toMatchObject({
      kind: 'unavailable',
      message: here.store.readiness()[0],
    })
  })

  it('is fenced where its run was declared ended', async () => {
    await using here = await stage()
    const admin = await connectionTo(here.url)
    await admin.sql.unsafe('UPDATE lanes SET ended = true')
    await admin.close()
    await expect(here.write(0, 'a')).rejects.toMatchObject({ kind: 'fenced' })
    expect(await here.keys()).toEqual([])
  })

  it('tells others what was announced with a commit', async () => {
    await using here = await stage()
    const heard = Promise.withResolvers<Change>()
    const unwatch = here.store.watch(heard.resolve)
    await here.write(0, 'a', [{ kind: 'halts' }])
    expect(await heard.promise).toEqual({ kind: 'halts' })
    unwatch()
  })

  it('answers what is asked of many rows, whole numbers as numbers of their kind', async () => {
    await using here = await stage()
    expect(await here.store.windows([{ series: 's', after: 0 }])).toEqual([{ sum: 0n, oldest: null }])
    expect(await here.store.windows([])).toEqual([])
    expect([await here.store.exposure(), await here.store.states(0), await here.store.unattended(0)]).toEqual([[], [], []])
    expect(await here.store.claim({ networks: [], limit: 1, now: 0, until: 1 })).toEqual([])
    await here.store.keepAnswer({ paymentId: 'p', sealed: new Uint8Array([1]), expiresAt: 5 })
    await here.store.pruneAnswers(5, 1_000)
    expect(await here.store.count({ table: 'kept_answers', where: [] })).toBe(0)
  })

  it('answers a place for receipts only when all who may still write before it have ended', async () => {
    await using here = await stage()
    const open = await here.store.begin({ lane: 0, locks: [] })
    const { places } = await open.load({ ...NONE, places: { ...NONE.places, receipts: 1 } })
    const settled = here.store.settledReceipts()
    const admin = await connectionTo(here.url)
    await waitsForLock(admin)
    await open.commit([meta('a')], [])
    expect([await settled, places.receipts.length]).toEqual([0n, 1])
    await admin.close()
  })

  it('answers questions that come all at once', async () => {
    await using here = await stage()
    await here.write(0, 'a')
    expect(await Promise.all(Array.from({ length: 20 }, () => here.keys()))).toEqual(Array(20).fill(['a']))
  })

  it('takes nothing more when it is closed', async () => {
    const here = await stage()
    await here.store[Symbol.asyncDispose]()
    await expect(here.store.select({ table: 'meta', where: [] })).rejects.toMatchObject({ kind: 'unavailable' })
  })
})
