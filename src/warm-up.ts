/**
 * What a start leaves out, so that agents are served sooner, and what would keep the first who needs it waiting: it is loaded
 * once the start is over, one after the other.
 */
import type { Events } from './telemetry/events.ts'

/** The first requests of the agents do not meet it. */
const WARM_AFTER_MS = 1_000

/** What cannot be loaded is told of now, not by whoever needs it first. `started` calls it off. */
export function warmUp(
  parts: readonly (() => Promise<unknown>)[],
  { events, started, after_ms = WARM_AFTER_MS }: { events: Pick<Events, 'faulted'>; started: AsyncDisposableStack; after_ms?: number },
): void {
  const warm = async () => {
    for (const part of parts) await part()
  }
  const timer = setTimeout(() => warm().catch((fault: unknown) => events.faulted('warming up', fault)), after_ms).unref()
  started.defer(() => clearTimeout(timer))
}
