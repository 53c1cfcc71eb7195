/** Runs of identical refusals, counted in the one entry. */
import type { DatabaseSync } from 'node:sqlite'
import { int, type Row, text } from '../rows.ts'
import type { RefusalRun, RefusalRunTable, Transaction } from '../tables.ts'

export class RefusalRuns implements RefusalRunTable {
  readonly #find
  readonly #put

  constructor(db: DatabaseSync) {
    this.#find = db.prepare('SELECT * FROM refusal_runs WHERE session_id = ? AND digest = ?')
    this.#put = db.prepare(`
      INSERT INTO refusal_runs (session_id, digest, payment_id, began_at, count, recorded) VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT (session_id, digest) DO UPDATE SET payment_id = excluded.payment_id, began_at = excluded.began_at,
        count = excluded.count, recorded = excluded.recorded`)
  }

  find(sessionId: string, digest: string): RefusalRun | undefined {
    const row: Row | undefined = this.#find.get(sessionId, digest)
    return row && readRun(row)
  }

  put(_tx: Transaction, { sessionId, digest, paymentId, beganAt, count, recorded }: RefusalRun): void {
    this.#put.run(sessionId, digest, paymentId, beganAt, count, recorded)
  }
}

/** Reads a whole row of the table. */
export function readRun(row: Row): RefusalRun {
  return {
    sessionId: text(row, 'session_id'),
    digest: text(row, 'digest'),
    paymentId: text(row, 'payment_id'),
    beganAt: int(row, 'began_at'),
    count: int(row, 'count'),
    recorded: int(row, 'recorded'),
  }
}
