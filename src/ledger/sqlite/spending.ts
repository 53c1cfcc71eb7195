/** Running totals: what a session has spent or holds in each bucket of its limits. */
import type { DatabaseSync } from 'node:sqlite'
import { money } from '../rows.ts'
import type { Bucket, SpendingTable, Transaction } from '../tables.ts'
import { KeptRows } from './kept-rows.ts'
import type { Pending } from './pending.ts'

interface Total extends Bucket {
  readonly amount: bigint
}

export class Spending implements SpendingTable {
  readonly #rows: KeptRows<Bucket, Total>

  constructor(db: DatabaseSync, pending: Pending) {
    const sql = prepare(db)
    this.#rows = new KeptRows({
      pending,
      nameOf: ({ sessionId, bucket }) => `${sessionId} ${bucket}`,
      read: ({ sessionId, bucket }) => {
        const row = sql.used.get(sessionId, bucket)
        return row && { sessionId, bucket, amount: money(row, 'amount') }
      },
      put: ({ sessionId, bucket, amount }) => sql.put.run(sessionId, bucket, amount),
    })
  }

  used(bucket: Bucket): bigint {
    return this.#rows.get(bucket)?.amount ?? 0n
  }

  add(_tx: Transaction, bucket: Bucket, amount: bigint): void {
    this.#move(bucket, amount)
  }

  takeBack(_tx: Transaction, bucket: Bucket, amount: bigint): void {
    this.#move(bucket, -amount)
  }

  /** The last guard, whatever was decided: nothing is negative. */
  #move({ sessionId, bucket }: Bucket, by: bigint): void {
    const amount = this.used({ sessionId, bucket }) + by
    if (amount < 0n) throw new Error(`session ${sessionId} would not balance in ${bucket}`)
    this.#rows.set({ sessionId, bucket, amount })
  }
}

function prepare(db: DatabaseSync) {
  return {
    used: db.prepare('SELECT amount FROM spending WHERE session_id = ? AND bucket = ?'),
    put: db.prepare(`
      INSERT INTO spending (session_id, bucket, amount) VALUES (?, ?, ?)
      ON CONFLICT (session_id, bucket) DO UPDATE SET amount = excluded.amount`),
  }
}
