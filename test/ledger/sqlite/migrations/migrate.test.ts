import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { MIGRATIONS, migrate } from '../../../../src/ledger/sqlite/migrations/migrate.ts'

const empty = () => new DatabaseSync(':memory:', { readBigInts: true })
const version = (db: DatabaseSync) => db.prepare('PRAGMA user_version').get()?.user_version
const tables = (db: DatabaseSync) => db.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table'`).all().length

describe('migrations', () => {
  it('bring an empty file up to date, and a second time change nothing', () => {
    const db = empty()
    migrate(db)
    const before = tables(db)
    migrate(db)
    expect([version(db), tables(db)]).toEqual([BigInt(MIGRATIONS.length), before])
    expect(before).toBeGreaterThan(5)
  })

  it('leave a file alone that a newer program wrote', () => {
    const db = empty()
    db.exec('PRAGMA user_version = 99')
    expect(() => migrate(db)).toThrow('ledger_unavailable: The ledger has schema 99')
    expect(tables(db)).toBe(0)
  })
})
