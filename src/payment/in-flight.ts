/** Attempts that run in this process, by purchase: an identical request waits here for the end instead of paying again. */

export interface InFlight {
  /** Marks the purchase as running; the returned function ends that, and may be called more than once. */
  begin(purchaseId: string): () => void
  /**
   * Resolves to true when the purchase's attempt has ended, to false if `signal` fires first or nothing of it runs here.
   */
  settled(purchaseId: string, signal: AbortSignal): Promise<boolean>
  /** Resolves when nothing runs any more; for a graceful stop. */
  idle(): Promise<void>
}

export function createInFlight(): InFlight {
  const running = new Map<string, PromiseWithResolvers<void>>()
  return {
    begin(purchaseId) {
      const done = Promise.withResolvers<void>()
      running.set(purchaseId, done)
      return () => {
        if (running.get(purchaseId) === done) running.delete(purchaseId)
        done.resolve()
      }
    },
    async settled(purchaseId, signal) {
      const attempt = running.get(purchaseId)
      if (!attempt || signal.aborted) return false
      const gone = Promise.withResolvers<boolean>()
      const leave = () => gone.resolve(false)
      signal.addEventListener('abort', leave, { once: true })
      const ended = await Promise.race([attempt.promise.then(() => true), gone.promise])
      signal.removeEventListener('abort', leave)
      return ended
    },
    async idle() {
      while (running.size > 0) await Promise.all([...running.values()].map((attempt) => attempt.promise))
    },
  }
}
