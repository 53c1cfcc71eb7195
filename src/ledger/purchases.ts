/** Purchases: which later request is a repeat of an earlier one, and who works on it now. */
import type { DatabaseSync } from 'node:sqlite'
import { KEYED_PURCHASE_TTL_MS, PURCHASE_LEASE_MS, UNDELIVERED_TTL_MS } from '../limits.ts'
import type { Transaction } from './batch.ts'
import type { Payment, PurchaseIdentity } from './ledger.ts'
import { type PaymentRecord, readRecord } from './payment-row.ts'
import { maybeText, type Row, text, word } from './rows.ts'

/**
 * `live`: its requester waits. `orphan`: the requester is gone and the attempt still runs. `none`: nobody works on it,
 * so that the next identical request may take it over.
 */
export type Holder = 'live' | 'orphan' | 'none'

/** A purchase that is open. It has exactly one payment and stands in its row. */
export interface Purchase {
  readonly id: string
  readonly fingerprint: string
  readonly keyed: boolean
  readonly holder: Holder
  readonly record: PaymentRecord
}

export class Purchases {
  readonly #sql: ReturnType<typeof prepare>
  readonly #runId: string

  constructor(db: DatabaseSync, runId: string) {
    this.#sql = prepare(db)
    this.#runId = runId
  }

  /** The purchase of this payment is this run's now, and its requester waits. */
  claim(tx: Transaction, paymentId: string): void {
    this.#sql.claim.run(this.#runId, tx.now + PURCHASE_LEASE_MS, paymentId)
  }

  hold(_tx: Transaction, paymentId: string, holder: Holder): void {
    this.#sql.hold.run(holder, paymentId)
  }

  /** True where something may be open for this identity; says so without a transaction. */
  mayBeOpen(identity: PurchaseIdentity): boolean {
    return this.#rows(identity).length > 0
  }

  /** The purchases that this request would repeat, oldest first; those whose time is over are ended here. */
  open(tx: Transaction, identity: PurchaseIdentity): Purchase[] {
    return this.#rows(identity)
      .map((row) => readPurchase(row, this.#runId))
      .filter((purchase) => this.#lasts(tx, purchase))
  }

  #rows({ sessionId, fingerprint, keyDigest }: PurchaseIdentity): Row[] {
    return keyDigest === null ? this.#sql.unkeyed.all(sessionId, fingerprint) : this.#sql.keyed.all(sessionId, keyDigest)
  }

  #lasts(tx: Transaction, { keyed, record }: Purchase): boolean {
    const lasts = tx.now < endOf(keyed, record.payment)
    if (!lasts) this.#sql.end.run(record.payment.id)
    return lasts
  }
}

/** Until when a request repeats this purchase: while money may move or was not delivered for, and keyed ones for a day. */
function endOf(keyed: boolean, payment: Payment): number {
  const { state, delivered, deliveredAt, concludedAt } = payment
  if (delivered) return keyed ? (deliveredAt ?? 0) + KEYED_PURCHASE_TTL_MS : 0
  switch (state) {
    case 'settled':
    case 'expired':
      return (concludedAt ?? 0) + (keyed ? KEYED_PURCHASE_TTL_MS : UNDELIVERED_TTL_MS)
    case 'void':
    case 'denied':
      return 0
    default:
      return Number.POSITIVE_INFINITY
  }
}

/** One process owns the file, so what another run held is nobody's now. */
function readPurchase(row: Row, runId: string): Purchase {
  return {
    id: text(row, 'purchase_id'),
    fingerprint: text(row, 'fingerprint'),
    keyed: maybeText(row, 'key_digest') !== null,
    holder: maybeText(row, 'holder_run') === runId ? word(row, 'holder', ['live', 'orphan', 'none']) : 'none',
    record: readRecord(row),
  }
}

function prepare(db: DatabaseSync) {
  return {
    claim: db.prepare(`UPDATE payments SET holder_run = ?, lease_until = ?, holder = 'live' WHERE id = ?`),
    hold: db.prepare('UPDATE payments SET holder = ? WHERE id = ?'),
    end: db.prepare(`UPDATE payments SET purchase_open = 0, holder = 'none' WHERE id = ?`),
    unkeyed: db.prepare(`
      SELECT * FROM payments WHERE session_id = ? AND fingerprint = ? AND purchase_open = 1 AND key_digest IS NULL ORDER BY seq`),
    keyed: db.prepare(`
      SELECT * FROM payments WHERE session_id = ? AND key_digest = ? AND purchase_open = 1 AND key_digest IS NOT NULL`),
  }
}
