/** Statements: SQL made from names that the code fixes, with values that travel as parameters only. */
import * as z from 'zod'
import type { Client } from './connection.ts'
import type { TableName, Value } from './store.ts'

/** SQL with `$1`, `$2`, … and their values; the same text is prepared once on each connection. */
export interface Statement {
  readonly sql: string
  readonly values: readonly Parameter[]
}

/** Arrays are arrays of the database. */
export type Parameter = string | null | readonly (string | null)[] | Uint8Array

/** As it travels: an array as the text that the database reads one from, because the client is told of no types (see `connectTo`). */
export function sent(value: Parameter): string | null | Uint8Array {
  if (value === null || typeof value === 'string' || value instanceof Uint8Array) return value
  return `{${value.map((element) => (element === null ? 'NULL' : elementOf(element))).join()}}`
}

const SPECIAL = /["\\]/g

/** A text inside an array. */
export function elementOf(text: string): string {
  return `"${text.replace(SPECIAL, '\\$&')}"`
}

/** The type of each column, by table: read from the database, so that it is written down in the schema alone. */
export type ColumnTypes = ReadonlyMap<string, ReadonlyMap<string, string>>

const columnRows = z.array(z.object({ table_name: z.string(), column_name: z.string(), data_type: z.string() }))

export async function readColumnTypes(sql: Client): Promise<ColumnTypes> {
  const found = await sql.unsafe(
    'SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = current_schema()',
  )
  const tables = new Map<string, Map<string, string>>()
  for (const { table_name, column_name, data_type } of columnRows.parse([...found])) {
    const columns = tables.get(table_name) ?? new Map<string, string>()
    tables.set(table_name, columns.set(column_name, data_type))
  }
  return tables
}

/** @throws Error for a column that the database does not have. */
export function typeOf(types: ColumnTypes, table: TableName, column: string): string {
  const type = types.get(table)?.get(column)
  if (type === undefined) throw new Error(`the ledger has no column ${table}.${column}`)
  return type
}

export function quoted(name: string): string {
  return `"${name}"`
}

/** What a value is as a parameter of any type. */
export function parameterOf(value: Value | undefined): string | null {
  if (value === null || value === undefined) return null
  if (value instanceof Uint8Array) return hexOf(value)
  return holdable(String(value))
}

/** As the database reads bytes. */
export function hexOf(bytes: Uint8Array): string {
  return `\\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`
}

/** The database holds neither NUL nor half a surrogate pair; strangers send both. */
export function holdable(text: string): string {
  return text.replaceAll('\0', '\uFFFD').toWellFormed()
}
