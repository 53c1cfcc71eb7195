/**
 * Flushing: all changes of a transaction in few statements, one for each table and set of columns, however many rows.
 * What is freed comes before what is taken, so that a key can pass from one row to another in one transaction.
 */
import { COUNTED_MS } from '../../limits.ts'
import { type ColumnTypes, elementOf, hexOf, holdable, quoted, type Statement, typeOf } from './statement.ts'
import { PRIMARY_KEYS, type RowChange, type TableName, type Value } from './store.ts'

type ChangedRow = RowChange['row']

interface Group {
  readonly kind: RowChange['kind']
  readonly table: TableName
  readonly columns: readonly string[]
  readonly rows: readonly ChangedRow[]
}

const ORDER: readonly RowChange['kind'][] = ['delete', 'update', 'insert']

/**
 * New rows are sorted by table and key: two transactions that insert the same rows wait for each other in one order only.
 * What is changed or removed is locked already.
 */
export function flushOf(changes: readonly RowChange[], types: ColumnTypes): Statement[] {
  const groups = ORDER.flatMap((kind) => {
    const own = changes.filter((change) => change.kind === kind)
    return kind === 'insert' ? insertGroups(own.sort(byKey)) : changeGroups(kind, own)
  })
  const { changed, counted } = countedIn(changes)
  return [...countsOf(changed, -1), ...groups.map((group) => statementOf(group, types)), ...countsOf(counted, 1)]
}

/** Sessions that are counted elsewhere than before: those that change, and with them those that are new. */
function countedIn(changes: readonly RowChange[]): { readonly changed: readonly string[]; readonly counted: readonly string[] } {
  const moving = changes.filter(
    ({ kind, table, row }) => table === 'sessions' && (kind === 'insert' || 'status' in row || 'expires_at' in row),
  )
  const ids = (rows: readonly RowChange[]) => rows.map(({ row }) => String(row.id))
  return { changed: ids(moving.filter(({ kind }) => kind === 'update')), counted: ids(moving) }
}

/** Takes the sessions out of the counts as they are now, or in. */
function countsOf(ids: readonly string[], by: 1 | -1): Statement[] {
  return ids.length === 0 ? [] : [{ sql: COUNTS, values: [ids, String(by)] }]
}

const COUNTS = `
INSERT INTO session_counts (status, hour, slot, sessions)
SELECT status, CASE status WHEN 'open' THEN expires_at / ${COUNTED_MS} ELSE 0 END AS hour, pg_backend_pid() % 16, $2::bigint * count(*)
FROM sessions WHERE id = ANY ($1::text[]) GROUP BY 1, 2 ORDER BY 1, 2
ON CONFLICT (status, hour, slot) DO UPDATE SET sessions = session_counts.sessions + excluded.sessions`

const TABLES = Object.keys(PRIMARY_KEYS)

function byKey(a: RowChange, b: RowChange): number {
  if (a.table !== b.table) return TABLES.indexOf(a.table) - TABLES.indexOf(b.table)
  for (const column of PRIMARY_KEYS[a.table]) {
    const [left, right] = [a.row[column] ?? '', b.row[column] ?? '']
    if (left !== right) return left < right ? -1 : 1
  }
  return 0
}

/** What is null in every new row is left out: columns that may be null are so by themselves. */
function insertGroups(changes: readonly RowChange[]): Group[] {
  return [...byName(changes, ({ table }) => table).values()].map(({ table, rows }) => {
    const named = new Set(rows.flatMap((row) => Object.keys(row)))
    const columns = [...named].filter((column) => rows.some((row) => row[column] !== null && row[column] !== undefined))
    return { kind: 'insert', table, columns, rows }
  })
}

/** Rows whose columns are the same change together. */
function changeGroups(kind: RowChange['kind'], changes: readonly RowChange[]): Group[] {
  const groups = byName(changes, ({ table, row }) => `${table} ${Object.keys(row).join()}`)
  return [...groups.values()].map(({ table, rows }) => ({ kind, table, columns: Object.keys(rows[0] ?? {}), rows }))
}

function byName(changes: readonly RowChange[], nameOf: (change: RowChange) => string) {
  const groups = new Map<string, { readonly table: TableName; readonly rows: ChangedRow[] }>()
  for (const change of changes) {
    const name = nameOf(change)
    const group = groups.get(name)
    if (group) group.rows.push(change.row)
    else groups.set(name, { table: change.table, rows: [change.row] })
  }
  return groups
}

/** Arrays are read by the server in half the time that JSON takes it. They travel as text, so that nothing converts them. */
function statementOf({ kind, table, columns, rows }: Group, types: ColumnTypes): Statement {
  const arrays = columns.map((column, index) => `$${index + 1}::text::${typeOf(types, table, column)}[]`)
  const source = `unnest(${arrays.join(', ')}) AS x(${columns.map(quoted).join(', ')})`
  const sql = SQL[kind]({ table, columns, source, bound: boundOf(table, columns, arrays) })
  const values = columns.map((column) => arrayOf(rows, column))
  return kind === 'insert' ? { sql, values } : { sql: allOf(sql, columns.length + 1), values: [...values, String(rows.length)] }
}

interface Parts {
  readonly table: TableName
  readonly columns: readonly string[]
  readonly source: string
  readonly bound: string
}

const SQL: Record<RowChange['kind'], (parts: Parts) => string> = {
  insert: ({ table, columns, source }) => {
    const names = columns.map(quoted).join(', ')
    return `INSERT INTO ${table} (${names}) SELECT ${names} FROM ${source}`
  },
  update: ({ table, columns, source, bound }) => {
    const changed = columns.filter((column) => !keyOf(table).includes(column))
    const set = changed.map((column) => `${quoted(column)} = x.${quoted(column)}`).join(', ')
    return `UPDATE ${table} AS t SET ${set} FROM ${source} WHERE ${same(table)} AND ${bound}`
  },
  delete: ({ table, source, bound }) => `DELETE FROM ${table} AS t USING ${source} WHERE ${same(table)} AND ${bound}`,
}

/** Says once more which rows it is about: planned the wrong way round, the statement reads these and not the whole table. */
function boundOf(table: TableName, columns: readonly string[], arrays: readonly string[]): string {
  return keyOf(table)
    .map((column) => `t.${quoted(column)} = ANY (${arrays[columns.indexOf(column)]})`)
    .join(' AND ')
}

/**
 * Fails where fewer rows were there than had to be (division by zero, `ROW_GONE`): someone else was first. As an error of
 * the database it ends the transaction, so that COMMIT can be sent without waiting for the answer.
 */
function allOf(sql: string, place: number): string {
  return `WITH changed AS (${sql} RETURNING 1) SELECT 1 / (count(*) = $${place}::bigint)::int AS complete FROM changed`
}

export const ROW_GONE = '22012'

function keyOf(table: TableName): readonly string[] {
  return PRIMARY_KEYS[table]
}

function same(table: TableName): string {
  return keyOf(table)
    .map((column) => `t.${quoted(column)} = x.${quoted(column)}`)
    .join(' AND ')
}

function arrayOf(rows: readonly ChangedRow[], column: string): string {
  return holdable(`{${rows.map((row) => valueIn(row[column])).join()}}`)
}

function valueIn(value: Value | undefined): string {
  if (value === null || value === undefined) return 'NULL'
  if (typeof value === 'string') return elementOf(value)
  return value instanceof Uint8Array ? `"\\${hexOf(value)}"` : value.toString()
}
