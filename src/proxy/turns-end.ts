/**
 * What ends an answer waits for the end of this turn of the event loop, so that all answers of a turn leave one right
 * after the other. A write wakes whoever waits for it: by itself it costs more processor time than all the rest of a
 * request, next to others a third of that (docs/performance.md).
 */
const waiting: (() => void)[] = []

/** Runs `work` after all that this turn of the event loop has brought, in the order of the calls. It must not throw. */
export function atTurnsEnd(work: () => void): void {
  if (waiting.push(work) === 1) setImmediate(runAll)
}

function runAll(): void {
  for (const work of waiting.splice(0)) work()
}
