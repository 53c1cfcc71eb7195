/**
 * The pace of an agent's connection: how long it may go without a whole request. Node enforces its own head timeout only in
 * servers that listen; those behind an intercepted connection never do.
 */
export interface PaceOptions {
  readonly idle_ms: number
  /** Ends the connection, gently while it is idle. */
  readonly end: () => void
}

export class Pace {
  readonly #end: () => void
  readonly #timer: NodeJS.Timeout
  #running = 0
  #draining = false

  constructor({ idle_ms, end }: PaceOptions) {
    this.#end = end
    this.#timer = setTimeout(endIfIdle, idle_ms, this)
  }

  /** A whole head has arrived. */
  began(): void {
    this.#running++
  }

  /** Its answer has ended. */
  ended(): void {
    this.#running--
    if (this.#draining) this.endIfIdle()
    else this.#timer.refresh()
  }

  /** True while an answer is outstanding. */
  get busy(): boolean {
    return this.#running > 0
  }

  /** Ends now if nothing runs, else with the last answer. */
  drain(): void {
    this.#draining = true
    this.endIfIdle()
  }

  /** The connection is gone. */
  stop(): void {
    clearTimeout(this.#timer)
  }

  endIfIdle(): void {
    if (!this.busy) this.#end()
  }
}

const endIfIdle = (pace: Pace): void => pace.endIfIdle()
