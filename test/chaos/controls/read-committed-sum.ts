/**
 * Control: sums are read in the very statement that locks, so at READ COMMITTED they are as old as its beginning, however
 * long it waited for the lock (rule R8).
 */
import type { Loaded, Opening, RowKey, Store, StoreTransaction, Wanted } from '../../../src/ledger/postgres/store.ts'
import type { BrokenControl } from '../campaign.ts'
import type { SimulatedServer } from '../simulated-server.ts'

export const readCommittedSum: BrokenControl = { name: 'read-committed-sum', breaks: 'I1', adapter: 'postgres', storeOf: staleStore }

function staleStore(store: Store, server: SimulatedServer): Store {
  const begin = async (opening: Opening): Promise<StoreTransaction> => {
    const seen = new Map<string, Loaded['rows'][number]>()
    remember(seen, opening.locks, server)
    const transaction = await store.begin(opening)
    return {
      runId: transaction.runId,
      lock: (keys) => {
        remember(seen, keys, server)
        return transaction.lock(keys)
      },
      load: async (wanted) => withStale(wanted, await transaction.load(wanted), seen),
      commit: (changes, announcements) => transaction.commit(changes, announcements),
      outcome: () => transaction.outcome(),
      rollback: () => transaction.rollback(),
    }
  }
  return new Proxy(store, {
    get: (_, name) => {
      const value: unknown = name === 'begin' ? begin : Reflect.get(store, name)
      return typeof value === 'function' ? value.bind(store) : value
    },
  })
}

const nameOf = ({ access, values }: RowKey) => `${access} ${values.join(' ')}`

function remember(seen: Map<string, Loaded['rows'][number]>, keys: readonly RowKey[], server: SimulatedServer): void {
  const { rows } = server.load({ rows: keys, windows: [], leaves: [], places: { sessions: 0, payments: 0, receipts: 0 } })
  // Balances only: the other rows have numbers of their own, which would give a stale one away.
  for (const [at, key] of keys.entries()) if (key.access === 'session') seen.set(nameOf(key), rows[at] ?? [])
}

function withStale(wanted: Wanted, loaded: Loaded, seen: ReadonlyMap<string, Loaded['rows'][number]>): Loaded {
  return { ...loaded, rows: wanted.rows.map((key, at) => seen.get(nameOf(key)) ?? loaded.rows[at] ?? []) }
}
