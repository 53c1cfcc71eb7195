/** Migrations: numbered, forward only, each in a transaction of its own. */
import type { DatabaseSync } from 'node:sqlite'
import * as z from 'zod'
import { refused } from '../../../errors.ts'
import { initial } from './0001-initial.ts'
import { replacedPayments } from './0002-replaced-payments.ts'
import { archive } from './0003-archive.ts'
import { fewerPages } from './0004-fewer-pages.ts'
import { channels } from './0005-channels.ts'
import { fundings } from './0006-fundings.ts'

/** In order; the place in the list, from 1, is the version. Entries are never changed or removed once released. */
export const MIGRATIONS: readonly string[] = [initial, replacedPayments, archive, fewerPages, channels, fundings]

const versionRow = z.object({ user_version: z.bigint() })

/**
 * Brings the schema up to date.
 * @throws PurserError `ledger_unavailable` where a newer program has written the file: it is left untouched.
 */
export function migrate(db: DatabaseSync): void {
  const version = Number(versionRow.parse(db.prepare('PRAGMA user_version').get()).user_version)
  if (version > MIGRATIONS.length) {
    const detail = `The ledger has schema ${version} and this program knows ${MIGRATIONS.length}: a newer Purser wrote it.`
    throw refused('ledger_unavailable', detail)
  }
  MIGRATIONS.slice(version).forEach((sql, index) => {
    db.exec(`BEGIN IMMEDIATE; ${sql}; PRAGMA user_version = ${version + index + 1}; COMMIT`)
  })
}
