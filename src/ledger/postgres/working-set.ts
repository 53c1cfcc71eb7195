/**
 * The working set: the rows that one transaction has at hand, with what was changed in them. Lookups are synchronous; a
 * lookup of what was never loaded throws `Missing`, which names it. Every change can be taken back, so that an operation
 * that fails loses only its own.
 */
import {
  ACCESS_NAMES,
  ACCESSES,
  type Access,
  type AccessName,
  type LeavesKey,
  type Loaded,
  PRIMARY_KEYS,
  type Row,
  type RowChange,
  type Sequence,
  type TableName,
  type Value,
  type Wanted,
  type WindowKey,
  type WindowSum,
} from './store.ts'
import { leavesName, nameOf, SEQUENCES, textOf, Wants, windowName } from './wants.ts'

/** Thrown by a lookup that was not foreseen. The operation is undone, this is loaded, and the operation runs again. */
export class Missing extends Error {
  override readonly name = 'Missing'
  readonly wants: Wants

  constructor(wants: Wants) {
    super('an operation needs rows that are not at hand')
    this.wants = wants
  }
}

export type Columns = Readonly<Record<string, Value>>

interface Entry {
  /** As the database has it; undefined where it has none. */
  readonly stored: Row | undefined
  row: Row | undefined
}

export class WorkingSet {
  readonly #tables = new Map<TableName, Map<string, Entry>>()
  readonly #indexes = new Map<AccessName, Map<string, Set<Entry>>>()
  readonly #answered = new Set<string>()
  readonly #windows = new Map<string, WindowSum>()
  readonly #leaves = new Map<string, number | null>()
  readonly #places: Record<Sequence, bigint[]> = { sessions: [], payments: [], receipts: [] }
  readonly #undo: (() => void)[] = []

  /** Takes in what was loaded for `wanted`. Rows that are at hand already keep what was changed in them. */
  fill(wanted: Wanted, loaded: Loaded): void {
    wanted.rows.forEach((key, index) => {
      for (const row of loaded.rows[index] ?? []) this.#take(ACCESSES[key.access].table, row)
      this.#answered.add(nameOf(key))
    })
    wanted.windows.forEach((key, index) => {
      const sum = loaded.windows[index]
      if (sum) this.#windows.set(windowName(key), sum)
    })
    wanted.leaves.forEach((key, index) => {
      this.#leaves.set(leavesName(key), loaded.leaves[index] ?? null)
    })
    for (const sequence of SEQUENCES) this.#places[sequence].push(...loaded.places[sequence])
  }

  /** The rows of this key, as they are by now, in no order. @throws Missing */
  rows(access: AccessName, ...values: readonly Value[]): Row[] {
    const text = textOf(values)
    if (!this.#answered.has(`${access} ${text}`)) throw new Missing(new Wants().row({ access, values }))
    const found: Row[] = []
    for (const { row } of this.#index(access).get(text) ?? []) {
      if (row && isNamed(row, access, values)) found.push(row)
    }
    return found
  }

  /** As `rows` for many keys; what is missing is named all at once. @throws Missing */
  rowsOfAll(access: AccessName, keys: readonly (readonly Value[])[]): Row[] {
    const wants = new Wants()
    for (const values of keys) if (!this.#answered.has(`${access} ${textOf(values)}`)) wants.row({ access, values })
    if (wants.size > 0) throw new Missing(wants)
    return keys.flatMap((values) => this.rows(access, ...values))
  }

  /** The row that a primary key or unique column names. @throws Missing */
  row(access: AccessName, ...values: readonly Value[]): Row | undefined {
    const text = textOf(values)
    const entries = this.#index(access).get(text)
    for (const { row } of entries ?? []) if (row && isNamed(row, access, values)) return row
    if (!this.#answered.has(`${access} ${text}`)) throw new Missing(new Wants().row({ access, values }))
    return undefined
  }

  /** @throws Missing */
  window(key: WindowKey): WindowSum {
    const sum = this.#windows.get(windowName(key))
    if (!sum) throw new Missing(new Wants().window(key))
    return sum
  }

  /** @throws Missing */
  leaves(key: LeavesKey): number | undefined {
    const at = this.#leaves.get(leavesName(key))
    if (at === undefined) throw new Missing(new Wants().leave(key))
    return at ?? undefined
  }

  /** A fresh place in the order of writing. What is left of them in the end leaves a gap. @throws Missing */
  place(sequence: Sequence): bigint {
    const places = this.#places[sequence]
    const place = places.shift()
    if (place === undefined) throw new Missing(new Wants().places(sequence, PLACES_AT_ONCE))
    this.#undo.push(() => places.unshift(place))
    return place
  }

  /** Takes the columns over. @throws Error where this very write has the row already. */
  insert(table: TableName, columns: Record<string, Value>): void {
    const row = rowOf(columns)
    const rows = this.#rowsOf(table)
    const name = primaryName(table, row)
    const entry: Entry = rows.get(name) ?? { stored: undefined, row: undefined }
    if (entry.row) throw new Error(`there is a row ${name} in ${table} already`)
    rows.set(name, entry)
    this.#enter(table, entry, row)
    this.#change(entry, row)
  }

  /** Changes columns that are not of the primary key, nor looked up by. @throws Error where the row is not at hand. */
  update(table: TableName, row: Row, columns: Columns): Row {
    const entry = this.#rowsOf(table).get(primaryName(table, row))
    if (!entry?.row) throw new Error(`there is no row to change in ${table}`)
    return this.#change(entry, rowOf({ ...entry.row, ...columns }))
  }

  remove(table: TableName, row: Row): void {
    const entry = this.#rowsOf(table).get(primaryName(table, row))
    if (entry) this.#change(entry, undefined)
  }

  /** True where the database has this row, whatever was changed in it since. */
  isStored(table: TableName, row: Row): boolean {
    return this.#rowsOf(table).get(primaryName(table, row))?.stored !== undefined
  }

  /** `back` runs where the present operation is undone. */
  onUndo(back: () => void): void {
    this.#undo.push(back)
  }

  /** Forgets how to undo what was done so far: the operation is complete. */
  keep(): void {
    this.#undo.length = 0
  }

  /** Takes back what was done since the last `keep`. */
  takeBack(): void {
    for (let back = this.#undo.pop(); back; back = this.#undo.pop()) back()
  }

  /** What the database has to be told. */
  changes(): RowChange[] {
    const changes: RowChange[] = []
    for (const [table, rows] of this.#tables) {
      for (const entry of rows.values()) {
        const change = changeOf(table, entry)
        if (change) changes.push(change)
      }
    }
    return changes
  }

  #change(entry: Entry, row: Row | undefined): Row {
    const before = entry.row
    entry.row = row
    this.#undo.push(() => {
      entry.row = before
    })
    return row ?? NO_ROW
  }

  #take(table: TableName, row: Row): void {
    const rows = this.#rowsOf(table)
    const name = primaryName(table, row)
    if (rows.has(name)) return
    const entry: Entry = { stored: row, row }
    rows.set(name, entry)
    this.#enter(table, entry, row)
  }

