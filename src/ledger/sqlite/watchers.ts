/** Whoever wants to know what changes on the ledger. One process owns the file, so nobody else has to be told. */
import type { Change } from '../ledger.ts'
import type { ChangeTable, Transaction } from '../tables.ts'

export class Watchers implements ChangeTable {
  readonly #listeners = new Set<(change: Change) => void>()

  add(tx: Transaction, change: Change): void {
    tx.afterCommit(() => {
      for (const listener of this.#listeners) listener(change)
    })
  }

  /** Until the returned function is called. The same listener may watch twice. */
  watch(listener: (change: Change) => void): () => void {
    const own = (change: Change) => listener(change)
    this.#listeners.add(own)
    return () => this.#listeners.delete(own)
  }
}
