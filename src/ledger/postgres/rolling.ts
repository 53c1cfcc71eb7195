/**
 * Rolling sums in the working set. The head of a series is locked by whoever adds to it or sums it, because an agent's
 * series is common to sessions of different lanes. Entries stand in the order of time, though replicas' clocks differ: an
 * entry is never older than the one before, so that it leaves its window too late rather than too early.
 */
import { int, money, type Row } from '../rows.ts'
import type { Charge, Entry, RollingTable, Transaction, Window } from '../tables.ts'
import type { WorkingSet } from './working-set.ts'

export class Rolling implements RollingTable {
  readonly #set: WorkingSet
  /** What this transaction has done to each series. */
  readonly #added = new Map<string, Row[]>()
  readonly #voided = new Map<string, Row[]>()

  constructor(set: WorkingSet) {
    this.#set = set
  }

  add(tx: Transaction, { series, amount }: Charge): Entry {
    const head = this.#set.row('head', series)
    const ordinal = (head ? money(head, 'ordinal') : 0n) + 1n
    const total = (head ? money(head, 'total') : 0n) + amount
    const at = BigInt(Math.max(tx.now, head ? int(head, 'at') : 0))
    if (head) this.#set.update('rolling_heads', head, { ordinal, total, at })
    else this.#set.insert('rolling_heads', { series, ordinal, total, at })
    const row = { series, ordinal, at, amount, total, void: 0n }
    this.#set.insert('rolling', row)
    this.#remember(this.#added, series, row)
    return { series, ordinal: Number(ordinal) }
  }

  takeBack(_tx: Transaction, { series, ordinal }: Entry): void {
    this.#set.row('head', series)
    const row = this.#set.row('entry', series, BigInt(ordinal))
    if (!row || money(row, 'void') === 1n) return
    this.#set.update('rolling', row, { void: 1n })
    this.#remember(this.#voided, series, row)
  }

  sum(window: Window): bigint {
    const { before, voided } = this.#set.window(window)
    const head = this.#set.row('head', window.series)
    if (!head) return 0n
    const here = this.#rows(this.#voided, window.series).filter((row) => money(row, 'ordinal') > before.ordinal)
    return money(head, 'total') - before.total - voided - here.reduce((sum, row) => sum + money(row, 'amount'), 0n)
  }

  /** What this transaction voids may still be named: the answer is advice, and the window is empty only by its sum. */
  oldest(window: Window): number | undefined {
    if (this.sum(window) === 0n) return undefined
    const [added] = this.#rows(this.#added, window.series)
    return this.#set.window(window).oldest ?? (added && int(added, 'at'))
  }

  leaves(window: Window, amount: bigint): number | undefined {
    if (this.sum(window) < amount) return undefined
    const { before } = this.#set.window(window)
    const last = this.#rows(this.#added, window.series).at(-1)
    return this.#set.leaves({ series: window.series, ordinal: before.ordinal, amount }) ?? (last && int(last, 'at'))
  }

  #rows(rows: ReadonlyMap<string, Row[]>, series: string): readonly Row[] {
    return rows.get(series) ?? []
  }

  #remember(rows: Map<string, Row[]>, series: string, row: Row): void {
    const known = rows.get(series) ?? []
    rows.set(series, known)
    known.push(row)
    this.#set.onUndo(() => known.pop())
  }
}
