/**
 * A simulated database server, as PostgreSQL behaves at READ COMMITTED: rows are locked one by one and waited for, each
 * statement sees what was committed before it began, a commit is whole, and a client that is gone keeps its locks until
 * somebody notices. It does at once what it is asked; how long that takes and what gets lost is the client's affair.
 */

import type { Change } from '../../src/ledger/ledger.ts'
import {
  ACCESS_NAMES,
  ACCESSES,
  type Access,
  type AccessName,
  type AnswerRow,
  type Claim,
  type Filter,
  type LeavesKey,
  type Loaded,
  PRIMARY_KEYS,
  type Row,
  type RowChange,
  type RowKey,
  type Selection,
  StoreFault,
  type Value,
  type Wanted,
  type WindowKey,
  type WindowSum,
} from '../../src/ledger/postgres/store.ts'
import { RUN_TIMEOUT_MS } from '../../src/limits.ts'
import { type Holder, RowLocks } from './row-locks.ts'
import { keyOf, SimulatedTables } from './simulated-tables.ts'

interface Path extends Required<Pick<Access, 'table' | 'by'>> {
  readonly fixed: readonly (readonly [column: string, value: Value])[]
  /** It names one row by its whole key. */
  readonly whole: boolean
  /** Its place in the order of locks. */
  readonly order: number
}

const PATHS: ReadonlyMap<AccessName, Path> = new Map(ACCESS_NAMES.map((name, order) => [name, pathOf(name, order)]))

/** Answers that it keeps at most: so few that repeats meet one that is gone. */
const KEPT_ANSWERS = 2

/** A transaction as the server has it. */
export interface ServerTransaction extends Holder {
  readonly runId: string
  state: 'open' | 'committed' | 'rolled_back'
  /** Resolves when it is over, one way or the other. */
  readonly over: Promise<void>
  readonly end: () => void
}

export class SimulatedServer {
  readonly tables = new SimulatedTables()
  readonly #locks = new RowLocks()
  readonly #heardAt = new Map<string, () => number>()
  readonly #listeners = new Set<(change: Change) => void>()
  /** Rises with each commit. */
  version = 0

  /** A new run, known to all. Its heartbeats are not played: `heardAt` tells when it was last heard of. */
  enter(runId: string, { agenda: { now }, heardAt }: { readonly agenda: { readonly now: number }; readonly heardAt: () => number }): void {
    this.#heardAt.set(runId, heardAt)
    const row = {
      id: runId,
      epoch: this.tables.place('runs'),
      started_at: BigInt(Math.floor(now)),
      heartbeat_at: BigInt(Math.floor(now)),
      ended_at: null,
    }
    this.tables.apply([{ kind: 'insert', table: 'runs', row }])
  }

