/** Pages of a list, newest first. The cursor is the place of the last item in the order of the list. */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import { MAX_SORTED_ROWS } from '../../limits.ts'
import type { Page, PageRequest } from '../ledger.ts'
import { cursorAfter, cursorAfterMoment, limitOf, momentAfter, placeAfter } from '../paging.ts'
import { int, money, type Row } from '../rows.ts'

/** A condition in SQL with the values of its placeholders. */
export interface Condition {
  readonly sql: string
  readonly values: readonly SQLInputValue[]
}

/** No condition where the filter has no value. */
export function equal(column: string, value: SQLInputValue | undefined): Condition[] {
  return value === undefined ? [] : [{ sql: `${column} = ?`, values: [value] }]
}

/** Payments with this in their context. */
export function inContext({
  onBehalfOf,
  trace,
}: {
  readonly onBehalfOf?: string | undefined
  readonly trace?: string | undefined
}): Condition[] {
  return [
    ...(trace === undefined ? [] : [traced(trace)]),
    ...(onBehalfOf === undefined
      ? []
      : [{ sql: "EXISTS (SELECT 1 FROM json_each(context, '$.onBehalfOf') WHERE value = ?)", values: [onBehalfOf] }]),
  ]
}

/** To the letter the expression of its index. */
export function traced(trace: string): Condition {
  return { sql: "json_extract(context, '$.trace') = ?", values: [trace] }
}

export type PageTable = 'sessions' | 'payments' | 'receipts' | 'approvals' | 'notices' | 'channels'

/** A condition whose rows an index leads to. */
export interface Indexed extends Condition {
  readonly index: `${PageTable}_${string}`
}

export interface PageQuery<T> {
  readonly db: DatabaseSync
  /** Has the columns `seq` (rising, unique) and those that `read` needs. */
  readonly table: PageTable
  /** Where the planner, which knows no numbers, would take another. */
  readonly index?: Indexed['index'] | undefined
  readonly where: readonly Condition[]
  /** At least one of these holds. Each has an index of its own, so each is read by itself. */
  readonly either?: readonly Condition[]
  /** The column by which the newest come first; without one in the order of writing. */
  readonly by?: 'at' | 'decided_at' | 'number' | undefined
  readonly page: PageRequest
  readonly read: (row: Row) => T
}

/**
 * Reads one page.
 * @throws PurserError `request_invalid` for a cursor that is none of ours, or a limit that is no whole number from 1.
 */
export function readPage<T>({ db, table, index, where, either = [], by, page, read }: PageQuery<T>): Page<T> {
  const limit = limitOf(page)
  const conditions = [...where, ...behind(page.cursor, by)]
  const lists = either.length === 0 ? [conditions] : either.map((one) => [one, ...conditions])
  const source = index === undefined ? table : `${table} INDEXED BY ${index}`
  const rows = merged(
    lists.map((list) => readRows(db, { source, conditions: list, by, limit: limit + 1 })),
    by,
  )
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  return { items: shown.map(read), next: rows.length > limit && last ? cursorOf(last, by) : null }
}

/** The first of these that few rows meet: they can be read whole and sorted. */
export function firstRare(db: DatabaseSync, table: PageTable, choices: readonly Indexed[]): Indexed | undefined {
  return choices.find(({ index, sql, values }) => {
    const some = `SELECT 1 FROM ${table} INDEXED BY ${index} WHERE ${sql} LIMIT ${MAX_SORTED_ROWS}`
    const row: Row | undefined = db.prepare(`SELECT count(*) AS rows FROM (${some})`).get(...values)
    return row !== undefined && int(row, 'rows') < MAX_SORTED_ROWS
  })
}

type By = PageQuery<unknown>['by']

function behind(cursor: string | undefined, by: By): Condition[] {
  if (cursor === undefined) return []
  if (by === undefined) return [{ sql: 'seq < ?', values: [placeAfter(cursor)] }]
  return [{ sql: `(${by}, seq) < (?, ?)`, values: momentAfter(cursor) }]
}

function cursorOf(row: Row, by: By): string {
  const place = money(row, 'seq')
  return by === undefined ? cursorAfter('seq', place.toString()) : cursorAfterMoment(money(row, by), place)
}

interface RowQuery {
  readonly source: string
  readonly conditions: readonly Condition[]
  readonly by: By
  readonly limit: number
}

function readRows(db: DatabaseSync, { source, conditions, by, limit }: RowQuery): Row[] {
  const filter = conditions.length === 0 ? '' : `WHERE ${conditions.map(({ sql }) => `(${sql})`).join(' AND ')}`
  const order = by === undefined ? 'seq DESC' : `${by} DESC, seq DESC`
  const statement = db.prepare(`SELECT * FROM ${source} ${filter} ORDER BY ${order} LIMIT ?`)
  return statement.all(...conditions.flatMap(({ values }) => values), limit)
}

/** Newest first, each row once. */
function merged(lists: readonly Row[][], by: By): Row[] {
  const [only, ...others] = lists
  if (only && others.length === 0) return only
  const rows = new Map(lists.flat().map((row) => [money(row, 'seq'), row]))
  const placed = [...rows].map(([place, row]) => ({ place, time: by === undefined ? 0n : money(row, by), row }))
  return placed.sort((a, b) => falling(a.time, b.time) || falling(a.place, b.place)).map(({ row }) => row)
}

function falling(a: bigint, b: bigint): number {
  return a === b ? 0 : a < b ? 1 : -1
}
