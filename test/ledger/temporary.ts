/** A ledger on a file of its own, with what it tells of itself. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '../../src/ledger/sqlite/database.ts'
import { composeLedger } from '../../src/ledger/sqlite.ts'
import { countingIds, testClock } from '../clock.ts'
import { fixtures } from './fixtures.ts'

export async function temporaryLedger() {
  const folder = mkdtempSync(join(tmpdir(), 'purser-ledger-'))
  const clock = testClock()
  const ids = countingIds()
  const told: string[] = []
  const entered: string[] = []
  const db = openDatabase(join(folder, 'purser.db'))
  const ledger = await composeLedger(db, {
    clock,
    ids,
    runId: 'run_1',
    events: {
      ledgerTook: (operation) => told.push(operation),
      receiptWritten: () => told.push('receipt'),
      paymentEntered: ({ state, paymentId }) => entered.push(`${state} ${paymentId}`),
      thresholdReached: ({ percent, sessionId }) => entered.push(`${percent} % ${sessionId}`),
      reconciled: ({ outcome, paymentId }) => entered.push(`reconciled ${outcome} ${paymentId}`),
      warned: (sentence) => told.push(`warned: ${sentence}`),
      faulted: (where) => told.push(`faulted: ${where}`),
    },
  })
  return {
    ledger,
    db,
    told,
    entered,
    clock,
    make: fixtures(ids, () => clock.now()),
    async [Symbol.asyncDispose]() {
      await ledger[Symbol.asyncDispose]()
      rmSync(folder, { recursive: true })
    },
  }
}
