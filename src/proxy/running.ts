/** What runs: so that a drain can wait for its end, and the end of a session break off what is its own. */
import { BriefMap } from '../brief-map.ts'

export interface Run {
  readonly id: string
  /** The session whose end breaks it off; none as long as nobody knows it, and where the agent is answered to the end. */
  sessionId: string | undefined
  readonly reply: { breakOff(): void }
}

export class Running {
  readonly #all = new BriefMap<Run>()
  readonly #waiting: (() => void)[] = []
  closing = false

  get count(): number {
    return this.#all.size
  }

  begin(run: Run): void {
    this.#all.set(run.id, run)
  }

  end(run: Run): void {
    this.#all.delete(run.id)
    if (this.#all.size === 0) for (const wake of this.#waiting.splice(0)) wake()
  }

  ended(): Promise<void> {
    this.closing = true
    return this.#all.size === 0 ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve))
  }

  endOf(sessionId: string): void {
    for (const run of this.#all.values()) if (run.sessionId === sessionId) run.reply.breakOff()
  }
}
