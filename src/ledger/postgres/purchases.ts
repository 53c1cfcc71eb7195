/** Purchases in the working set: which later request is a repeat of an earlier one, and who works on it now. */
import { PURCHASE_LEASE_MS } from '../../limits.ts'
import type { PurchaseIdentity } from '../ledger.ts'
import { type Holder, lasts, type Onlooker, type Purchase, readHolder, readPurchase, takenElsewhere } from '../purchase-row.ts'
import { money, type Row, text } from '../rows.ts'
import type { PurchaseTable, Transaction } from '../tables.ts'
import type { WorkingSet } from './working-set.ts'

export class Purchases implements PurchaseTable {
  readonly #set: WorkingSet
  readonly #runId: string

  constructor(set: WorkingSet, runId: string) {
    this.#set = set
    this.#runId = runId
  }

  claim(tx: Transaction, paymentId: string): void {
    const lease = { holder: 'live', holder_run: this.#runId, lease_until: tx.now + PURCHASE_LEASE_MS }
    this.#set.update('payments', this.#row(paymentId), lease)
  }

  /** Who took it over keeps it. */
  hold(_tx: Transaction, paymentId: string, holder: Holder): void {
    const row = this.#row(paymentId)
    if (row.holder_run === this.#runId) this.#set.update('payments', row, { holder })
  }

  holder(tx: Transaction, paymentId: string): Holder {
    return readHolder(this.#row(paymentId), this.#onlooker(tx))
  }

  elsewhere(tx: Transaction, identity: PurchaseIdentity): string | undefined {
    return takenElsewhere(this.#purchases(tx, identity), { runId: this.#runId, now: tx.now })
  }

  open(tx: Transaction, identity: PurchaseIdentity): Purchase[] {
    return this.#purchases(tx, identity).filter((purchase) => this.#lasts(tx, purchase))
  }

  #lasts(tx: Transaction, purchase: Purchase): boolean {
    if (lasts(purchase, tx.now)) return true
    this.#set.update('payments', this.#row(purchase.record.payment.id), { purchase_open: 0n, holder: 'none' })
    return false
  }

  /** Oldest first. */
  #purchases(tx: Transaction, identity: PurchaseIdentity): Purchase[] {
    const onlooker = this.#onlooker(tx)
    return this.#rows(identity)
      .sort((a, b) => (money(a, 'seq') < money(b, 'seq') ? -1 : 1))
      .map((row) => readPurchase(row, onlooker))
  }

  #rows({ sessionId, fingerprint, keyDigest }: PurchaseIdentity): Row[] {
    const rows = keyDigest === null ? this.#set.rows('unkeyed', fingerprint) : this.#set.rows('keyed', keyDigest)
    return rows.filter((row) => row.session_id === sessionId)
  }

  #onlooker({ now }: Transaction): Onlooker {
    const living = new Set(this.#set.rows('livingRuns').map((row) => text(row, 'id')))
    return { now, runId: this.#runId, alive: (run) => run === this.#runId || living.has(run) }
  }

  #row(paymentId: string): Row {
    const row = this.#set.row('payment', paymentId)
    if (!row) throw new Error(`payment ${paymentId} has no row`)
    return row
  }
}
