import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  leavesStatement,
  lockStatements,
  placesStatement,
  rowStatements,
  sortOut,
  windowStatement,
  windowSumsStatement,
} from '../../../src/ledger/postgres/loading.ts'
import { ACCESS_NAMES, ACCESSES, type Access, type AccessName, type Row, type RowKey } from '../../../src/ledger/postgres/store.ts'
import { connectionTo, waitsForLock } from '../../postgres/bench.ts'
import { type Database, putting, scansOf, sharedDatabase } from './server-stage.ts'

const database = sharedDatabase()

/** As a transaction asks for rows. */
async function load(here: Database, keys: readonly RowKey[]): Promise<Row[][]> {
  const found = new Map<AccessName, readonly Row[]>()
  for (const statement of rowStatements(keys, here.types)) found.set(statement.access, await here.ask(statement))
  return sortOut(keys, found)
}

const refund = (source: string, payment_id: string) =>
  putting('refunds', { source, payment_id, amount_atomic: '1', evidence: '', entered_by: 'ops', at: 1n })

describe('rows', () => {
  it.each(ACCESS_NAMES)('can be asked for by %s', async (access) => {
    const here = await database()
    const { table, by }: Access = ACCESSES[access]
    const values = by.map((column) => (here.types.get(table)?.get(column) === 'bigint' ? 1n : 'none'))
    expect(await load(here, [{ access, values }])).toEqual([[]])
  })

  it('are those of each key, in the order of the keys, with one question for each way of finding them', async () => {
    const here = await database()
    await here.write(refund('a', 'pay_1'), refund('b', 'pay_2'), refund('c', 'pay_1'))
    const keys: RowKey[] = [
      { access: 'refundsOf', values: ['pay_1'] },
      { access: 'refund', values: ['b'] },
      { access: 'refundsOf', values: ['pay_none'] },
      { access: 'refundsOf', values: ['pay_2'] },
    ]
    expect(rowStatements(keys, here.types)).toHaveLength(2)
    expect((await load(here, keys)).map((rows) => rows.map(({ source }) => source).sort())).toEqual([['a', 'c'], ['b'], [], ['b']])
  })

  it('of keys of several columns have all of them', async () => {
    const here = await database()
    const bucket = (session_id: string, name: string, amount: bigint) => putting('spending', { session_id, bucket: name, amount })
    await here.write(bucket('s1', 'a', 1n), bucket('s1', 'b', 2n), bucket('s2', 'a', 3n))
    const keys = [
      ['s1', 'b'],
      ['s2', 'a'],
      ['s2', 'b'],
    ].map((values) => ({ access: 'spending' as const, values }))
    expect((await load(here, keys)).map(([row]) => row?.amount)).toEqual([2n, 3n, undefined])
  })

  it('are found only where the fixed columns are as they must be', async () => {
    const here = await database()
    await here.connection.sql.unsafe("INSERT INTO runs (id, started_at, heartbeat_at, ended_at) VALUES ('a', 0, 0, NULL), ('b', 0, 0, 5)")
    const [living] = await load(here, [{ access: 'livingRuns', values: [] }])
    expect(living?.map(({ id }) => id)).toEqual(['a'])
  })
})

const COMPOSITE = ACCESS_NAMES.filter((access) => ACCESSES[access].by.length > 1)

describe('keys of several columns', () => {
  it.each(COMPOSITE)('are looked up one by one (%s), also where the plan was made while there were no rows', async (access) => {
    const here = await database()
    const { table, by }: Access = ACCESSES[access]
    const keys = [{ access, values: by.map((column) => (here.types.get(table)?.get(column) === 'bigint' ? 1n : 'none')) }]
    for (const statement of [...rowStatements(keys, here.types), ...lockStatements(keys, here.types)]) {
      const scans = await scansOf(here, table, statement)
      expect(scans).toHaveLength(1)
      expect(scans[0]).toMatch(/(Index|Recheck) Cond/)
    }
  })
})

