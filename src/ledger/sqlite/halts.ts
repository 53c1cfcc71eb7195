/** The kill switch: what is stopped until a person resumes it. */
import type { DatabaseSync } from 'node:sqlite'
import type { Halt } from '../administration.ts'
import { int, type Row, text, word } from '../rows.ts'
import type { HaltTable, Transaction } from '../tables.ts'
import type { Behind, Pending } from './pending.ts'

export class Halts implements HaltTable, Behind {
  readonly #sql: ReturnType<typeof prepare>
  readonly #pending: Pending
  /** Every payment asks for them, and people change them here alone. */
  #all: readonly Halt[] | undefined

  constructor(db: DatabaseSync, pending: Pending) {
    this.#sql = prepare(db)
    this.#pending = pending
    pending.join(this)
  }

  set(_tx: Transaction, { scope, value, reason, at }: Halt): void {
    this.#change(() => this.#sql.set.run(scope, value, reason, at))
  }

  lift(_tx: Transaction, { scope, value }: Pick<Halt, 'scope' | 'value'>): void {
    this.#change(() => this.#sql.lift.run(scope, value))
  }

  all(): readonly Halt[] {
    this.#all ??= this.#sql.all.all().map(readHalt)
    return this.#all
  }

  forget(): void {
    this.#all = undefined
  }

  #change(change: () => void): void {
    this.#pending.onUndo(() => this.forget())
    change()
    this.forget()
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
