/** Idempotency keys of the admin door: the same key with the same request does its work once. */
import type { DatabaseSync } from 'node:sqlite'
import { refused } from '../../errors.ts'
import type { AdminKey } from '../administration.ts'
import { type Row, text } from '../rows.ts'
import type { AdminKeyTable, KeyedOperation, Transaction } from '../tables.ts'

export class AdminKeys implements AdminKeyTable {
  readonly #sql: ReturnType<typeof prepare>

  constructor(db: DatabaseSync) {
    this.#sql = prepare(db)
  }

  used(operation: KeyedOperation, key: AdminKey | undefined): string | undefined {
    const row: Row | undefined = key && this.#sql.find.get(key.key)
    if (!key || !row) return undefined
    if (text(row, 'digest') !== key.digest || text(row, 'operation') !== operation) {
      throw refused('conflict', 'This Idempotency-Key was used for another request; use a fresh one.')
    }
    return text(row, 'session_id')
  }

  claim(_tx: Transaction, operation: KeyedOperation, use: { readonly key: AdminKey | undefined; readonly sessionId: string }): void {
    if (use.key) this.#sql.insert.run(use.key.key, operation, use.key.digest, use.sessionId)
  }
}

function prepare(db: DatabaseSync) {
  return {
    find: db.prepare('SELECT operation, digest, session_id FROM admin_keys WHERE key = ?'),
    insert: db.prepare('INSERT INTO admin_keys (key, operation, digest, session_id) VALUES (?, ?, ?, ?)'),
  }
}
