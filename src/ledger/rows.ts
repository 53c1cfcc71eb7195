/** Rows: what a column must be, checked where it is read. Integers come as bigint; those that are no money become numbers. */
import type { SQLOutputValue } from 'node:sqlite'
import type * as z from 'zod'

export type Row = Readonly<Record<string, SQLOutputValue>>

/** Thrown when a column does not hold what the schema promises: the file was changed by someone else. */
export class RowError extends Error {
  override readonly name = 'RowError'
}

export function text(row: Row, column: string): string {
  const value = row[column]
  if (typeof value !== 'string') throw wrong(column, 'text')
  return value
}

export function maybeText(row: Row, column: string): string | null {
  return row[column] === null ? null : text(row, column)
}

/** Millionths, or another whole number of up to 64 bits. */
export function money(row: Row, column: string): bigint {
  const value = row[column]
  if (typeof value !== 'bigint') throw wrong(column, 'a whole number')
  return value
}

/** A count or a time. */
export function int(row: Row, column: string): number {
  const value = Number(money(row, column))
  if (!Number.isSafeInteger(value)) throw wrong(column, 'a safe integer')
  return value
}

export function maybeInt(row: Row, column: string): number | null {
  return row[column] === null ? null : int(row, column)
}

export function flag(row: Row, column: string): boolean {
  return money(row, column) === 1n
}

/** A column that holds JSON, checked by its schema. */
export function json<T>(row: Row, column: string, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(readJson(text(row, column), column))
  if (!parsed.success) throw wrong(column, 'what was written there', parsed.error)
  return parsed.data
}

export function maybeJson<T>(row: Row, column: string, schema: z.ZodType<T>): T | null {
  return row[column] === null ? null : json(row, column, schema)
}

/** One of a closed set of words. */
export function word<T extends string>(row: Row, column: string, words: readonly T[]): T {
  const value = text(row, column)
  const found = words.find((known) => known === value)
  if (found === undefined) throw wrong(column, `one of ${words.join(', ')}`)
  return found
}

/** For columns: JSON in which bigints are decimal strings. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) => (typeof member === 'bigint' ? member.toString() : member))
}

function readJson(value: string, column: string): unknown {
  try {
    return JSON.parse(value)
  } catch (cause) {
    throw wrong(column, 'JSON', cause)
  }
}

function wrong(column: string, expected: string, cause?: unknown): RowError {
  return new RowError(`column ${column} does not hold ${expected}`, { cause })
}
