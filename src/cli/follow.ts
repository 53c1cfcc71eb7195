/** Following a list: what comes into it is shown once, oldest first, until somebody stops it. */
import type { Pause } from '../clock.ts'
import { FOLLOW_MS } from '../people-limits.ts'

export interface Following<T> {
  /** The list as it is now, newest first. */
  readonly look: () => Promise<readonly T[]>
  /** The same for what was shown already. */
  readonly nameOf: (item: T) => string
  readonly show: (item: T) => void
  readonly pause: Pause
  readonly stop: AbortSignal
}

/** Resolves when `stop` fires. Rejects with the fault of `look`. */
export async function follow<T>({ look, nameOf, show, pause, stop }: Following<T>): Promise<void> {
  let shown = new Set<string>()
  while (!stop.aborted) {
    const items = await look()
    for (const item of items.toReversed()) if (!shown.has(nameOf(item))) show(item)
    // Only what still is there: what has gone does not come back under the same name.
    shown = new Set(items.map(nameOf))
    await pause(FOLLOW_MS, stop).catch(() => undefined)
  }
}