  /** Declares ended whatever was not heard of for too long, unless it has a transaction open at this moment. */
  sweep(now: number): void {
    for (const { id, ended_at } of this.tables.rows('runs').values()) {
      const run = String(id)
      const silent = now - (this.#heardAt.get(run)?.() ?? 0) > RUN_TIMEOUT_MS
      if (ended_at === null && silent && !this.#busy(run)) this.endRun(run, now)
    }
  }

  endRun(id: string, now: number): void {
    this.tables.apply([{ kind: 'update', table: 'runs', row: { id, ended_at: BigInt(Math.floor(now)), ended_why: 'silence' } }])
    this.version++
  }

  isLiving(runId: string): boolean {
    return this.tables.rows('runs').get(runId)?.ended_at === null
  }

  /** Waits for what is left of the lane's last transaction. @throws StoreFault. */
  async begin(runId: string, lane: number): Promise<ServerTransaction> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const transaction: ServerTransaction = { runId, locks: new Set(), state: 'open', over: promise, end: resolve }
    await this.#locks.acquire(transaction, `lanes ${runId} ${lane}`)
    if (this.isLiving(runId)) return transaction
    this.rollback(transaction)
    throw new StoreFault('fenced', `run ${runId} was declared ended`)
  }

  /** In the order of accesses, and by key within each. @throws StoreFault `retry`. */
  async lock(transaction: ServerTransaction, keys: readonly RowKey[]): Promise<void> {
    const order = (key: RowKey) => pathTo(key.access).order
    const sorted = [...keys].sort((a, b) => order(a) - order(b) || (String(a.values) < String(b.values) ? -1 : 1))
    const names = new Set(sorted.flatMap((key) => this.#found(key).map((row) => nameOf(key.access, row))))
    for (const name of names) {
      if (transaction.state !== 'open') throw new StoreFault('retry', 'the transaction was ended')
      await this.#locks.acquire(transaction, name)
    }
  }

  load({ rows, windows, leaves, places }: Wanted): Loaded {
    const drawn = (sequence: keyof typeof places) =>
      places[sequence] === 0 ? [] : Array.from({ length: places[sequence] }, () => this.tables.place(sequence))
    return {
      rows: rows.map((key) => this.#found(key)),
      windows: windows.map((key) => this.#window(key)),
      leaves: leaves.map((key) => this.#leaves(key)),
      places: { sessions: drawn('sessions'), payments: drawn('payments'), receipts: drawn('receipts') },
    }
  }

  /** @throws StoreFault; nothing is changed then. */
  commit(transaction: ServerTransaction, changes: readonly RowChange[], announcements: readonly Change[]): void {
    if (transaction.state !== 'open') throw new StoreFault('retry', 'the transaction was ended')
    try {
      this.tables.apply(changes)
    } catch (cause) {
      this.rollback(transaction)
      throw cause
    }
    this.version++
    this.#over(transaction, 'committed')
    for (const change of announcements) for (const listener of this.#listeners) listener(change)
  }

  rollback(transaction: ServerTransaction): void {
    if (transaction.state === 'open') this.#over(transaction, 'rolled_back')
  }

  select({ table, where, order, limit }: Selection): readonly Row[] {
    const found = [...this.tables.rows(table).values()].filter((row) => where.every((filter) => holds(filter, row)))
    if (order) found.sort((a, b) => (order.falling ? -1 : 1) * compareBy(order.by, a, b))
    return limit === undefined ? found : found.slice(0, limit)
  }

  /** Payments that nobody works on any more: rows of id and session. */
  unattended(now: number): readonly Row[] {
    const left = [...this.tables.rows('payments').values()].filter((row) => needsRecovery(row) && !this.#held(row, now))
    return left.sort((a, b) => compareBy(['seq'], a, b))
  }

  keepAnswer({ paymentId, sealed, expiresAt }: AnswerRow): void {
    const row = {
      payment_id: paymentId,
      seq: this.tables.place('kept_answers'),
      sealed: new Uint8Array(sealed),
      bytes: BigInt(sealed.length),
      expires_at: BigInt(expiresAt),
    }
    const kind = this.tables.rows('kept_answers').has(paymentId) ? 'update' : 'insert'
    this.tables.apply([{ kind, table: 'kept_answers', row }])
    this.#dropAnswers()
  }

  /** The oldest go where they would be too many. */
  #dropAnswers(): void {
    const kept = [...this.tables.rows('kept_answers').values()].sort((a, b) => compareBy(['seq'], a, b))
    const old = kept.slice(0, Math.max(0, kept.length - KEPT_ANSWERS))
    this.tables.apply(old.map(({ payment_id }) => ({ kind: 'delete', table: 'kept_answers', row: { payment_id: String(payment_id) } })))
  }

  pruneAnswers(now: number): void {
    const old = [...this.tables.rows('kept_answers').values()].filter((row) => cell(row, 'expires_at') <= BigInt(now))
    this.tables.apply(old.map(({ payment_id }) => ({ kind: 'delete', table: 'kept_answers', row: { payment_id: String(payment_id) } })))
  }

  window(key: WindowKey): { readonly sum: bigint; readonly oldest: number | null } {
    const { before, oldest } = this.#window(key)
    const behind = this.#series(key.series).filter((row) => cell(row, 'ordinal') > before.ordinal && row.void === 0n)
    return { sum: behind.reduce((sum, row) => sum + cell(row, 'amount'), 0n), oldest }
  }

  claim(runId: string, { networks, limit, now, until }: Claim): readonly Row[] {
    const due = [...this.tables.rows('payments').values()].filter(
      (row) =>
        isDue(row, { now, networks }) &&
        (row.resolver_until === null || cell(row, 'resolver_until') <= BigInt(now) || !this.isLiving(String(row.resolver_run))),
    )
    const first = due.sort((a, b) => compareBy(['check_at', 'seq'], a, b)).slice(0, limit)
    const row = { resolver_run: runId, resolver_until: BigInt(until) }
    this.tables.apply(first.map(({ id }) => ({ kind: 'update', table: 'payments', row: { id: String(id), ...row } })))
    return first.map((before) => this.tables.rows('payments').get(String(before.id)) ?? before)
  }

  listen(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #over(transaction: ServerTransaction, state: 'committed' | 'rolled_back'): void {
    transaction.state = state
    this.#locks.release(transaction)
    transaction.end()
  }

  /** Somebody who lives works on it. */
  #held(row: Row, now: number): boolean {
    const { holder, holder_run, lease_until } = row
    return (
      holder !== 'none' &&
      holder_run !== null &&
      lease_until !== null &&
      cell(row, 'lease_until') > BigInt(now) &&
      this.isLiving(String(holder_run))
    )
  }

  #busy(runId: string): boolean {
    return [0, 1, 2, 3].some((lane) => !this.#locks.free(`lanes ${runId} ${lane}`))
  }

  #found({ access, values }: RowKey): readonly Row[] {
    const { table, by, fixed, whole } = pathTo(access)
    const rows = this.tables.rows(table)
    if (whole) {
      const row = rows.get(values.join(' '))
      return row ? [row] : []
    }
    const found = [...rows.values()].filter(
      (row) => by.every((column, at) => same(row[column], values[at])) && fixed.every(([name, value]) => same(row[name], value)),
    )
    return found.length < 2 ? found : found.sort((a, b) => (keyOf(table, a) < keyOf(table, b) ? -1 : 1))
  }

  #series(series: string): Row[] {
    const found = [...this.tables.rows('rolling').values()].filter((row) => row.series === series)
    return found.sort((a, b) => compareBy(['ordinal'], a, b))
  }

  #window({ series, after }: WindowKey): WindowSum {
    const rows = this.#series(series)
    const last = rows.filter((row) => cell(row, 'at') <= BigInt(after)).at(-1)
    const before = { ordinal: last ? cell(last, 'ordinal') : 0n, total: last ? cell(last, 'total') : 0n }
    const behind = rows.filter((row) => cell(row, 'ordinal') > before.ordinal)
    const voided = behind.filter((row) => row.void === 1n).reduce((sum, row) => sum + cell(row, 'amount'), 0n)
    const oldest = behind.find((row) => row.void === 0n)
    return { before, voided, oldest: oldest ? Number(cell(oldest, 'at')) : null }
  }

  #leaves({ series, ordinal, amount }: LeavesKey): number | null {
    let left = 0n
    for (const row of this.#series(series)) {
      if (cell(row, 'ordinal') <= ordinal || row.void === 1n) continue
      left += cell(row, 'amount')
      if (left >= amount) return Number(cell(row, 'at'))
    }
    return null
  }
}

function pathOf(name: AccessName, order: number): Path {
  const { table, by, fixed = {} }: Access = ACCESSES[name]
  return { table, by, fixed: Object.entries(fixed), whole: by.join() === PRIMARY_KEYS[table].join(), order }
}

function pathTo(name: AccessName): Path {
  return PATHS.get(name) ?? pathOf(name, ACCESS_NAMES.indexOf(name))
}

function nameOf(access: AccessName, row: Row): string {
  const { table } = pathTo(access)
  return `${table} ${keyOf(table, row)}`
}

function cell(row: Row, column: string): bigint {
  const value = row[column]
  return typeof value === 'bigint' ? value : 0n
}

function isDue(row: Row, { now, networks }: Pick<Claim, 'now' | 'networks'>): boolean {
  const known = networks.some((network) => network === row.network)
  const open = row.state === 'unknown' || (known && (row.state === 'expired' || row.state === 'settled'))
  return open && row.check_at !== null && cell(row, 'check_at') <= BigInt(now)
}

function needsRecovery({ state, delivered, dispute }: Row): boolean {
  return state === 'reserved' || state === 'signed' || state === 'sent' || (state === 'settled' && delivered === 0n && dispute === null)
}

function same(a: Value | undefined, b: Value | undefined): boolean {
  return normal(a) === normal(b)
}

function normal(value: Value | undefined): Value | undefined {
  return typeof value === 'number' ? BigInt(value) : value
}

function holds({ columns, is, values }: Filter, row: Row): boolean {
  if (is === 'present') return columns.some((column) => row[column] !== null)
  if (is === 'absent') return columns.some((column) => row[column] === null)
  return columns.some((column) => values.some((value) => compares(row[column], is, value)))
}

function compares(a: Value | undefined, is: Filter['is'], b: Value): boolean {
  if (is === 'like') return String(a).toLowerCase() === String(b).toLowerCase()
  if (is === '=') return same(a, b)
  if (a === null || a === undefined || b === null) return false
  const order = compareValues(a, b)
  return is === '<' ? order < 0 : is === '>' ? order > 0 : order >= 0
}

function compareBy(columns: readonly string[], a: Row, b: Row): number {
  for (const column of columns) {
    const order = compareValues(a[column] ?? null, b[column] ?? null)
    if (order !== 0) return order
  }
  return 0
}

/** Null stands first. */
function compareValues(a: Value, b: Value): number {
  const [x, y] = [normal(a) ?? null, normal(b) ?? null]
  if (x === y) return 0
  if (x === null) return -1
  if (y === null) return 1
  return x < y ? -1 : 1
}
