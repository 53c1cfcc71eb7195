/** Two ends of a channel in one process; what goes through is cloned, as between processes. */
import type { Wire } from '../../src/workers/link.ts'

export function wires(): readonly [Wire, Wire] {
  const listeners: ((message: unknown) => void)[][] = [[], []]
  const end = (own: number): Wire => ({
    send(message) {
      const copy: unknown = structuredClone(message)
      for (const listener of listeners[1 - own] ?? []) listener(copy)
    },
    onMessage: (listener) => void listeners[own]?.push(listener),
  })
  return [end(0), end(1)]
}
