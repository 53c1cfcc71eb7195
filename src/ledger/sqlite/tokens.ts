/** Admin tokens: their roles and hashes; the tokens themselves are nowhere. */
import type { DatabaseSync } from 'node:sqlite'
import type { AdminToken } from '../administration.ts'
import { int, maybeInt, maybeText, type Row, text, word } from '../rows.ts'
import type { Transaction } from '../tables.ts'

export class Tokens {
  readonly #sql: ReturnType<typeof prepare>

  constructor(db: DatabaseSync) {
    this.#sql = prepare(db)
  }

  create(_tx: Transaction, { id, role, person, label, createdAt, revokedAt }: AdminToken, hash: string): void {
    this.#sql.create.run(id, hash, role, person, label, createdAt, revokedAt)
  }

  /** True where it was valid until now. */
  revoke(tx: Transaction, id: string): boolean {
    return BigInt(this.#sql.revoke.run(tx.now, id).changes) === 1n
  }

  /** A revoked token is not found: it opens nothing. */
  findByHash(hash: string): AdminToken | undefined {
    const row = this.#sql.byHash.get(hash)
    return row && readToken(row)
  }

  /** Newest first. */
  all(): AdminToken[] {
    return this.#sql.all.all().map(readToken)
  }
}

function readToken(row: Row): AdminToken {
  return {
    id: text(row, 'id'),
    role: word(row, 'role', ['all', 'operator', 'approver', 'auditor']),
    person: maybeText(row, 'person'),
    label: text(row, 'label'),
    createdAt: int(row, 'created_at'),
    revokedAt: maybeInt(row, 'revoked_at'),
  }
}

function prepare(db: DatabaseSync) {
  return {
    create: db.prepare('INSERT INTO admin_tokens (id, hash, role, person, label, created_at, revoked_at) VALUES (?, ?, ?, ?, ?, ?, ?)'),
    revoke: db.prepare('UPDATE admin_tokens SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL'),
    byHash: db.prepare('SELECT * FROM admin_tokens WHERE hash = ? AND revoked_at IS NULL'),
    all: db.prepare('SELECT * FROM admin_tokens ORDER BY created_at DESC, id'),
  }
}
