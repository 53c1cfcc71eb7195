/** The ledger's tables over a database in memory, each write in a transaction of its own. */
import { DatabaseSync } from 'node:sqlite'
import type { Transaction } from '../../src/ledger/batch.ts'
import { Halts } from '../../src/ledger/halts.ts'
import { Memory } from '../../src/ledger/memory.ts'
import { migrate } from '../../src/ledger/migrations/migrate.ts'
import { Payments } from '../../src/ledger/payments.ts'
import { Purchases } from '../../src/ledger/purchases.ts'
import { Receipts } from '../../src/ledger/receipts.ts'
import { Refusals } from '../../src/ledger/refusals.ts'
import { Reserving } from '../../src/ledger/reserving.ts'
import { Rolling } from '../../src/ledger/rolling.ts'
import { Sessions } from '../../src/ledger/sessions.ts'
import { Spending } from '../../src/ledger/spending.ts'
import { type Tables, Transitions } from '../../src/ledger/transitions.ts'
import { countingIds, testClock } from '../clock.ts'
import { fixtures } from './fixtures.ts'

/** An empty database with the schema. */
export function emptyDatabase(): DatabaseSync {
  const db = new DatabaseSync(':memory:', { readBigInts: true })
  migrate(db)
  return db
}

export function workbench(runId = 'run_1', db = emptyDatabase()) {
  const clock = testClock()
  const ids = countingIds()
  const written: string[] = []
  const payments = new Payments(db, runId)
  const rolling = new Rolling(db)
  const tables: Tables = {
    sessions: new Sessions(db),
    payments,
    purchases: new Purchases(db, runId),
    spending: new Spending(db),
    rolling,
    memory: new Memory(db, rolling),
    receipts: new Receipts({ db, ids, onWritten: () => written.push('receipt') }),
  }
  const halts = new Halts(db)
  const refusals = new Refusals({ db, ...tables })
  return {
    db,
    clock,
    ids,
    written,
    tables,
    halts,
    refusals,
    transitions: new Transitions(tables, runId),
    reserving: new Reserving({ tables, halts, refusals }),
    make: fixtures(ids, () => clock.now()),
    write<T>(operation: (tx: Transaction) => T): T {
      const effects: (() => void)[] = []
      db.exec('BEGIN')
      try {
        const value = operation({ now: clock.now(), afterCommit: (effect) => effects.push(effect) })
        db.exec('COMMIT')
        for (const effect of effects) effect()
        return value
      } catch (fault) {
        db.exec('ROLLBACK')
        throw fault
      }
    },
  }
}

export type Workbench = ReturnType<typeof workbench>
