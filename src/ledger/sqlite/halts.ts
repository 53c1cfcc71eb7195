/** The kill switch: what is stopped until a person resumes it. */
import type { DatabaseSync } from 'node:sqlite'
import type { Halt } from '../administration.ts'
import { int, type Row, text, word } from '../rows.ts'
import type { HaltTable, Transaction } from '../tables.ts'

export class Halts implements HaltTable {
  readonly #sql: ReturnType<typeof prepare>

  constructor(db: DatabaseSync) {
    this.#sql = prepare(db)
  }

  set(_tx: Transaction, { scope, value, reason, at }: Halt): void {
    this.#sql.set.run(scope, value, reason, at)
  }

  lift(_tx: Transaction, { scope, value }: Pick<Halt, 'scope' | 'value'>): void {
    this.#sql.lift.run(scope, value)
  }

  all(): Halt[] {
    return this.#sql.all.all().map(readHalt)
  }
}

function readHalt(row: Row): Halt {
  const scope = word(row, 'scope', ['all', 'agent', 'session', 'recipient'])
  return { scope, value: text(row, 'value'), reason: text(row, 'reason'), at: int(row, 'at') }
}

function prepare(db: DatabaseSync) {
  return {
    set: db.prepare(`
      INSERT INTO halts (scope, value, reason, at) VALUES (?, ?, ?, ?)
      ON CONFLICT (scope, value) DO UPDATE SET reason = excluded.reason, at = excluded.at`),
    lift: db.prepare('DELETE FROM halts WHERE scope = ? AND value = ?'),
    all: db.prepare('SELECT scope, value, reason, at FROM halts ORDER BY at, scope, value'),
  }
}
