import { describe, expect, it } from 'vitest'
import { MIGRATIONS } from '../../../src/ledger/postgres/migrations/migrate.ts'
import { ACCESS_NAMES, ACCESSES, type Access, PRIMARY_KEYS, StoreFault } from '../../../src/ledger/postgres/store.ts'

const SCHEMA = MIGRATIONS.map(({ sql }) => sql).join('')

function definitionOf(table: string): string {
  return new RegExp(`CREATE TABLE ${table} \\(\\n([\\s\\S]*?)\\n\\)`).exec(SCHEMA)?.[1] ?? ''
}

describe('the names by which rows are found', () => {
  it.each(Object.entries(PRIMARY_KEYS))('of %s are the primary key of its table', (table, columns) => {
    const key = /PRIMARY KEY \(([^)]*)\)/.exec(definitionOf(table))?.[1]?.split(', ')
    const single = /^ {2}(\w+) \w+ PRIMARY KEY/m.exec(definitionOf(table))?.[1]
    expect(key ?? [single]).toEqual(columns)
  })

  it.each(ACCESS_NAMES)('by %s are columns of its table', (name) => {
    const { table, by, fixed = {} }: Access = ACCESSES[name]
    for (const column of [...by, ...Object.keys(fixed)]) expect(definitionOf(table)).toMatch(new RegExp(`^ {2}"?${column}"? `, 'm'))
  })

  it('are locked session first, so that no two transactions wait for each other', () => {
    const locking = ACCESS_NAMES.filter((name) => {
      const { lock }: Access = ACCESSES[name]
      return lock
    })
    const others = ['head', 'pin', 'dealing', 'identity', 'approval', 'notice', 'report', 'channel', 'fundedAccount', 'funding']
    expect(locking).toEqual(['session', 'sessionNamed', 'children', ...others])
  })
})

describe('a fault of the store', () => {
  it('says what it means for what was asked, and keeps its cause', () => {
    const cause = new Error('ECONNRESET')
    expect(new StoreFault('unknown', 'the answer was lost', cause)).toMatchObject({ name: 'StoreFault', kind: 'unknown', cause })
  })
})
