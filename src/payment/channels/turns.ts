/** Turns: requests through one channel follow each other, because each voucher goes on from what the one before came to. */

export interface Turns {
  /**
   * Resolves when it is this one's turn, with what ends it; undefined where `signal` fires first. Turns of one name come
   * in the order in which they were asked for.
   */
  take(name: string, signal: AbortSignal): Promise<(() => void) | undefined>
}

export function createTurns(): Turns {
  const last = new Map<string, Promise<void>>()
  return {
    async take(name, signal) {
      const before = last.get(name) ?? Promise.resolve()
      const { promise, resolve: end } = Promise.withResolvers<void>()
      const own = before.then(() => promise)
      last.set(name, own)
      void own.then(() => last.get(name) === own && last.delete(name))
      if (await isFirst(before, signal)) return end
      end()
      return undefined
    },
  }
}

/** Whether `turn` resolves before the signal fires. */
async function isFirst(turn: Promise<void>, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false
  const { promise: gone, resolve: leave } = Promise.withResolvers<false>()
  const left = () => leave(false)
  signal.addEventListener('abort', left, { once: true })
  try {
    return await Promise.race([turn.then(() => true), gone])
  } finally {
    signal.removeEventListener('abort', left)
  }
}
