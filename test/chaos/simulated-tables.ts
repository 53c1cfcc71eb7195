/** The tables of a simulated database: rows by primary key, with the columns, defaults and unique keys of the real schema. */

import { MIGRATIONS } from '../../src/ledger/postgres/migrations/migrate.ts'
import { PRIMARY_KEYS, type Row, type RowChange, StoreFault, type TableName, type Value } from '../../src/ledger/postgres/store.ts'

type Cell = Row[string]

interface Column {
  readonly name: string
  readonly whole: boolean
  readonly fallback: Cell
}

interface Schema {
  readonly columns: ReadonlyMap<string, Column>
  /** A row that nobody has given a value. */
  readonly blank: Row
  /** Columns that no two rows share; null never counts as shared. */
  readonly unique: readonly string[]
}

const SCHEMAS = readSchemas(MIGRATIONS.map(({ sql }) => sql).join('\n'))

/** The few columns with constraints that a row as a whole must satisfy. */
const CHECKS: Partial<Record<TableName, (row: Row) => boolean>> = {
  sessions: ({ cap, spent, held, payments }) => least(spent) && least(held) && least(payments) && whole(spent) + whole(held) <= whole(cap),
  spending: ({ amount }) => least(amount),
  pins: ({ uses }) => least(uses),
}

export class SimulatedTables {
  readonly #tables = new Map<TableName, Map<string, Row>>()
  readonly #unique = new Map<string, string>()
  readonly #sequences = new Map<string, bigint>()

  rows(table: TableName): ReadonlyMap<string, Row> {
    return this.#table(table)
  }

  place(sequence: string): bigint {
    const next = (this.#sequences.get(sequence) ?? 0n) + 1n
    this.#sequences.set(sequence, next)
    return next
  }

  /** All of them, or none. @throws StoreFault `retry` or `rejected`. */
  apply(changes: readonly RowChange[]): void {
    const undo: (() => void)[] = []
    try {
      for (const change of changes) undo.push(this.#change(change))
    } catch (cause) {
      for (const back of undo.reverse()) back()
      throw cause
    }
  }

  #change({ kind, table, row }: RowChange): () => void {
    const key = keyOf(table, row)
    const rows = this.#table(table)
    const before = rows.get(key)
    if (kind === 'insert' ? before : !before) throw new StoreFault('retry', `${table} ${key} was changed by somebody else`)
    if (kind === 'delete') return this.#replace(table, key, undefined)
    const after = completed(table, before, row)
    if (CHECKS[table]?.(after) === false) throw new StoreFault('rejected', `${table} ${key} breaks a check`)
    return this.#replace(table, key, after)
  }

  #replace(table: TableName, key: string, after: Row | undefined): () => void {
    const rows = this.#table(table)
    const before = rows.get(key)
    for (const name of uniqueOf(table, after)) {
      const owner = this.#unique.get(name)
      if (owner !== undefined && owner !== key) throw new StoreFault('retry', `${name} is taken`)
    }
    for (const name of uniqueOf(table, before)) this.#unique.delete(name)
    for (const name of uniqueOf(table, after)) this.#unique.set(name, key)
    if (after) rows.set(key, after)
    else rows.delete(key)
    return () => void this.#replace(table, key, before)
  }

  #table(table: TableName): Map<string, Row> {
    const known = this.#tables.get(table)
    if (known) return known
    const fresh = new Map<string, Row>()
    this.#tables.set(table, fresh)
    return fresh
  }
}

/** The primary key of a row as one text. */
export function keyOf(table: TableName, row: Readonly<Record<string, Value>>): string {
  return PRIMARY_KEYS[table].map((column) => String(row[column])).join(' ')
}

function completed(table: TableName, before: Row | undefined, row: Readonly<Record<string, Value>>): Row {
  const { columns, blank } = schemaOf(table)
  const after: Record<string, Cell> = { ...(before ?? blank) }
  for (const name in row) {
    const column = columns.get(name)
    const value = row[name] ?? null
    if (!column) throw new StoreFault('rejected', `${table} has no column ${name}`)
    after[name] = column.whole && typeof value === 'number' ? BigInt(value) : value
  }
  return after
}

/** What this row alone may have: unique columns, and the keyed purchase that is open. */
function uniqueOf(table: TableName, row: Row | undefined): string[] {
  if (!row) return []
  const names = schemaOf(table)
    .unique.filter((column) => row[column] !== null)
    .map((column) => `${table}.${column}=${row[column]}`)
  const keyed = table === 'payments' && row.purchase_open === 1n && row.key_digest !== null
  return keyed ? [...names, `payments_keyed=${row.session_id} ${row.key_digest}`] : names
}

function schemaOf(table: TableName): Schema {
  const schema = SCHEMAS.get(table)
  if (!schema) throw new Error(`the schema has no table ${table}`)
  return schema
}

/** Reads the schema's own text, so that it cannot drift from what is simulated. */
function readSchemas(text: string): ReadonlyMap<string, Schema> {
  const schemas = new Map<string, Schema>()
  for (const [, name, body] of text.matchAll(/CREATE TABLE (\w+) \(\n([\s\S]*?)\n\)/g)) {
    const added = [...text.matchAll(/ALTER TABLE (\w+) ADD COLUMN (\w+ \w+.*);/g)].flatMap(([, table, column]) =>
      table === name ? [`  ${column}`] : [],
    )
    const lines = [...(body ?? '').split('\n'), ...added].map((line) => /^ {2}"?([a-z_]+)"? (text|bigint|bytea|boolean)\b(.*)$/.exec(line))
    const columns = lines.flatMap((line) => (line ? [columnOf(line[1] ?? '', line[2] ?? '', line[3] ?? '')] : []))
    const unique = lines.flatMap((line) => (line && /\bUNIQUE\b/.test(line[3] ?? '') ? [line[1] ?? ''] : []))
    const blank = Object.fromEntries(columns.map((column) => [column.name, column.fallback]))
    schemas.set(name ?? '', { columns: new Map(columns.map((column) => [column.name, column])), blank, unique })
  }
  return schemas
}

function columnOf(name: string, type: string, rest: string): Column {
  const [, number, word] = /DEFAULT (?:(\d+)|'(\w*)')/.exec(rest) ?? []
  const fallback = number === undefined ? (word ?? null) : BigInt(number)
  return { name, whole: type === 'bigint', fallback }
}

function whole(cell: Cell | undefined): bigint {
  return typeof cell === 'bigint' ? cell : 0n
}

function least(cell: Cell | undefined): boolean {
  return whole(cell) >= 0n
}
