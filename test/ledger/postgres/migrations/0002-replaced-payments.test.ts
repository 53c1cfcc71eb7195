import { describe, expect, it } from 'vitest'
import { replacedPayments } from '../../../../src/ledger/postgres/migrations/0002-replaced-payments.ts'
import { MIGRATIONS } from '../../../../src/ledger/postgres/migrations/migrate.ts'
import { replacedPayments as ofSqlite } from '../../../../src/ledger/sqlite/migrations/0002-replaced-payments.ts'

const columnsOf = (sql: string) => [...sql.matchAll(/ADD COLUMN (\w+)/g)].map(([, name]) => name)

describe('payments that take the place of another one', () => {
  it('have the same columns in both ledgers', () => {
    expect(columnsOf(replacedPayments)).toEqual(columnsOf(ofSqlite))
    expect(columnsOf(replacedPayments)).toHaveLength(3)
  })

  it('keep a program away that would take a reused nonce for none', () => {
    expect(MIGRATIONS.find(({ sql }) => sql === replacedPayments)).toMatchObject({ breaking: true })
  })
})
