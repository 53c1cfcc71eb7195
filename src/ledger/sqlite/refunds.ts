/** Money that came back, each transfer or entry once; and corrections that one person has proposed. */
import type { DatabaseSync } from 'node:sqlite'
import type { Correction, Refund } from '../findings.ts'
import { int, maybeText, type Row, text, word } from '../rows.ts'
import type { CorrectionTable, RefundTable, Transaction } from '../tables.ts'

export class Refunds implements RefundTable {
  readonly #find
  readonly #insert
  readonly #of

  constructor(db: DatabaseSync) {
    this.#find = db.prepare('SELECT payment_id, amount_atomic FROM refunds WHERE source = ?')
    this.#insert = db.prepare(`
      INSERT INTO refunds (source, payment_id, amount_atomic, evidence, entered_by, at) VALUES (?, ?, ?, ?, ?, ?)`)
    this.#of = db.prepare('SELECT amount_atomic FROM refunds WHERE payment_id = ?')
  }

  find(source: string): Pick<Refund, 'paymentId' | 'amountAtomic'> | undefined {
    const row: Row | undefined = this.#find.get(source)
    return row && { paymentId: text(row, 'payment_id'), amountAtomic: BigInt(text(row, 'amount_atomic')) }
  }

  insert(_tx: Transaction, { source, paymentId, amountAtomic, evidence, by, at }: Refund): void {
    this.#insert.run(source, paymentId, amountAtomic.toString(), evidence, by, at)
  }

  /** Atomic units may need more than 64 bits, so they are not summed by SQLite. */
  total(paymentId: string): bigint {
    return this.#of.all(paymentId).reduce((total, row: Row) => total + BigInt(text(row, 'amount_atomic')), 0n)
  }
}

export class Corrections implements CorrectionTable {
  readonly #find
  readonly #put
  readonly #remove

  constructor(db: DatabaseSync) {
    this.#find = db.prepare('SELECT * FROM corrections WHERE payment_id = ?')
    this.#put = db.prepare(`
      INSERT INTO corrections (payment_id, outcome, tx, evidence, entered_by, at) VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT (payment_id) DO UPDATE
      SET outcome = excluded.outcome, tx = excluded.tx, evidence = excluded.evidence, entered_by = excluded.entered_by, at = excluded.at`)
    this.#remove = db.prepare('DELETE FROM corrections WHERE payment_id = ?')
  }

  find(paymentId: string): Correction | undefined {
    const row: Row | undefined = this.#find.get(paymentId)
    return row && readCorrection(row)
  }

  put(_tx: Transaction, { paymentId, outcome, transaction, evidence, by, at }: Correction): void {
    this.#put.run(paymentId, outcome, transaction, evidence, by, at)
  }

  remove(_tx: Transaction, paymentId: string): void {
    this.#remove.run(paymentId)
  }
}

/** Reads `payment_id`, `outcome`, `tx`, `evidence`, `entered_by` and `at`. */
export function readCorrection(row: Row): Correction {
  return {
    paymentId: text(row, 'payment_id'),
    outcome: word(row, 'outcome', ['settled', 'void']),
    transaction: maybeText(row, 'tx'),
    evidence: text(row, 'evidence'),
    by: text(row, 'entered_by'),
    at: int(row, 'at'),
  }
}
