/** Pages of a list, newest first. The cursor is the place of the last item in the order of writing. */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import { refused } from '../errors.ts'
import { MAX_PAGE } from '../limits.ts'
import type { Page, PageRequest } from './ledger.ts'
import { money, type Row } from './rows.ts'

/** A condition in SQL with the values of its placeholders. */
export interface Condition {
  readonly sql: string
  readonly values: readonly SQLInputValue[]
}

/** No condition where the filter has no value. */
export function equal(column: string, value: SQLInputValue | undefined): Condition[] {
  return value === undefined ? [] : [{ sql: `${column} = ?`, values: [value] }]
}

export interface PageQuery<T> {
  readonly db: DatabaseSync
  /** Has the columns `seq` (rising, unique) and those that `read` needs. */
  readonly table: 'sessions' | 'payments' | 'payments INDEXED BY payments_unresolved' | 'receipts'
  readonly where: readonly Condition[]
  readonly page: PageRequest
  readonly read: (row: Row) => T
}

/**
 * Reads one page.
 * @throws PurserError `request_invalid` for a cursor that is none of ours, or a limit that is no whole number from 1.
 */
export function readPage<T>({ db, table, where, page, read }: PageQuery<T>): Page<T> {
  const limit = limitOf(page)
  const after = page.cursor === undefined ? [] : [{ sql: 'seq < ?', values: [placeOf(page.cursor)] }]
  const conditions = [...where, ...after]
  const filter = conditions.length === 0 ? '' : `WHERE ${conditions.map(({ sql }) => `(${sql})`).join(' AND ')}`
  const statement = db.prepare(`SELECT * FROM ${table} ${filter} ORDER BY seq DESC LIMIT ?`)
  const rows: Row[] = statement.all(...conditions.flatMap(({ values }) => values), limit + 1)
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  return { items: shown.map(read), next: rows.length > limit && last ? cursorOf(money(last, 'seq')) : null }
}

function limitOf({ limit }: PageRequest): number {
  if (!Number.isSafeInteger(limit) || limit < 1) throw refused('request_invalid', `A page has 1 to ${MAX_PAGE} items, not ${limit}.`)
  return Math.min(limit, MAX_PAGE)
}

function cursorOf(seq: bigint): string {
  return Buffer.from(`seq:${seq}`).toString('base64url')
}

function placeOf(cursor: string): bigint {
  const match = /^seq:([0-9]{1,18})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'))
  if (match?.[1] === undefined) throw refused('request_invalid', 'The cursor is not one of this list; start again without it.')
  return BigInt(match[1])
}
