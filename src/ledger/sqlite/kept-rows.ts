/**
 * Rows of a small table that payments read and change again and again: in memory while they are in use, and written once
 * before the commit, however often they were changed until then.
 */
import { LRUCache } from 'lru-cache'
import { MAX_KEPT_ROWS } from '../../hot-path-limits.ts'
import type { Behind, Pending } from './pending.ts'

/** `Key`: what of a row says which one it is. */
export interface KeptOptions<Key, Kept extends Key> {
  readonly pending: Pending
  readonly nameOf: (key: Key) => string
  /** As the file has it; undefined where it has none. */
  readonly read: (key: Key) => Kept | undefined
  /** Puts it into the file, in the place of what was there. */
  readonly put: (row: Kept) => void
}

export class KeptRows<Key, Kept extends Key & object> implements Behind {
  readonly #options: KeptOptions<Key, Kept>
  /** As the file has them, absent ones too, but for those that are changed. */
  readonly #known = new LRUCache<string, { readonly row: Kept | undefined }>({ max: MAX_KEPT_ROWS })
  /** Still to be written. */
  /** A new one with each commit, so that none grows old (`src/brief-map.ts`). */
  #changed = new Map<string, Kept>()

  constructor(options: KeptOptions<Key, Kept>) {
    this.#options = options
    options.pending.join(this)
  }

  get(key: Key): Kept | undefined {
    const name = this.#options.nameOf(key)
    const changed = this.#changed.get(name)
    if (changed) return changed
    const known = this.#known.get(name)
    if (known) return known.row
    const row = this.#options.read(key)
    this.#known.set(name, { row })
    return row
  }

  set(row: Kept): void {
    const name = this.#options.nameOf(row)
    const before = this.#changed.get(name)
    this.#changed.set(name, row)
    this.#options.pending.onUndo(() => {
      if (before) this.#changed.set(name, before)
      else this.#changed.delete(name)
    })
  }

  /** The rows that are not in the file yet. */
  unwritten(): Iterable<Kept> {
    return this.#changed.values()
  }

  /** Within the present operation `change` changes this row in the file itself: it is read anew. */
  past(key: Key, change: () => void): void {
    const name = this.#options.nameOf(key)
    this.write()
    this.#options.pending.onUndo(() => this.#known.delete(name))
    change()
    this.#known.delete(name)
  }

  write(): void {
    if (this.#changed.size === 0) return
    const rows = this.#changed
    this.#changed = new Map()
    for (const [name, row] of rows) {
      this.#options.put(row)
      this.#known.set(name, { row })
    }
    this.#options.pending.onUndo(() => {
      for (const [name, row] of rows) {
        this.#changed.set(name, row)
        this.#known.delete(name)
      }
    })
  }

  forget(): void {
    this.#known.clear()
    this.#changed.clear()
  }
}