describe('locks', () => {
  const keys: RowKey[] = [
    { access: 'identity', values: ['k'] },
    { access: 'head', values: ['z'] },
    { access: 'head', values: ['a'] },
    { access: 'session', values: ['ses_1'] },
  ]

  it('are taken session first, then in the order of accesses, and by key within each (R8)', async () => {
    const here = await database()
    const statements = lockStatements(keys, here.types).map(({ sql }) => /FROM (\w+) .* ORDER BY (\S+) FOR UPDATE OF t/.exec(sql)?.slice(1))
    expect(statements).toEqual([
      ['sessions', 't."id"'],
      ['rolling_heads', 't."series"'],
      ['meta', 't."key"'],
    ])
  })

  it('hold up whoever wants the same row, until they are let go', async () => {
    const here = await database()
    await here.write(putting('meta', { key: 'k', value: 'v' }))
    const other = await connectionTo(here.url)
    const [lock] = lockStatements([{ access: 'identity', values: ['k'] }], here.types)
    if (!lock) throw new Error('there should be one')
    await here.connection.sql.unsafe('BEGIN')
    await here.ask(lock)
    const waiting = other.sql.unsafe("UPDATE meta SET value = 'w' WHERE key = 'k'").execute()
    await waitsForLock(here.connection)
    await here.connection.commit()
    expect((await waiting).count).toBe(1)
    await other.close()
  })
})

describe('places', () => {
  it('are fresh and rising', async () => {
    const here = await database()
    const draw = async () =>
      String((await here.ask(placesStatement('payments', 3)))[0]?.places)
        .split(',')
        .map(Number)
    const [first, second] = [await draw(), await draw()]
    expect([first.length, Math.min(...second) > Math.max(...first)]).toEqual([3, true])
  })
})

interface Entry {
  readonly wait: number
  readonly amount: bigint
  readonly voided: boolean
}

const entry: fc.Arbitrary<Entry> = fc.record({ wait: fc.nat(3), amount: fc.bigInt({ min: 1n, max: 9n }), voided: fc.boolean() })

/** Writes the series as the ledger does, and answers what stands in it. */
async function roll(here: Database, series: string, entries: readonly Entry[]) {
  let [at, total] = [100n, 0n]
  const rows = entries.map(({ wait, amount, voided }, index) => {
    at += BigInt(wait)
    total += amount
    return { series, ordinal: BigInt(index + 1), at, amount, total, void: voided ? 1n : 0n }
  })
  await here.write(
    ...rows.map((row) => putting('rolling', row)),
    putting('rolling_heads', { series, ordinal: BigInt(rows.length), total, at }),
  )
  return rows
}

describe('a window', () => {
  it('is the plain sum of what came later than its begin and was not voided, however it is asked for', async () => {
    const here = await database()
    let count = 0
    const property = fc.asyncProperty(
      fc.array(entry, { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 98, max: 140 }),
      async (entries, after) => {
        const series = `s${++count}`
        const rows = await roll(here, series, entries)
        const behind = rows.filter(({ at }) => at > BigInt(after))
        const counting = behind.filter((row) => row.void === 0n)
        const sum = counting.reduce((all, { amount }) => all + amount, 0n)
        const oldest = counting[0]?.at ?? null
        const [window] = await here.ask(windowStatement([{ series, after }]))
        const total = rows.at(-1)?.total ?? 0n
        expect(total - BigInt(String(window?.total)) - BigInt(String(window?.voided))).toBe(sum)
        expect([window?.oldest, window?.ordinal]).toEqual([oldest, BigInt(rows.length - behind.length)])
        expect(await here.ask(windowSumsStatement([{ series, after }]))).toEqual([{ sum, oldest }])
        const ordinal = BigInt(rows.length - behind.length)
        const reached = counting.find((_, index) => counting.slice(0, index + 1).reduce((all, { amount }) => all + amount, 0n) >= 5n)
        expect(await here.ask(leavesStatement([{ series, ordinal, amount: 5n }]))).toEqual([{ at: reached?.at ?? null }])
      },
    )
    await fc.assert(property, { numRuns: 40 })
  })

  it('of a series that nobody ever added to is empty, and answers stand in the order of the questions', async () => {
    const here = await database()
    await roll(here, 'b', [{ wait: 0, amount: 4n, voided: false }])
    const keys = ['c', 'b', 'a'].map((series) => ({ series, after: 0 }))
    expect(await here.ask(windowSumsStatement(keys))).toEqual([
      { sum: 0n, oldest: null },
      { sum: 4n, oldest: 100n },
      { sum: 0n, oldest: null },
    ])
  })
})
