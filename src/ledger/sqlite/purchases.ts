/** Purchases: which later request is a repeat of an earlier one, and who works on it now. */
import type { DatabaseSync } from 'node:sqlite'
import { PURCHASE_LEASE_MS } from '../../limits.ts'
import type { PurchaseIdentity } from '../ledger.ts'
import { type Holder, holderOf, lasts, type Onlooker, type Purchase, purchaseOf, takenElsewhere } from '../purchase-row.ts'
import type { Row } from '../rows.ts'
import type { PurchaseTable, Transaction } from '../tables.ts'
import type { PaymentEntry } from './payment-entry.ts'
import type { PaymentRows } from './payment-rows.ts'

export class Purchases implements PurchaseTable {
  readonly #sql: ReturnType<typeof prepare>
  readonly #rows: PaymentRows
  readonly #runId: string
  /** Runs of workers, which reach the file through this process, while they live. */
  readonly workers = new Set<string>()

  constructor({ db, runId, rows }: { readonly db: DatabaseSync; readonly runId: string; readonly rows: PaymentRows }) {
    this.#sql = prepare(db)
    this.#rows = rows
    this.#runId = runId
  }

  claim(tx: Transaction, paymentId: string): void {
    const entry = this.#rows.find(paymentId)
    if (entry)
      this.#rows.change(entry, { ...entry, holder: 'live', holderRun: tx.run ?? this.#runId, leaseUntil: tx.now + PURCHASE_LEASE_MS })
  }

  /** What another run took over is not touched. */
  hold(tx: Transaction, paymentId: string, holder: Holder): void {
    const entry = this.#rows.find(paymentId)
    if (entry?.holderRun === (tx.run ?? this.#runId) && entry.holder !== holder) this.#rows.change(entry, { ...entry, holder })
  }

  holder(tx: Transaction, paymentId: string): Holder {
    const entry = this.#rows.find(paymentId)
    return entry ? holderOf(entry, this.#onlooker(tx)) : 'none'
  }

  /** One process owns the file: nobody works elsewhere but its workers. */
  elsewhere(tx: Transaction, identity: PurchaseIdentity): string | undefined {
    if (tx.run === undefined && this.workers.size === 0) return undefined
    const onlooker = this.#onlooker(tx)
    return takenElsewhere(
      this.#entries(identity).map((entry) => purchaseOf(entry, onlooker)),
      onlooker,
    )
  }

  /** True where something may be open for this identity; says so without a transaction. */
  mayBeOpen(identity: PurchaseIdentity): boolean {
    return this.#entries(identity).length > 0
  }

  open(tx: Transaction, identity: PurchaseIdentity): Purchase[] {
    const open: Purchase[] = []
    for (const entry of this.#entries(identity)) {
      const purchase = purchaseOf(entry, this.#onlooker(tx))
      if (lasts(purchase, tx.now)) open.push(purchase)
      else this.#rows.change(entry, { ...entry, open: false, holder: 'none' })
    }
    return open
  }

  /** Oldest first: those in the file, as they are by now, and those that are not in it yet. */
  #entries(identity: PurchaseIdentity): PaymentEntry[] {
    const { sessionId, fingerprint, keyDigest } = identity
    const stored: Row[] = keyDigest === null ? this.#sql.unkeyed.all(sessionId, fingerprint) : this.#sql.keyed.all(sessionId, keyDigest)
    const pending = this.#rows.repeatedBy(identity)
    if (stored.length === 0 && pending.length === 0) return []
    const entries = new Map([...stored.map((row) => this.#rows.read(row)), ...pending].map((entry) => [entry.seq, entry]))
    return [...entries.values()].filter(({ open }) => open).sort((a, b) => (a.seq < b.seq ? -1 : 1))
  }

  /** One process owns the file: every other run than its own and its workers' has ended. */
  #onlooker({ now, run = this.#runId }: Transaction): Onlooker {
    return { runId: run, now, alive: (other) => other === this.#runId || this.workers.has(other) }
  }
}

function prepare(db: DatabaseSync) {
  return {
    unkeyed: db.prepare('SELECT * FROM payments WHERE session_id = ? AND fingerprint = ? AND purchase_open = 1 AND key_digest IS NULL'),
    keyed: db.prepare(`
      SELECT * FROM payments WHERE session_id = ? AND key_digest = ? AND purchase_open = 1 AND key_digest IS NOT NULL`),
  }
}
