/** A store in memory that does what it is told, faults included, and locks nothing: for tests of what works over a store. */
import type { Change } from '../../../src/ledger/ledger.ts'
import {
  ACCESSES,
  type Access,
  type FaultKind,
  type Filter,
  type Loaded,
  PRIMARY_KEYS,
  type Row,
  type RowChange,
  type RowKey,
  type Selection,
  type Sequence,
  type Store,
  StoreFault,
  type StoreTransaction,
  type TableName,
  type Wanted,
  type WindowKey,
} from '../../../src/ledger/postgres/store.ts'
import { money } from '../../../src/ledger/rows.ts'

type Step = 'begin' | 'load' | 'commit' | 'outcome' | 'select'

interface Told {
  readonly step: Step
  readonly fault: StoreFault
  /** It failed after its work was done. */
  readonly written: boolean
}

const none = async () => []

export class PlainStore implements Store {
  runId = 'run_1'
  readonly lanes = 1
  /** What was asked for, in order. */
  readonly log: string[] = []
  readonly #tables = new Map<TableName, Row[]>()
  readonly #faults: Told[] = []
  readonly #listeners = new Set<(change: Change) => void>()
  readonly #places: Record<Sequence, bigint> = { sessions: 0n, payments: 0n, receipts: 0n }

  rowsOf(table: TableName): Row[] {
    const rows = this.#tables.get(table) ?? []
    this.#tables.set(table, rows)
    return rows
  }

  /** The next such step fails; `written`: although it did its work. */
  fail(step: Step, kind: FaultKind, written = false): void {
    this.#faults.push({ step, fault: new StoreFault(kind, `told to be ${kind}`), written })
  }

  async begin({ lane, locks }: { readonly lane: number; readonly locks: readonly RowKey[] }): Promise<StoreTransaction> {
    this.log.push(`begin ${lane} ${locks.map(nameOf).join()}`)
    this.#meet('begin')
    let committed = false
    return {
      runId: this.runId,
      lock: async (keys) => void this.log.push(`lock ${keys.map(nameOf).join()}`),
      load: async (wanted) => this.#load(wanted),
      commit: async (changes, announcements) => {
        this.log.push(`commit ${changes.length}`)
        committed = this.#commit(changes, announcements)
        this.#meet('commit')
      },
      outcome: async () => {
        this.log.push('outcome')
        this.#meet('outcome')
        return committed
      },
      rollback: async () => void this.log.push('rollback'),
    }
  }

  async select({ table, where, order, limit }: Selection): Promise<readonly Row[]> {
    this.#meet('select')
    const found = this.rowsOf(table).filter((row) => where.every((filter) => holds(row, filter)))
    const [by] = order?.by ?? []
    const sorted = by === undefined ? found : found.toSorted((a, b) => (String(a[by]) < String(b[by]) ? -1 : 1))
    return (order?.falling ? sorted.toReversed() : sorted).slice(0, limit)
  }

  async count(selection: Pick<Selection, 'table' | 'where'>): Promise<number> {
    return (await this.select(selection)).length
  }

  async windows(keys: readonly WindowKey[]) {
    return keys.map((key) => {
      const { before, voided, oldest } = this.#window(key)
      const last = this.#rolling(key.series).at(-1)
      return { sum: (last ? money(last, 'total') : 0n) - before.total - voided, oldest }
    })
  }

  claim = none
  exposure = none
  states = none
  unattended = none
  troubled = none
  activity = none
  dealings = none
  heads = none
  prices = none
  conduct = none
  keepAnswer = async () => undefined
  pruneAnswers = async () => undefined
  refresh = async () => undefined
  settledReceipts = async () => 0n

  watch(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  readiness(): readonly string[] {
    return []
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.log.push('closed')
  }

  #load({ rows, windows, leaves, places }: Wanted): Loaded {
    this.log.push(`load ${rows.map(nameOf).join()}`)
    this.#meet('load')
    const draw = (sequence: Sequence) => Array.from({ length: places[sequence] }, () => ++this.#places[sequence])
    return {
      rows: rows.map((key) => this.#find(key)),
      windows: windows.map((key) => this.#window(key)),
      leaves: leaves.map(() => null),
      places: { sessions: draw('sessions'), payments: draw('payments'), receipts: draw('receipts') },
    }
  }

  #find({ access, values }: RowKey): Row[] {
    const { table, by, fixed = {} }: Access = ACCESSES[access]
    const named = (row: Row) => by.every((column, index) => row[column] === values[index])
    return this.rowsOf(table).filter((row) => named(row) && Object.entries(fixed).every(([column, value]) => row[column] === value))
  }

  #window({ series, after }: WindowKey) {
    const rows = this.#rolling(series)
    const before = rows.findLast((row) => money(row, 'at') <= BigInt(after))
    const ordinal = before ? money(before, 'ordinal') : 0n
    const later = rows.filter((row) => money(row, 'ordinal') > ordinal)
    const oldest = later.find((row) => row.void === 0n)
    return {
      before: { ordinal, total: before ? money(before, 'total') : 0n },
      voided: later.filter((row) => row.void === 1n).reduce((sum, row) => sum + money(row, 'amount'), 0n),
      oldest: oldest ? Number(oldest.at) : null,
    }
  }

  #rolling(series: string): Row[] {
    const rows = this.rowsOf('rolling').filter((row) => row.series === series)
    return rows.sort((a, b) => Number(money(a, 'ordinal') - money(b, 'ordinal')))
  }

  /** False where it fails without its work being done. */
  #commit(changes: readonly RowChange[], announcements: readonly Change[]): boolean {
    if (this.#faults.find(({ step }) => step === 'commit')?.written === false) return false
    for (const change of changes) this.#apply(change)
    for (const change of announcements) for (const listener of this.#listeners) listener(change)
    return true
  }

  #apply({ kind, table, row }: RowChange): void {
    const rows = this.rowsOf(table)
    const index = rows.findIndex((known) => PRIMARY_KEYS[table].every((column) => known[column] === row[column]))
    if (kind === 'insert') rows.push(row)
    else if (kind === 'update') rows[index] = { ...rows[index], ...row }
    else rows.splice(index, 1)
  }

  #meet(step: Step): void {
    const index = this.#faults.findIndex((one) => one.step === step)
    const [told] = index < 0 ? [] : this.#faults.splice(index, 1)
    if (told) throw told.fault
  }
}

function nameOf({ access, values }: RowKey): string {
  return `${access}(${values.join()})`
}

/** Of the filters, those that tests of what is above a store need. */
function holds(row: Row, { columns, is, values }: Filter): boolean {
  const equals = (value: Row[string] | undefined) => values.some((one) => String(one).toLowerCase() === String(value).toLowerCase())
  if (is === 'present') return columns.some((column) => row[column] !== null)
  if (is === 'absent') return columns.some((column) => row[column] === null)
  return columns.some((column) => equals(row[column]))
}
