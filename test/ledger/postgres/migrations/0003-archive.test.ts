import { expect, it } from 'vitest'
import { archive } from '../../../../src/ledger/postgres/migrations/0003-archive.ts'
import { MIGRATIONS } from '../../../../src/ledger/postgres/migrations/migrate.ts'
import { archive as ofSqlite } from '../../../../src/ledger/sqlite/migrations/0003-archive.ts'

const columnsOf = (sql: string) => [...sql.matchAll(/^ {2}([a-z_]+) (?:bigint|text|INTEGER|TEXT)/gm)].map(([, name]) => name)

it('the archive has the same columns in both ledgers, and keeps a program away that would miss what has left', () => {
  expect(columnsOf(archive)).toEqual(columnsOf(ofSqlite))
  expect(columnsOf(archive)).toHaveLength(13)
  expect(MIGRATIONS.find(({ sql }) => sql === archive)).toMatchObject({ breaking: true })
})
