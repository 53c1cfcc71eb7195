/** Answers that were paid for and may be asked for again: sealed by whoever keeps them, bounded in all, the oldest go first. */
import type { DatabaseSync } from 'node:sqlite'
import { KEPT_ANSWERS_BYTES } from '../../limits.ts'
import type { KeptAnswer } from '../ledger.ts'
import { int, type Row } from '../rows.ts'
import type { Transaction } from '../tables.ts'

export class Answers {
  readonly #sql: ReturnType<typeof prepare>
  readonly #bound: number
  /** Bytes that are kept; counted once, because one process owns the file. */
  #total: number | undefined

  constructor(db: DatabaseSync, bound = KEPT_ANSWERS_BYTES) {
    this.#sql = prepare(db)
    this.#bound = bound
  }

  /** Keeps the answer in place of an earlier one of this payment; what has expired goes, and the oldest beyond the bound. */
  keep(tx: Transaction, paymentId: string, { sealed, expiresAt }: KeptAnswer): void {
    this.#total ??= sizeOf(this.#sql.total.get())
    this.#drop(this.#sql.dropOf.all(paymentId))
    this.#drop(this.#sql.dropExpired.all(tx.now))
    while (this.#total + sealed.length > this.#bound) {
      const oldest: Row[] = this.#sql.dropOldest.all()
      if (oldest.length === 0) return
      this.#drop(oldest)
    }
    this.#sql.insert.run(paymentId, sealed, sealed.length, expiresAt)
    this.#total += sealed.length
  }

  /** @param now Milliseconds since 1970; what has expired by then is not there any more. */
  find(paymentId: string, now: number): KeptAnswer | undefined {
    const row: Row | undefined = this.#sql.find.get(paymentId, now)
    return row && { sealed: bytesIn(row), expiresAt: int(row, 'expires_at') }
  }

  #drop(rows: Row[]): void {
    for (const row of rows) this.#total = (this.#total ?? 0) - int(row, 'bytes')
  }
}

function sizeOf(row: Row | undefined): number {
  return row ? int(row, 'bytes') : 0
}

function bytesIn(row: Row): Uint8Array {
  const { sealed } = row
  if (sealed instanceof Uint8Array) return sealed
  throw new Error('a kept answer is no blob')
}

function prepare(db: DatabaseSync) {
  return {
    total: db.prepare('SELECT coalesce(sum(bytes), 0) AS bytes FROM kept_answers'),
    insert: db.prepare('INSERT INTO kept_answers (payment_id, sealed, bytes, expires_at) VALUES (?, ?, ?, ?)'),
    find: db.prepare('SELECT sealed, expires_at FROM kept_answers WHERE payment_id = ? AND expires_at > ?'),
    dropOf: db.prepare('DELETE FROM kept_answers WHERE payment_id = ? RETURNING bytes'),
    dropExpired: db.prepare('DELETE FROM kept_answers WHERE expires_at <= ? RETURNING bytes'),
    dropOldest: db.prepare('DELETE FROM kept_answers WHERE seq = (SELECT min(seq) FROM kept_answers) RETURNING bytes'),
  }
}
