import { expect, it } from 'vitest'
import { channels } from '../../../../src/ledger/postgres/migrations/0004-channels.ts'
import { MIGRATIONS } from '../../../../src/ledger/postgres/migrations/migrate.ts'
import { channels as ofSqlite } from '../../../../src/ledger/sqlite/migrations/0005-channels.ts'

const columnsOf = (sql: string) => [...sql.matchAll(/^ {2}([a-z_]+) (?:bigint|text|INTEGER|TEXT)/gm)].map(([, name]) => name)

it('channels have the same columns in both ledgers, and keep a program away that would count vouchers as money', () => {
  expect(columnsOf(channels).sort()).toEqual(columnsOf(ofSqlite).sort())
  expect(columnsOf(channels)).toHaveLength(39)
  expect(MIGRATIONS.find(({ sql }) => sql === channels)).toMatchObject({ breaking: true })
})
