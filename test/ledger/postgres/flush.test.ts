import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { flushOf, ROW_GONE } from '../../../src/ledger/postgres/flush.ts'
import type { RowChange, Value } from '../../../src/ledger/postgres/store.ts'
import { columnsOf } from '../../../src/ledger/session-row.ts'
import { countingIds } from '../../clock.ts'
import { fixtures } from '../fixtures.ts'
import { putting, scansOf, sharedDatabase } from './server-stage.ts'

const make = fixtures(countingIds(), () => 0)
const database = sharedDatabase()

const spending = (bucket: string, amount: bigint) => ({ session_id: 'ses_1', bucket, amount })
const pin = (changes: Record<string, Value> = {}) => ({ origin: 'h', network: 'n', pay_to: 'p', at: 1n, uses: 1n, ...changes })
const changing = (kind: 'update' | 'delete', table: RowChange['table'], row: RowChange['row']): RowChange => ({ kind, table, row })

describe('the changes of a transaction', () => {
  it('are few statements, however many rows they are', async () => {
    const here = await database()
    const rows = Array.from({ length: 1_000 }, (_, index) => spending(`b${index}`, BigInt(index)))
    expect(
      flushOf(
        rows.map((row) => putting('spending', row)),
        here.types,
      ),
    ).toHaveLength(1)
    await here.write(...rows.map((row) => putting('spending', row)))
    const updates = rows.map((row) => changing('update', 'spending', { ...row, amount: row.amount + 1n }))
    expect(flushOf(updates, here.types)).toHaveLength(1)
    await here.write(...updates)
    const [sum] = await here.ask({ sql: 'SELECT sum(amount)::bigint AS sum, count(*) AS rows FROM spending', values: [] })
    expect(sum).toEqual({ sum: 500_500n, rows: 1_000n })
  })

  it('free a key before another row takes it', async () => {
    const here = await database()
    await here.write(putting('spending', spending('a', 1n)))
    await here.write(putting('spending', spending('a', 7n)), changing('delete', 'spending', { session_id: 'ses_1', bucket: 'a' }))
    expect(await here.ask({ sql: 'SELECT amount FROM spending', values: [] })).toEqual([{ amount: 7n }])
  })

  it.each([
    ['update', 'payments', { id: 'pay_1', state: 'sent' }],
    ['update', 'dealings', { agent: 'a', origin: 'o', network: 'n', pay_to: 'p', last: 1n }],
    ['delete', 'pins', { origin: 'h', network: 'n' }],
  ] as const)('%s rows of %s by an index, also where the plan was made while there were none', async (kind, table, row) => {
    const here = await database()
    const [statement = { sql: '', values: [] }] = flushOf([changing(kind, table, row)], here.types)
    const scans = await scansOf(here, table, statement)
    expect(scans).toHaveLength(1)
    expect(scans[0]).toMatch(/(Index|Recheck) Cond/)
  })

  it('take a session out of the count of its state, and into another, in the same transaction', async () => {
    const here = await database()
    const session = (id: string, columns: Record<string, Value> = {}) =>
      putting('sessions', { ...columnsOf(make.session({ id, tokenHash: id })), chain_hash: '', ...columns })
    const counts = async () => {
      const sql =
        'SELECT status, hour, sum(sessions)::bigint AS sessions FROM session_counts GROUP BY 1, 2 HAVING sum(sessions) <> 0 ORDER BY 1, 2'
      return (await here.ask({ sql, values: [] })).map(({ status, hour, sessions }) => [status, hour, sessions])
    }
    await here.write(session('one', { expires_at: 1n }), session('two', { expires_at: 1n }), session('three', { expires_at: 3_600_000n }))
    expect(await counts()).toEqual([
      ['open', 0n, 2n],
      ['open', 1n, 1n],
    ])
    await here.write(changing('update', 'sessions', { id: 'one', held: 1n }))
    await here.write(
      changing('update', 'sessions', { id: 'one', expires_at: 7_200_000n }),
      changing('update', 'sessions', { id: 'two', status: 'closed' }),
    )
    expect(await counts()).toEqual([
      ['closed', 0n, 1n],
      ['open', 1n, 1n],
      ['open', 2n, 1n],
    ])
  })

  it('change only the rows and columns that they name', async () => {
    const here = await database()
    await here.write(putting('pins', pin()), putting('pins', pin({ origin: 'other' })))
    await here.write(changing('update', 'pins', { origin: 'h', network: 'n', uses: 5n }))
    expect(await here.ask({ sql: 'SELECT origin, pay_to, uses FROM pins ORDER BY origin', values: [] })).toEqual([
      { origin: 'h', pay_to: 'p', uses: 5n },
      { origin: 'other', pay_to: 'p', uses: 1n },
    ])
  })

  it('of rows with different columns go by each row’s own', async () => {
    const here = await database()
    await here.write(putting('pins', pin()), putting('pins', pin({ origin: 'other' })))
    const both = [
      changing('update', 'pins', { origin: 'h', network: 'n', uses: 5n }),
      changing('update', 'pins', { origin: 'other', network: 'n', pay_to: 'q' }),
    ]
    await here.write(...both)
    expect(await here.ask({ sql: 'SELECT pay_to, uses FROM pins ORDER BY origin', values: [] })).toEqual([
      { pay_to: 'p', uses: 5n },
      { pay_to: 'q', uses: 1n },
    ])
  })

  it.each(['update', 'delete'] as const)('fail where a row to %s is gone: somebody was first', async (kind) => {
    const here = await database()
    await here.write(putting('pins', pin()))
    const gone = [pin(), pin({ origin: 'gone' })].map(({ origin, network }) =>
      changing(kind, 'pins', kind === 'update' ? { origin, network, uses: 9n } : { origin, network }),
    )
    await expect(here.write(...gone)).rejects.toMatchObject({ kind: 'retry', cause: { code: ROW_GONE } })
    expect(await here.ask({ sql: 'SELECT uses FROM pins', values: [] })).toEqual([{ uses: 1n }])
  })

  it('fail where a row to insert is there already', async () => {
    const here = await database()
    await here.write(putting('pins', pin()))
    await expect(here.write(putting('pins', pin()))).rejects.toMatchObject({ kind: 'retry' })
  })

  it('never write what the schema forbids', async () => {
    const here = await database()
    await expect(here.write(putting('spending', spending('a', -1n)))).rejects.toMatchObject({ kind: 'rejected' })
  })

  it('hold null, bytes and every text that strangers send', async () => {
    const here = await database()
    const sealed = new Uint8Array([0, 34, 92, 44, 255])
    await here.write(putting('kept_answers', { payment_id: 'p', seq: 1n, sealed, bytes: 5n, expires_at: 9n }))
    const [answer] = await here.ask({ sql: 'SELECT sealed FROM kept_answers', values: [] })
    expect(Buffer.from(answer?.sealed instanceof Uint8Array ? answer.sealed : []).equals(sealed)).toBe(true)
    const token = { id: 't', hash: 'h', role: 'all', person: null, label: '', created_at: 1n, revoked_at: null }
    await here.write(putting('admin_tokens', token), putting('admin_tokens', { ...token, id: 'u', hash: 'i', revoked_at: 3n }))
    expect(await here.ask({ sql: 'SELECT revoked_at FROM admin_tokens ORDER BY id', values: [] })).toEqual([
      { revoked_at: null },
      { revoked_at: 3n },
    ])
  })

  it('come back as the texts that they were', async () => {
    const here = await database()
    let count = 0
    const text = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom('NULL', '{', '}', ',', '"', '\\', '\\"', '', ' ', '\n', '{"a",NULL}'),
    )
    const property = fc.asyncProperty(fc.array(text, { minLength: 1, maxLength: 5 }), async (texts) => {
      const rows = texts.map((value) => ({ key: `k${++count}`, value }))
      await here.write(...rows.map((row) => putting('meta', row)))
      const found = await here.ask({ sql: 'SELECT value FROM meta WHERE key = ANY ($1::text[])', values: [rows.map(({ key }) => key)] })
      expect(found.map(({ value }) => value).sort()).toEqual(texts.map((one) => one.replaceAll('\0', '\ufffd').toWellFormed()).sort())
    })
    await fc.assert(property, { numRuns: 40 })
  })
})
