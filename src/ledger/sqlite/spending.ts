/** Running totals: what a session has spent or holds in each bucket of its limits. */
import type { DatabaseSync } from 'node:sqlite'
import { money, type Row } from '../rows.ts'
import type { Bucket, SpendingTable, Transaction } from '../tables.ts'

export class Spending implements SpendingTable {
  readonly #sql: ReturnType<typeof prepare>

  constructor(db: DatabaseSync) {
    this.#sql = prepare(db)
  }

  used({ sessionId, bucket }: Bucket): bigint {
    const row: Row | undefined = this.#sql.used.get(sessionId, bucket)
    return row ? money(row, 'amount') : 0n
  }

  add(_tx: Transaction, { sessionId, bucket }: Bucket, amount: bigint): void {
    this.#sql.add.run(sessionId, bucket, amount)
  }

  takeBack(_tx: Transaction, { sessionId, bucket }: Bucket, amount: bigint): void {
    this.#sql.takeBack.run(amount, sessionId, bucket)
  }
}

function prepare(db: DatabaseSync) {
  return {
    used: db.prepare('SELECT amount FROM spending WHERE session_id = ? AND bucket = ?'),
    add: db.prepare(`
      INSERT INTO spending (session_id, bucket, amount) VALUES (?, ?, ?)
      ON CONFLICT (session_id, bucket) DO UPDATE SET amount = amount + excluded.amount`),
    takeBack: db.prepare('UPDATE spending SET amount = amount - ? WHERE session_id = ? AND bucket = ?'),
  }
}
