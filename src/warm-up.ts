/**
 * What a start leaves out, so that agents are served sooner, and what would keep the first who needs it waiting: it is loaded
 * once the start is over, one after the other. What only the start needed is given back then.
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

/**
 * One collection as if memory were short: it takes 30 to 90 ms, once, and gives back what a start leaves behind, which would
 * stay with the process while it rests. A Node without an inspector keeps it.
 */
export async function giveBackMemory(): Promise<void> {
  if (!process.features.inspector) return
  const { Session } = await import('node:inspector/promises')
  const session = new Session()
  session.connect()
  try {
    await session.post('HeapProfiler.collectGarbage')
  } finally {
    session.disconnect()
  }
}
