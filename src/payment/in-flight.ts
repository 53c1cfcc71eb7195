/** Attempts that run in this process, by purchase: an identical request waits here for the end instead of paying again. */
import { BriefMap } from '../brief-map.ts'

export interface Requester {
  /** What all requests for this purchase have in common. */
  readonly name: string
  /** Fires when the requester is gone. */
  readonly signal: AbortSignal
}

/** Each may be called more than once. */
export interface Running {
  /** Its requester waits no longer, whatever the signal says. */
  leave(): void
  /** Nobody waits for it any more and it goes on by itself for long: identical requests find it by other means. */
  stepAside(): void
  end(): void
}

export interface InFlight {
  /**
   * Marks that a request asks what it repeats, until the returned function is called: what it finds is its own from then
   * on, also where its requester has gone meanwhile.
   */
  looking(requester: Requester): () => void
  /** Marks the purchase as running. */
  begin(purchaseId: string, requester: Requester): Running
  /**
   * Resolves to true when the purchase's attempt has ended, to false if `signal` fires first or nothing of it runs here.
   */
  settled(purchaseId: string, signal: AbortSignal): Promise<boolean>
  /** Whether it goes on by itself here. */
  isAside(purchaseId: string): boolean
  /** As `settled`, for an attempt that stepped aside. */
  settledAside(purchaseId: string, signal: AbortSignal): Promise<boolean>
  /**
   * Resolves when no attempt of this name runs here any more whose requester is gone, or when `signal` fires: to true
   * where there was one. The ledger may not have heard yet of such an attempt, or that its requester is gone; this process
   * knows.
   */
  joined(requester: Requester): Promise<boolean>
  /** Resolves when nothing runs any more; for a graceful stop. */
  idle(): Promise<void>
}

interface Attempt {
  readonly requester: Requester
  readonly done: PromiseWithResolvers<void>
  left: boolean
}

export function createInFlight(): InFlight {
  const running = new BriefMap<Attempt>()
  const byName = new BriefMap<Set<Attempt>>()
  const aside = new BriefMap<Attempt>()

  function add(requester: Requester): Attempt {
    const attempt: Attempt = { requester, done: Promise.withResolvers(), left: false }
    byName.set(requester.name, (byName.get(requester.name) ?? new Set()).add(attempt))
    return attempt
  }

  function remove(attempt: Attempt): void {
    const { name } = attempt.requester
    const others = byName.get(name)
    others?.delete(attempt)
    if (others?.size === 0) byName.delete(name)
  }

  return {
    looking(requester) {
      const look = add(requester)
      return () => {
        remove(look)
        look.done.resolve()
      }
    },
    begin(purchaseId, requester) {
      const attempt = add(requester)
      running.set(purchaseId, attempt)
      return {
        leave() {
          attempt.left = true
        },
        stepAside() {
          if (running.get(purchaseId) !== attempt) return
          running.delete(purchaseId)
          remove(attempt)
          aside.set(purchaseId, attempt)
        },
        end() {
          if (running.get(purchaseId) === attempt) running.delete(purchaseId)
          if (aside.get(purchaseId) === attempt) aside.delete(purchaseId)
          remove(attempt)
          attempt.done.resolve()
        },
      }
    },
    async settled(purchaseId, signal) {
      const attempt = running.get(purchaseId)
      return attempt !== undefined && !signal.aborted && endOf(attempt, signal)
    },
    isAside: (purchaseId) => aside.has(purchaseId),
    async settledAside(purchaseId, signal) {
      const attempt = aside.get(purchaseId)
      return attempt !== undefined && !signal.aborted && endOf(attempt, signal)
    },
    async joined({ name, signal }) {
      for (let waited = false; ; waited = true) {
        const left = [...(byName.get(name) ?? [])].find((attempt) => attempt.left || attempt.requester.signal.aborted)
        if (!left || signal.aborted) return waited
        await endOf(left, signal)
      }
    },
    async idle() {
      while (running.size + aside.size > 0) {
        await Promise.all([...running.values(), ...aside.values()].map((attempt) => attempt.done.promise))
      }
    },
  }
}

/** False if `signal` fires before the attempt has ended. */
async function endOf({ done }: Attempt, signal: AbortSignal): Promise<boolean> {
  const gone = Promise.withResolvers<boolean>()
  const leave = () => gone.resolve(false)
  signal.addEventListener('abort', leave, { once: true })
  const ended = await Promise.race([done.promise.then(() => true), gone.promise])
  signal.removeEventListener('abort', leave)
  return ended
}
