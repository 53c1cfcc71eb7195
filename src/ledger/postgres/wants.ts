/** Wants: what a transaction has to lock and load, gathered from many operations, each thing once. */
import { ACCESSES, type Access, type LeavesKey, type RowKey, type Sequence, type Value, type Wanted, type WindowKey } from './store.ts'

export class Wants {
  readonly #rows = new Map<string, RowKey>()
  readonly #windows = new Map<string, WindowKey>()
  readonly #leaves = new Map<string, LeavesKey>()
  readonly #places: Record<Sequence, number> = { sessions: 0, payments: 0, receipts: 0 }

  get size(): number {
    const { sessions, payments, receipts } = this.#places
    return this.#rows.size + this.#windows.size + this.#leaves.size + sessions + payments + receipts
  }

  row(key: RowKey): this {
    this.#rows.set(nameOf(key), key)
    return this
  }

  /** A window rests on the head of its series. */
  window(key: WindowKey): this {
    this.#windows.set(windowName(key), key)
    return this.row({ access: 'head', values: [key.series] })
  }

  leave(key: LeavesKey): this {
    this.#leaves.set(leavesName(key), key)
    return this
  }

  places(sequence: Sequence, count: number): this {
    this.#places[sequence] += count
    return this
  }

  add(other: Wants): this {
    for (const [name, key] of other.#rows) this.#rows.set(name, key)
    for (const [name, key] of other.#windows) this.#windows.set(name, key)
    for (const [name, key] of other.#leaves) this.#leaves.set(name, key)
    for (const [sequence, count] of Object.entries(other.#places)) if (isSequence(sequence)) this.#places[sequence] += count
    return this
  }

  /** Without what depends on the time, and without places. */
  addRows(other: Wants): this {
    for (const [name, key] of other.#rows) this.#rows.set(name, key)
    return this
  }

  /** What each wanted row is called by `nameOf`, as it is now. */
  names(): ReadonlySet<string> {
    return new Set(this.#rows.keys())
  }

  /** The rows that are locked before they are read. */
  locks(): RowKey[] {
    return [...this.#rows.values()].filter(locks)
  }

  wanted(): Wanted {
    return {
      rows: [...this.#rows.values()],
      windows: [...this.#windows.values()],
      leaves: [...this.#leaves.values()],
      places: { ...this.#places },
    }
  }
}

export function nameOf({ access, values }: RowKey): string {
  return `${access} ${textOf(values)}`
}

/** One text for a list of values; different lists have different texts. */
export function textOf(values: readonly Value[]): string {
  const [only] = values
  return values.length === 1 && typeof only === 'string' ? only : values.map((value) => `${String(value).length}:${value}`).join(' ')
}

export function windowName({ series, after }: WindowKey): string {
  return `${after} ${series}`
}

export function leavesName({ series, ordinal, amount }: LeavesKey): string {
  return `${ordinal} ${amount} ${series}`
}

export const SEQUENCES: readonly Sequence[] = ['sessions', 'payments', 'receipts']

function isSequence(name: string): name is Sequence {
  return SEQUENCES.some((known) => known === name)
}

function locks({ access }: RowKey): boolean {
  const { lock }: Access = ACCESSES[access]
  return lock === true
}
