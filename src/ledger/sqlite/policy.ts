/** The policy that is in force, as its version was announced, and the texts of all that were. */
import type { DatabaseSync } from 'node:sqlite'
import { MAX_PAGE } from '../../limits.ts'
import type { PolicyRecord } from '../administration.ts'
import { int, type Row, text } from '../rows.ts'
import type { PolicyTable, Transaction } from '../tables.ts'

export class PolicyInForce implements PolicyTable {
  readonly #db: DatabaseSync
  readonly #put
  readonly #keep
  /** Read for every payment; one process owns the file, so that it changes here only. */
  #version: string | undefined

  constructor(db: DatabaseSync) {
    this.#db = db
    const row: Row | undefined = db.prepare(`SELECT value FROM meta WHERE key = 'policy'`).get()
    this.#version = row && text(row, 'value')
    this.#put = db.prepare(`INSERT INTO meta (key, value) VALUES ('policy', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value`)
    this.#keep = db.prepare('INSERT INTO policies (version, text, since) VALUES (?, ?, ?) ON CONFLICT (version) DO NOTHING')
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

  /** The first text of a version stays: a version is the digest of what it says. */
  keep({ now }: Transaction, version: string, text: string): void {
    this.#keep.run(version, text, now)
  }

  record(version: string): PolicyRecord | undefined {
    const row: Row | undefined = this.#db.prepare('SELECT version, text, since FROM policies WHERE version = ?').get(version)
    return row && readPolicy(row)
  }

  /** Newest first; bounded. */
  records(): PolicyRecord[] {
    return this.#db
      .prepare('SELECT version, text, since FROM policies ORDER BY since DESC, version DESC LIMIT ?')
      .all(MAX_PAGE)
      .map(readPolicy)
  }
}

function readPolicy(row: Row): PolicyRecord {
  return { version: text(row, 'version'), text: text(row, 'text'), since: int(row, 'since') }
}
