/** Waiting for nothing to happen, without a clock. */
import { setImmediate } from 'node:timers/promises'

/** More turns of the event loop than bytes need to cross the loopback, the proxy and the loopback again. */
const TURNS = 300

/** Resolves when the value has stayed the same for that many turns. */
export async function untilStill(value: () => unknown): Promise<void> {
  let last = value()
  for (let same = 0; same < TURNS; same++) {
    await setImmediate()
    const now = value()
    if (now !== last) same = 0
    last = now
  }
}
