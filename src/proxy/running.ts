/** What runs: counted, so that a drain can wait for its end, and by session, so that a revocation can break it off. */
export class Running {
  count = 0
  closing = false
  readonly #waiting: (() => void)[] = []
  readonly #bySession = new Map<string, Set<() => void>>()

  begin(): () => void {
    this.count++
    return () => {
      this.count--
      if (this.count === 0) for (const wake of this.#waiting.splice(0)) wake()
    }
  }

  ended(): Promise<void> {
    this.closing = true
    return this.count === 0 ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** `breakOff` runs if the session ends before the returned function is called. */
  of(sessionId: string, breakOff: () => void): () => void {
    const own = this.#bySession.get(sessionId) ?? new Set()
    this.#bySession.set(sessionId, own.add(breakOff))
    return () => {
      own.delete(breakOff)
      if (own.size === 0 && this.#bySession.get(sessionId) === own) this.#bySession.delete(sessionId)
    }
  }

  endOf(sessionId: string): void {
    for (const breakOff of [...(this.#bySession.get(sessionId) ?? [])]) breakOff()
  }
}
