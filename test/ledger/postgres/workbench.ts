/** The tables and rules of the PostgreSQL adapter over a store, each write in a transaction of its own. */
import { afterAll } from 'vitest'
import type { NewSession } from '../../../src/ledger/ledger.ts'
import { ClientStore } from '../../../src/ledger/postgres/client-store.ts'
import { type Hands, handsFor } from '../../../src/ledger/postgres/operations.ts'
import { Terms } from '../../../src/ledger/postgres/sessions.ts'
import type { Store } from '../../../src/ledger/postgres/store.ts'
import { transact } from '../../../src/ledger/postgres/transact.ts'
import { Wants } from '../../../src/ledger/postgres/wants.ts'
import { countingIds, testClock } from '../../clock.ts'
import { connectionTo, groundOn } from '../../postgres/bench.ts'
import type { PostgresServer } from '../../postgres/server.ts'
import { fixtures } from '../fixtures.ts'
import { MemoryStore, type MemoryStoreOptions } from './memory-store.ts'

/** Ids and rows of a bench are its own, so that a second one over the same store needs another prefix. */
export function benchOn<S extends Store>(store: S, { clock = testClock(), prefix = '' } = {}) {
  const ids = countingIds()
  const terms = new Terms()
  const own = countingIds()
  const compose = handsFor({
    terms,
    ids: (name) => `${own(name)}${prefix}`,
    thresholds: [50, 80, 95],
    confirmable: new Set(),
    events: undefined,
  })
  const make = fixtures(
    (name) => `${ids(name)}${prefix}`,
    () => clock.now(),
  )
  /** Nothing is foreseen: what the step needs is loaded as it is met. */
  const write = async <T>(run: (hands: Hands) => T): Promise<T> => {
    let value: { readonly of: T } | undefined
    const operation = {
      queue: 'test',
      foresee: () => undefined,
      run: (hands: Hands) => {
        value = { of: run(hands) }
      },
    }
    const { outcomes, effects } = await transact([operation], { lane: 0, learned: new Wants() }, { store, clock, compose })
    const [outcome] = outcomes
    if (!outcome?.done) throw outcome?.cause
    for (const effect of effects) effect()
    if (!value) throw new Error('the operation did not run')
    return value.of
  }
  const open = (changes: Partial<NewSession> = {}) => write(({ tx, rules }) => rules.accounts.open(tx, make.session(changes)))
  return { store, clock, ids, terms, compose, make, write, open }
}

/** Over rows in memory. */
export function memoryBench(
  options: MemoryStoreOptions & { readonly clock?: ReturnType<typeof testClock>; readonly prefix?: string } = {},
) {
  const { clock, prefix, ...rest } = options
  return benchOn(new MemoryStore(rest), { ...(clock && { clock }), ...(prefix !== undefined && { prefix }) })
}

/** Over a database on a real server, which need not keep what it acknowledged; receipts apart, it is empty for each test. */
export function serverBench(server: () => PostgresServer) {
  let opened: ReturnType<typeof openBench> | undefined
  afterAll(async () => (await opened)?.[Symbol.asyncDispose]())
  return async () => {
    opened ??= openBench(server())
    const bench = await opened
    await bench.connection.sql.unsafe(WIPE)
    return bench
  }
}

/** As above, over a database of its own, or as one more process on that of another bench. */
export async function openBench(server: PostgresServer, shared: { readonly url?: string; readonly runId?: string } = {}) {
  const { url = await server.createDatabase(), runId = 'run_1' } = shared
  const { ground } = await groundOn(url, { unsafeAsyncReplication: true, runId })
  const store = new ClientStore(ground, 2)
  const connection = await connectionTo(url)
  const dispose = async () => {
    await connection.close()
    await store[Symbol.asyncDispose]()
  }
  return { ...benchOn(store), url, connection, [Symbol.asyncDispose]: dispose }
}

/** Receipts stay: a server that lacks what it once had is refused. */
const WIPE = ['payments', 'dealings', 'rolling', 'rolling_heads', 'pins', 'meta', 'admin_keys', 'sessions', 'session_counts']
  .map((table) => `DELETE FROM ${table}`)
  .join(';')
