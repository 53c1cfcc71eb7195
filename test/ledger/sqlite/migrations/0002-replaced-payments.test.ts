import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { initial } from '../../../../src/ledger/sqlite/migrations/0001-initial.ts'
import { migrate } from '../../../../src/ledger/sqlite/migrations/migrate.ts'

const columns = (db: DatabaseSync) =>
  db
    .prepare(`SELECT name FROM pragma_table_info('payments')`)
    .all()
    .map(({ name }) => name)

describe('payments that take the place of another one', () => {
  it('are added to a ledger of an earlier program, whose rows have none', () => {
    const db = new DatabaseSync(':memory:', { readBigInts: true })
    db.exec(`${initial}; PRAGMA user_version = 1`)
    expect(columns(db)).not.toContain('replaces')
    migrate(db)
    expect(columns(db)).toEqual(expect.arrayContaining(['reused_nonce', 'replaces', 'replaced_by']))
    db.close()
  })
})
