/** Loading: the statements that lock and read what a transaction wants, one for each way of finding rows. */

import { type ColumnTypes, parameterOf, quoted, type Statement, typeOf } from './statement.ts'
import {
  ACCESS_NAMES,
  ACCESSES,
  type Access,
  type AccessName,
  type LeavesKey,
  PRIMARY_KEYS,
  type Row,
  type RowKey,
  type Sequence,
  type Value,
  type WindowKey,
} from './store.ts'
import { textOf } from './wants.ts'

/** Locks rows in one order for everybody: by access as they are listed, and by key within each. */
export function lockStatements(keys: readonly RowKey[], types: ColumnTypes): Statement[] {
  return grouped(keys).map(({ access, keys: own }) => {
    const { table, by }: Access = ACCESSES[access]
    const { from, where, values } = matching(access, own, types)
    const order = PRIMARY_KEYS[table].map((column) => `t.${quoted(column)}`).join(', ')
    if (by.length <= 1) return { sql: `SELECT 1 AS locked FROM ${from} WHERE ${where} ORDER BY ${order} FOR UPDATE OF t`, values }
    const named = by.map((_, index) => `k.k${index}`).join(', ')
    const rows = `SELECT 1 FROM ${table} AS t WHERE ${where} FOR UPDATE`
    return { sql: `SELECT 1 AS locked FROM (SELECT * FROM ${from} ORDER BY ${named}) AS k CROSS JOIN LATERAL (${rows}) AS l`, values }
  })
}

export interface RowStatement extends Statement {
  readonly access: AccessName
}

export function rowStatements(keys: readonly RowKey[], types: ColumnTypes): RowStatement[] {
  return grouped(keys).map(({ access, keys: own }) => {
    const { table, by }: Access = ACCESSES[access]
    const { from, where, values } = matching(access, own, types)
    if (by.length <= 1) return { access, sql: `SELECT t.* FROM ${from} WHERE ${where}`, values }
    const rows = `SELECT * FROM ${table} AS t WHERE ${where} OFFSET 0`
    return { access, sql: `SELECT l.* FROM ${from} CROSS JOIN LATERAL (${rows}) AS l`, values }
  })
}

/** Sorts what all statements found by the keys that asked for it. */
export function sortOut(keys: readonly RowKey[], found: ReadonlyMap<AccessName, readonly Row[]>): Row[][] {
  const byKey = new Map<AccessName, Map<string, Row[]>>()
  for (const [access, rows] of found) byKey.set(access, indexed(access, rows))
  return keys.map(({ access, values }) => byKey.get(access)?.get(textOf(values)) ?? [])
}

/** One row for each window: `ordinal`, `total`, `voided`, `oldest`. */
export function windowStatement(keys: readonly WindowKey[]): Statement {
  return {
    sql: WINDOWS,
    values: [keys.map(({ series }) => series), keys.map(({ after }) => String(after))],
  }
}

/** One row for each window: `sum`, `oldest`. */
export function windowSumsStatement(keys: readonly WindowKey[]): Statement {
  const { values } = windowStatement(keys)
  const sql = `
    SELECT (coalesce(h.total, 0) - w.total - w.voided)::bigint AS sum, w.oldest
    FROM (${WINDOWS}) AS w LEFT JOIN rolling_heads AS h ON h.series = w.series ORDER BY w.place`
  return { sql, values }
}

/** One row for each: `at` or null. */
export function leavesStatement(keys: readonly LeavesKey[]): Statement {
  const [series, ordinals, amounts] = [
    keys.map((key) => key.series),
    keys.map((key) => String(key.ordinal)),
    keys.map((key) => String(key.amount)),
  ]
  return { sql: LEAVES, values: [series, ordinals, amounts] }
}

/** One row, `places`: so many fresh places, comma-separated. */
export function placesStatement(sequence: Sequence, count: number): Statement {
  const sql = `SELECT string_agg(nextval('${sequence}_seq')::text, ',') AS places FROM generate_series(1, $1::bigint)`
  return { sql, values: [String(count)] }
}

