/** Time that passes for those who wait when the test says so: a clock, and pauses that end when it has come far enough. */
import { type TestClock, testClock } from '../clock.ts'

export interface Patience {
  readonly clock: TestClock
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>
  /** Lets so much time pass, and wakes whoever waited for it. */
  advance(ms: number): void
}

interface Sleeper {
  readonly until: number
  readonly wake: () => void
}

export function createPatience(clock: TestClock = testClock()): Patience {
  const sleepers = new Set<Sleeper>()
  return {
    clock,
    pause: (ms, signal) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      const sleeper = { until: clock.monotonic() + ms, wake: resolve }
      sleepers.add(sleeper)
      if (signal.aborted) resolve()
      signal.addEventListener('abort', () => resolve(), { once: true })
      return promise.finally(() => sleepers.delete(sleeper))
    },
    advance(ms) {
      clock.advance(ms)
      for (const { until, wake } of sleepers) if (until <= clock.monotonic()) wake()
    },
  }
}
