import { expect, it } from 'vitest'
import { fundings } from '../../../../src/ledger/postgres/migrations/0005-fundings.ts'
import { MIGRATIONS } from '../../../../src/ledger/postgres/migrations/migrate.ts'
import { fundings as ofSqlite } from '../../../../src/ledger/sqlite/migrations/0006-fundings.ts'

const columnsOf = (sql: string) => [...sql.matchAll(/^ {2}([a-z_]+) (?:bigint|text|INTEGER|TEXT)/gm)].map(([, name]) => name)

it('fundings have the same columns in both ledgers, and keep no older program away: it only adds', () => {
  expect(columnsOf(fundings)).toEqual(columnsOf(ofSqlite))
  expect(columnsOf(fundings)).toHaveLength(23)
  expect(MIGRATIONS.find(({ sql }) => sql === fundings)).toMatchObject({ breaking: false })
})
