/** Counts what runs, so that a drain can wait for its end. */
export class Running {
  count = 0
  closing = false
  readonly #waiting: (() => void)[] = []

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
}
