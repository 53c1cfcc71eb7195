/** Purchases: which later request is a repeat of an earlier one, and who works on it now. */
import type { DatabaseSync } from 'node:sqlite'
import { PURCHASE_LEASE_MS } from '../../limits.ts'
import type { PurchaseIdentity } from '../ledger.ts'
import { type Holder, lasts, type Onlooker, type Purchase, readHolder, readPurchase } from '../purchase-row.ts'
import type { Row } from '../rows.ts'
import type { PurchaseTable, Transaction } from '../tables.ts'

export class Purchases implements PurchaseTable {
  readonly #sql: ReturnType<typeof prepare>
  readonly #runId: string

  constructor(db: DatabaseSync, runId: string) {
    this.#sql = prepare(db)
    this.#runId = runId
  }

  claim(tx: Transaction, paymentId: string): void {
    this.#sql.claim.run(this.#runId, tx.now + PURCHASE_LEASE_MS, paymentId)
  }

  /** What another run took over is not touched. */
  hold(_tx: Transaction, paymentId: string, holder: Holder): void {
    this.#sql.hold.run(holder, paymentId, this.#runId)
  }

  holder(tx: Transaction, paymentId: string): Holder {
    const row: Row | undefined = this.#sql.holder.get(paymentId)
    return row ? readHolder(row, this.#onlooker(tx)) : 'none'
  }

  /** One process owns the file: nobody works elsewhere. */
  elsewhere(): undefined {
    return undefined
  }

  /** True where something may be open for this identity; says so without a transaction. */
  mayBeOpen(identity: PurchaseIdentity): boolean {
    return this.#rows(identity).length > 0
  }

  open(tx: Transaction, identity: PurchaseIdentity): Purchase[] {
    return this.#rows(identity)
      .map((row) => readPurchase(row, this.#onlooker(tx)))
      .filter((purchase) => this.#lasts(tx, purchase))
  }

  #rows({ sessionId, fingerprint, keyDigest }: PurchaseIdentity): Row[] {
    return keyDigest === null ? this.#sql.unkeyed.all(sessionId, fingerprint) : this.#sql.keyed.all(sessionId, keyDigest)
  }

  #lasts(tx: Transaction, purchase: Purchase): boolean {
    const open = lasts(purchase, tx.now)
    if (!open) this.#sql.end.run(purchase.record.payment.id)
    return open
  }

  /** One process owns the file: every other run has ended. */
  #onlooker({ now }: Transaction): Onlooker {
    return { runId: this.#runId, now, alive: (run) => run === this.#runId }
  }
}

function prepare(db: DatabaseSync) {
  return {
    claim: db.prepare(`UPDATE payments SET holder_run = ?, lease_until = ?, holder = 'live' WHERE id = ?`),
    hold: db.prepare('UPDATE payments SET holder = ? WHERE id = ? AND holder_run = ?'),
    holder: db.prepare('SELECT holder, holder_run, lease_until FROM payments WHERE id = ?'),
    end: db.prepare(`UPDATE payments SET purchase_open = 0, holder = 'none' WHERE id = ?`),
    unkeyed: db.prepare(`
      SELECT * FROM payments WHERE session_id = ? AND fingerprint = ? AND purchase_open = 1 AND key_digest IS NULL ORDER BY seq`),
    keyed: db.prepare(`
      SELECT * FROM payments WHERE session_id = ? AND key_digest = ? AND purchase_open = 1 AND key_digest IS NOT NULL`),
  }
}
