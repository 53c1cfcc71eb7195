/** What belongs to this ledger alone: its id, how often it was committed, and the fingerprints of its secrets. */
import type { DatabaseSync } from 'node:sqlite'
import type { Ids } from '../../clock.ts'
import { checkFingerprints } from '../fingerprints.ts'
import { type Row, text } from '../rows.ts'
import type { Transaction } from '../tables.ts'

const FINGERPRINT = 'fingerprint:'

export class Identity {
  /** Made with the file, unique for ever. */
  readonly ledgerId: string
  readonly #sql: ReturnType<typeof prepare>

  constructor(db: DatabaseSync, ids: Ids) {
    this.#sql = prepare(db)
    const found: Row | undefined = this.#sql.find.get('ledger_id')
    this.ledgerId = found ? text(found, 'value') : ids('led')
    if (!found) this.#sql.put.run('ledger_id', this.ledgerId)
  }

  /** How many commits this file has seen. */
  commits(): bigint {
    const row: Row | undefined = this.#sql.find.get('commits')
    return row ? BigInt(text(row, 'value')) : 0n
  }

  /** Belongs into the transaction that it counts. */
  setCommits(count: bigint): void {
    this.#sql.put.run('commits', count.toString())
  }

  /**
   * Those of the fingerprints that are not kept yet.
   * @throws PurserError `conflict` where one differs from the one of whoever came first.
   */
  unclaimed(fingerprints: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
    const rows: Row[] = this.#sql.fingerprints.all()
    const known = Object.fromEntries(rows.map((row) => [text(row, 'key').slice(FINGERPRINT.length), text(row, 'value')]))
    return checkFingerprints(known, fingerprints)
  }

  /** Keeps what nobody has claimed before. @throws as `unclaimed` */
  claim(_tx: Transaction, fingerprints: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(this.unclaimed(fingerprints))) this.#sql.put.run(`${FINGERPRINT}${name}`, value)
  }
}

function prepare(db: DatabaseSync) {
  return {
    find: db.prepare('SELECT value FROM meta WHERE key = ?'),
    put: db.prepare('INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value'),
    fingerprints: db.prepare(`SELECT key, value FROM meta WHERE key LIKE '${FINGERPRINT}%'`),
  }
}
