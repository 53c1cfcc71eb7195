import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hexOf, holdable, parameterOf, quoted, typeOf } from '../../../src/ledger/postgres/statement.ts'
import { sharedDatabase } from './server-stage.ts'

const database = sharedDatabase()

describe('the types of columns', () => {
  it('are read from the database, and a column that it lacks is a mistake', async () => {
    const here = await database()
    expect([typeOf(here.types, 'payments', 'amount'), typeOf(here.types, 'sessions', 'cap')]).toEqual(['text', 'bigint'])
    expect(typeOf(here.types, 'kept_answers', 'sealed')).toBe('bytea')
    expect(() => typeOf(here.types, 'sessions', 'wealth')).toThrow('the ledger has no column sessions.wealth')
  })

  it('are those of the ledger’s own schema only', async () => {
    const here = await database()
    await here.connection.sql.unsafe('CREATE SCHEMA other; CREATE TABLE other.sessions (wealth text)')
    expect(here.types.get('sessions')?.has('wealth')).toBe(false)
  })
})

describe('a value', () => {
  it('travels as a parameter, whatever a stranger put into it', async () => {
    const here = await database()
    const hostile = ["'; DROP TABLE sessions; --", '$1', '\\', '{"a"}', 'ü€😀', 'NULL', '']
    for (const text of hostile) {
      expect(await here.ask({ sql: 'SELECT $1::text AS given', values: [parameterOf(text)] })).toEqual([{ given: text }])
    }
  })

  it('travels in an array as it is, null and the empty array too', async () => {
    const here = await database()
    const given = ["'; DROP TABLE sessions; --", '\\', '{"a"}', 'a,b', ' ü€😀 ', 'NULL', '', null]
    for (const values of [given, []]) {
      const [row] = await here.ask({ sql: 'SELECT array_to_json($1::text[])::text AS given', values: [values] })
      expect(JSON.parse(String(row?.given))).toEqual(values)
    }
    const sums = await here.ask({
      sql: 'SELECT sum(n)::bigint AS total FROM unnest($1::bigint[]) AS n',
      values: [['9007199254740993', '1']],
    })
    expect(sums).toEqual([{ total: 9007199254740994n }])
  })

  it('is null, a whole number of 64 bits, or bytes as the database reads them', async () => {
    const here = await database()
    const sql = 'SELECT $1::text AS a, $2::bigint AS b, $3::text::bytea AS c'
    const values = [null, 2n ** 63n - 1n, new Uint8Array([0, 255])].map(parameterOf)
    const [row] = await here.ask({ sql, values })
    expect([row?.a, row?.b, Buffer.from(row?.c instanceof Uint8Array ? row.c : []).toString('hex')]).toEqual([null, 2n ** 63n - 1n, '00ff'])
    expect(parameterOf(undefined)).toBeNull()
  })

  it('is bytes of a part of a buffer, not of all of it', () => {
    expect(hexOf(new Uint8Array([1, 2, 3, 4]).subarray(1, 3))).toBe('\\x0203')
  })

  it('can be held by the database, and is left alone where it could be anyway', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(0xffff)), (units) => {
        const text = String.fromCharCode(...units)
        const held = holdable(text)
        expect(held.includes('\0') || !held.isWellFormed()).toBe(false)
        if (!text.includes('\0') && text.isWellFormed()) expect(held).toBe(text)
      }),
    )
    expect(holdable('a\0b\ud800c')).toBe('a\ufffdb\ufffdc')
  })
})

describe('the name of a column', () => {
  it('may be a word of SQL', () => {
    expect(quoted('user')).toBe('"user"')
  })
})
