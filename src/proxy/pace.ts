/**
 * The pace of an agent's connection: how long it may go without a whole request. Node enforces its own head timeout only in
 * servers that listen; those behind an intercepted connection never do.
 */
export interface Pace {
  /** A whole head has arrived. */
  began(): void
  /** Its answer has ended. */
  ended(): void
  /** True while an answer is outstanding. */
  readonly busy: boolean
  /** Ends now if nothing runs, else with the last answer. */
  drain(): void
  /** The connection is gone. */
  stop(): void
}

export interface PaceOptions {
  readonly idle_ms: number
  /** Ends the connection, gently while it is idle. */
  readonly end: () => void
}

export function keepPace({ idle_ms, end }: PaceOptions): Pace {
  let running = 0
  let draining = false
  const endIfIdle = () => {
    if (running === 0) end()
  }
  const timer = setTimeout(endIfIdle, idle_ms)
  return {
    began() {
      running++
    },
    ended() {
      running--
      if (draining) endIfIdle()
      else timer.refresh()
    },
    get busy() {
      return running > 0
    },
    drain() {
      draining = true
      endIfIdle()
    },
    stop() {
      clearTimeout(timer)
    },
  }
}
