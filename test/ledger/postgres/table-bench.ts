/** All tables over a working set that loads what a write misses from rows in memory: each write in a transaction of its own. */
import { type Hands, handsFor } from '../../../src/ledger/postgres/operations.ts'
import { Terms } from '../../../src/ledger/postgres/sessions.ts'
import { transact } from '../../../src/ledger/postgres/transact.ts'
import { Wants } from '../../../src/ledger/postgres/wants.ts'
import { DEFAULT_THRESHOLDS } from '../../../src/limits.ts'
import { countingIds, testClock } from '../../clock.ts'
import { fixtures } from '../fixtures.ts'
import { PlainStore } from './plain-store.ts'

export function tableBench() {
  const store = new PlainStore()
  const clock = testClock()
  const ids = countingIds()
  const terms = new Terms()
  const compose = handsFor({ terms, ids, thresholds: DEFAULT_THRESHOLDS, confirmable: new Set(), events: undefined })
  return {
    store,
    clock,
    terms,
    make: fixtures(ids, () => clock.now()),
    /** Nothing of it was foreseen. */
    async write<T>(run: (hands: Hands) => T): Promise<T> {
      const returned: T[] = []
      const operation = { queue: 'b', foresee: () => undefined, run: (hands: Hands) => returned.push(run(hands)) }
      const { outcomes } = await transact([operation], { lane: 0, learned: new Wants() }, { store, clock, compose })
      const [outcome] = outcomes
      const [value] = returned.slice(-1)
      if (!outcome?.done || returned.length === 0) throw outcome?.done ? new Error('it did not run') : outcome?.cause
      return value as T
    },
  }
}
