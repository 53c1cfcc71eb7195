/** The ledger's tables over a database in memory, each write in a transaction of its own. */
import { DatabaseSync } from 'node:sqlite'
import { composeRules, type RulesOptions } from '../../../src/ledger/rules.ts'
import { migrate } from '../../../src/ledger/sqlite/migrations/migrate.ts'
import { openTables } from '../../../src/ledger/sqlite/tables.ts'
import type { Transaction } from '../../../src/ledger/tables.ts'
import { countingIds, testClock } from '../../clock.ts'
import { fixtures } from '../fixtures.ts'

/** An empty database with the schema. */
export function emptyDatabase(): DatabaseSync {
  const db = new DatabaseSync(':memory:', { readBigInts: true })
  migrate(db)
  return db
}

/** `told`: every event, in order, as `name value`. */
export function workbench(runId = 'run_1', db = emptyDatabase(), changes: Partial<RulesOptions> = {}) {
  const clock = testClock()
  const ids = countingIds()
  const told: string[] = []
  const tables = openTables(db, { ids: countingIds(), runId })
  const events: RulesOptions['events'] = {
    paymentEntered: ({ state, paymentId }) => told.push(`${state} ${paymentId}`),
    receiptWritten: () => told.push('receipt'),
    reconciled: ({ outcome, paymentId }) => told.push(`reconciled ${outcome} ${paymentId}`),
    thresholdReached: ({ percent, sessionId }) => told.push(`${percent} % ${sessionId}`),
  }
  return {
    db,
    clock,
    ids,
    told,
    ...composeRules({ tables, runId, thresholds: [50, 80, 95], confirmable: new Set(), events, ...changes }),
    tables,
    make: fixtures(ids, () => clock.now()),
    write<T>(operation: (tx: Transaction) => T): T {
      const effects: (() => void)[] = []
      db.exec('BEGIN')
      try {
        const value = operation({ now: clock.now(), afterCommit: (effect) => effects.push(effect) })
        tables.pending.write()
        db.exec('COMMIT')
        // So that a test may change the file by hand.
        tables.pending.forget()
        for (const effect of effects) effect()
        return value
      } catch (fault) {
        db.exec('ROLLBACK')
        tables.pending.forget()
        throw fault
      }
    },
  }
}

export type Workbench = ReturnType<typeof workbench>
