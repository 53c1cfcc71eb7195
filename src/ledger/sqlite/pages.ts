/** Pages of a list, newest first. The cursor is the place of the last item in the order of writing. */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import type { Page, PageRequest } from '../ledger.ts'
import { cursorAfter, limitOf, placeAfter } from '../paging.ts'
import { money, type Row } from '../rows.ts'

/** A condition in SQL with the values of its placeholders. */
export interface Condition {
  readonly sql: string
  readonly values: readonly SQLInputValue[]
}

/** No condition where the filter has no value. */
export function equal(column: string, value: SQLInputValue | undefined): Condition[] {
  return value === undefined ? [] : [{ sql: `${column} = ?`, values: [value] }]
}

export type PageTable =
  | 'sessions'
  | 'payments'
  | `payments INDEXED BY payments_${'unresolved' | 'disputed' | 'session' | 'session_task'}`
  | 'receipts'
  | `receipts INDEXED BY receipts_${'session' | 'payment' | 'agent' | 'refused'}`

export interface PageQuery<T> {
  readonly db: DatabaseSync
  /** Has the columns `seq` (rising, unique) and those that `read` needs. */
  readonly table: PageTable
  readonly where: readonly Condition[]
  /** At least one of these holds. Each has an index of its own, so each is read by itself. */
  readonly either?: readonly Condition[]
  readonly page: PageRequest
  readonly read: (row: Row) => T
}

/**
 * Reads one page.
 * @throws PurserError `request_invalid` for a cursor that is none of ours, or a limit that is no whole number from 1.
 */
export function readPage<T>({ db, table, where, either = [], page, read }: PageQuery<T>): Page<T> {
  const limit = limitOf(page)
  const after = page.cursor === undefined ? [] : [{ sql: 'seq < ?', values: [placeAfter(page.cursor)] }]
  const conditions = [...where, ...after]
  const lists = either.length === 0 ? [conditions] : either.map((one) => [one, ...conditions])
  const rows = merged(lists.map((list) => readRows(db, { table, conditions: list, limit: limit + 1 })))
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  return { items: shown.map(read), next: rows.length > limit && last ? cursorAfter('seq', money(last, 'seq').toString()) : null }
}

interface RowQuery {
  readonly table: string
  readonly conditions: readonly Condition[]
  readonly limit: number
}

function readRows(db: DatabaseSync, { table, conditions, limit }: RowQuery): Row[] {
  const filter = conditions.length === 0 ? '' : `WHERE ${conditions.map(({ sql }) => `(${sql})`).join(' AND ')}`
  const statement = db.prepare(`SELECT * FROM ${table} ${filter} ORDER BY seq DESC LIMIT ?`)
  return statement.all(...conditions.flatMap(({ values }) => values), limit)
}

/** Newest first, each row once. */
function merged(lists: readonly Row[][]): Row[] {
  const [only, ...others] = lists
  if (only && others.length === 0) return only
  const rows = new Map(lists.flat().map((row) => [money(row, 'seq'), row]))
  return [...rows].sort(([a], [b]) => (a < b ? 1 : -1)).map(([, row]) => row)
}