interface Keyed {
  readonly access: AccessName
  readonly keys: readonly RowKey[]
}

function grouped(keys: readonly RowKey[]): Keyed[] {
  return ACCESS_NAMES.map((access) => ({ access, keys: keys.filter((key) => key.access === access) })).filter(
    ({ keys: own }) => own.length > 0,
  )
}

interface Matching {
  readonly from: string
  readonly where: string
  readonly values: Statement['values']
}

/**
 * The rows of one column's keys stand in `from` as `t`. Keys of several columns stand there as `k`, and each is looked up
 * by itself: a join may be planned the other way round, and then reads the whole table.
 */
function matching(access: AccessName, keys: readonly RowKey[], types: ColumnTypes): Matching {
  const { table, by, fixed = {} }: Access = ACCESSES[access]
  const conditions = Object.entries(fixed).map(([column, value]) => `t.${quoted(column)} ${isFixed(value)}`)
  const values = by.map((_, place) => keys.map((key) => parameterOf(key.values[place])))
  const arrays = by.map((column, index) => `$${index + 1}::${typeOf(types, table, column)}[]`)
  if (by.length <= 1) {
    const named = by.map((column) => `t.${quoted(column)} = ANY (${arrays.join()})`)
    return { from: `${table} AS t`, where: [...named, ...conditions].join(' AND ') || 'true', values }
  }
  const keyed = by.map((column, index) => `t.${quoted(column)} = k.k${index}`)
  const from = `unnest(${arrays.join(', ')}) AS k(${by.map((_, index) => `k${index}`).join(', ')})`
  return { from, where: [...keyed, ...conditions].join(' AND '), values }
}

/** The fixed conditions are words and flags of the code's own. */
function isFixed(value: Value): string {
  if (value === null) return 'IS NULL'
  return typeof value === 'string' ? `= '${value}'` : `= ${value}`
}

function indexed(access: AccessName, rows: readonly Row[]): Map<string, Row[]> {
  const { by }: Access = ACCESSES[access]
  const index = new Map<string, Row[]>()
  for (const row of rows) {
    const name = textOf(by.map((column) => row[column] ?? null))
    const known = index.get(name)
    if (known) known.push(row)
    else index.set(name, [row])
  }
  return index
}

/**
 * Each part is one look-up in an index, however full the window is. The arrays stand in queries of their own, so that no
 * plan counts their elements: made for each it costs ten times what it finds out.
 */
const WINDOWS = `
SELECT k.series, k.place, b.ordinal, b.total,
  (SELECT coalesce(sum(v.amount), 0)::bigint FROM rolling AS v WHERE v.series = k.series AND v.ordinal > b.ordinal AND v.void = 1) AS voided,
  (SELECT o.at FROM rolling AS o WHERE o.series = k.series AND o.ordinal > b.ordinal AND o.void = 0 ORDER BY o.ordinal LIMIT 1) AS oldest
FROM unnest((SELECT $1::text[]), (SELECT $2::bigint[])) WITH ORDINALITY AS k(series, after, place)
CROSS JOIN LATERAL (
  SELECT coalesce(max(r.ordinal), 0) AS ordinal, coalesce(max(r.total), 0) AS total FROM (
    SELECT ordinal, total FROM rolling WHERE series = k.series AND at <= k.after ORDER BY at DESC, ordinal DESC LIMIT 1) AS r) AS b
ORDER BY k.place`

const LEAVES = `
SELECT (
  SELECT s.at FROM (
    SELECT at, ordinal, sum(amount) OVER (ORDER BY ordinal) AS reached FROM rolling
    WHERE series = k.series AND ordinal > k.ordinal AND void = 0) AS s
  WHERE s.reached >= k.amount ORDER BY s.ordinal LIMIT 1) AS at
FROM unnest($1::text[], $2::bigint[], $3::bigint[]) WITH ORDINALITY AS k(series, ordinal, amount, place)
ORDER BY k.place`
