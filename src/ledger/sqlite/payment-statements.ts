/** The statements on the payments' table: a row is inserted whole, and updated by what has changed of it. */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { LRUCache } from 'lru-cache'
import { MAX_KEPT_UPDATES } from '../../hot-path-limits.ts'
import { FIXED, MOVING, type Moving } from './payment-entry.ts'

export class PaymentStatements {
  readonly byId: StatementSync
  readonly hasId: StatementSync
  readonly hasNonce: StatementSync
  readonly last: StatementSync
  /** By place: binding so many by name costs as much as the insert. */
  readonly insert: StatementSync
  readonly #db: DatabaseSync
  /** By the columns that they set. */
  readonly #updates = new LRUCache<string, StatementSync>({ max: MAX_KEPT_UPDATES })

  constructor(db: DatabaseSync) {
    const columns = [...FIXED, ...MOVING]
    this.#db = db
    this.byId = db.prepare('SELECT * FROM payments WHERE id = ?')
    this.hasId = db.prepare('SELECT 1 FROM payments WHERE id = ?')
    this.hasNonce = db.prepare('SELECT 1 FROM payments WHERE nonce = ?')
    this.last = db.prepare('SELECT coalesce(max(seq), 0) AS seq FROM payments')
    this.insert = db.prepare(`INSERT INTO payments (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`)
  }

  /** Only the indexes over what has changed are touched. */
  update(seq: bigint, before: Moving, after: Moving): void {
    const changed = MOVING.filter((_, place) => before[place] !== after[place])
    if (changed.length === 0) return
    const assigned = changed.map((name) => `${name} = ?`).join(', ')
    const statement = this.#updates.get(assigned) ?? this.#db.prepare(`UPDATE payments SET ${assigned} WHERE seq = ?`)
    this.#updates.set(assigned, statement)
    statement.run(...after.filter((value, place) => before[place] !== value), seq)
  }
}
