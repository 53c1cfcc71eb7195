/** The policy that is in force, as its version was announced. */
import type { DatabaseSync } from 'node:sqlite'
import { type Row, text } from '../rows.ts'
import type { PolicyTable, Transaction } from '../tables.ts'

export class PolicyInForce implements PolicyTable {
  readonly #put
  /** Read for every payment; one process owns the file, so that it changes here only. */
  #version: string | undefined

  constructor(db: DatabaseSync) {
    const row: Row | undefined = db.prepare(`SELECT value FROM meta WHERE key = 'policy'`).get()
    this.#version = row && text(row, 'value')
    this.#put = db.prepare(`INSERT INTO meta (key, value) VALUES ('policy', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value`)
  }

  inForce(): string | undefined {
    return this.#version
  }

  /** True where another one was in force until now. */
  announce(_tx: Transaction, version: string): boolean {
    if (this.#version === version) return false
    this.#put.run(version)
    this.#version = version
    return true
  }
}
