/**
 * Group commit over a few lanes. Operations of one queue go through one lane, which has one transaction open at a time and
 * takes along all that came meanwhile: many operations cost one commit. What is decided here is durable when it is told.
 */
import type { Clock } from '../../clock.ts'
import { type Job, Lane } from './lane.ts'
import type { RowChange, Store } from './store.ts'
import type { Operation, Work } from './transact.ts'

/** Runs something later, 0 for as soon as the present turn is over; answers how to call it off. */
export type Schedule = (run: () => void, delay_ms: number) => () => void

export interface BatchOptions<W> {
  readonly store: Store
  readonly clock: Clock
  readonly compose: (work: Work) => W
  readonly schedule?: Schedule
  /** Operations that one transaction takes at most. */
  readonly atOnce?: number
  /** Called with what was written, once it is durable. */
  readonly onWritten?: (changes: readonly RowChange[]) => void
  /** Called with the duration of each transaction that was committed. */
  readonly onCommit?: (duration_ms: number) => void
  readonly onFault?: (sentence: string, cause: unknown) => void
}

/**
 * What is written where it turns out that an operation was written after whoever asked was told that nobody knows, from
 * what it returned.
 */
export type Late<W, T> = (value: T) => Operation<W, void> | undefined

export class Batch<W> {
  readonly #lanes: readonly Lane<W>[]

  constructor(options: BatchOptions<W>) {
    const schedule = options.schedule ?? byTimers
    this.#lanes = Array.from({ length: options.store.lanes }, (_, number) => new Lane({ ...options, number, schedule }))
  }

  /**
   * Resolves with what the operation returned when that is durable, and rejects with what it threw.
   * @throws PurserError `ledger_unavailable` where it could not be written, or nobody knows whether it was.
   */
  write<T>(operation: Operation<W, T>, late?: Late<W, T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    let returned: { readonly value: T } | undefined
    const run = (work: W) => {
      returned = { value: operation.run(work) }
    }
    const job: Job<W> = {
      operation: { ...operation, run },
      about: undefined,
      done: () => returned && resolve(returned.value),
      failed: reject,
      late: () => (returned ? late?.(returned.value) : undefined),
    }
    this.#laneOf(operation).add(job)
    return promise
  }

  /** For what nobody waits for: rides with the next transaction of its lane, or has one of its own after a short while. */
  note(operation: Operation<W, void>, about: string): void {
    this.#laneOf(operation).add({ operation, about, done: ignore, failed: ignore, late: () => undefined })
  }

  /** Resolves when the notes about this (all, where nothing is named) that were taken so far are written or lost. */
  async quiet(about?: string): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.quiet(about)))
  }

  /** Writes what is queued and takes nothing more. */
  async close(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.close()))
  }

  #laneOf({ queue }: Operation<W, unknown>): Lane<W> {
    const lane = this.#lanes[hashOf(queue) % this.#lanes.length]
    if (!lane) throw new Error('the store has no lanes')
    return lane
  }
}

function ignore(): void {
  // Nobody waits for a note; what is lost with it is found again by the lease of its purchase.
}

/** FNV-1a: spreads ids over lanes, no more. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  return hash >>> 0
}

const byTimers: Schedule = (run, delay_ms) => {
  if (delay_ms === 0) {
    const immediate = setImmediate(run)
    return () => clearImmediate(immediate)
  }
  const timer = setTimeout(run, delay_ms).unref()
  return () => clearTimeout(timer)
}
