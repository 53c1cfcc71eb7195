/** Whoever waits for an approval to change, here in this process. */
export class Wakers {
  readonly #byId = new Map<string, Set<() => void>>()

  /** Calls `wake` when this one changes, or when all are woken, until the returned function is called. */
  add(id: string, wake: () => void): () => void {
    const wakers = this.#byId.get(id) ?? new Set()
    this.#byId.set(id, wakers.add(wake))
    return () => {
      wakers.delete(wake)
      if (wakers.size === 0 && this.#byId.get(id) === wakers) this.#byId.delete(id)
    }
  }

  wake(id: string): void {
    for (const wake of this.#byId.get(id) ?? []) wake()
  }

  wakeAll(): void {
    for (const id of [...this.#byId.keys()]) this.wake(id)
  }

  /** How many approvals somebody waits for. */
  get size(): number {
    return this.#byId.size
  }
}