  #enter(table: TableName, entry: Entry, row: Row): void {
    for (const access of ACCESSES_OF.get(table) ?? []) {
      const index = this.#index(access)
      const { by }: Access = ACCESSES[access]
      const name = textOf(by.map((column) => row[column] ?? null))
      const found = index.get(name)
      if (found) found.add(entry)
      else index.set(name, new Set([entry]))
    }
  }

  #rowsOf(table: TableName): Map<string, Entry> {
    const known = this.#tables.get(table)
    if (known) return known
    const rows = new Map<string, Entry>()
    this.#tables.set(table, rows)
    return rows
  }

  #index(access: AccessName): Map<string, Set<Entry>> {
    const known = this.#indexes.get(access)
    if (known) return known
    const index = new Map<string, Set<Entry>>()
    this.#indexes.set(access, index)
    return index
  }
}

/** Drawn when an operation needs more than was foreseen. */
const PLACES_AT_ONCE = 16
const NO_ROW: Row = {}

/** The ways in which rows of a table are found. */
const ACCESSES_OF = new Map<TableName, AccessName[]>()
for (const name of ACCESS_NAMES) {
  const { table } = ACCESSES[name]
  ACCESSES_OF.set(table, [...(ACCESSES_OF.get(table) ?? []), name])
}

function primaryName(table: TableName, row: Columns): string {
  return textOf(PRIMARY_KEYS[table].map((column) => row[column] ?? null))
}

/** An index may lead to a row that has other columns by now. */
function isNamed(row: Row, access: AccessName, values: readonly Value[]): boolean {
  const { by, fixed }: Access = ACCESSES[access]
  if (!by.every((column, index) => row[column] === values[index])) return false
  return !fixed || Object.entries(fixed).every(([column, value]) => row[column] === value)
}

/** Whole numbers are bigint in every row, wherever it comes from. */
function rowOf(row: Record<string, Value>): Row {
  for (const column in row) {
    const value = row[column]
    if (typeof value === 'number') row[column] = BigInt(value)
  }
  return row
}

function changeOf(table: TableName, { stored, row }: Entry): RowChange | undefined {
  if (row === stored) return undefined
  if (!stored) return row && { kind: 'insert', table, row }
  const named: Record<string, Value> = {}
  for (const column of PRIMARY_KEYS[table]) named[column] = stored[column] ?? null
  if (!row) return { kind: 'delete', table, row: named }
  const changed = Object.keys(row).filter((column) => (row[column] ?? null) !== stored[column])
  if (changed.length === 0) return undefined
  const balance = table === 'sessions' && changed.every((column) => BALANCE.includes(column))
  for (const column of balance ? BALANCE : changed) named[column] = row[column] ?? null
  return { kind: 'update', table, row: named }
}

/** What payments move in a session is written together, moved or not: rows with the same columns are one statement. */
const BALANCE: readonly string[] = ['spent', 'held', 'payments', 'chain_number', 'chain_hash']
