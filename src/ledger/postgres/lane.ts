/** A lane: one queue, one transaction at a time, and what is done when a transaction fails. */
import { PurserError } from '../../errors.ts'
import { BATCH_ATTEMPTS, LEDGER_RETRY_MS, MAX_BATCH_OPERATIONS, MAX_WAITING_NOTES, NOTE_COMMIT_DELAY_MS } from '../../limits.ts'
import type { BatchOptions, Schedule } from './batch.ts'
import { StoreFault, type StoreTransaction } from './store.ts'
import { type Operation, type Transacted, transact } from './transact.ts'
import { Wants } from './wants.ts'

export interface Job<W> {
  readonly operation: Operation<W, void>
  /** Set for a note: what it is about. Notes may be written twice. */
  readonly about: string | undefined
  done(): void
  failed(cause: unknown): void
  /** What has to be written where it was written after all, and whoever asked was told that nobody knows. */
  late(): Operation<W, void> | undefined
}

export interface LaneOptions<W> extends BatchOptions<W> {
  readonly number: number
  readonly schedule: Schedule
}

/** A commit that may have happened, and those who were told that nobody knows. */
interface Doubt<W> {
  readonly transaction: StoreTransaction
  readonly jobs: readonly Job<W>[]
  readonly outcomes: Transacted['outcomes']
}

export class Lane<W> {
  readonly #options: LaneOptions<W>
  #queue: Job<W>[] = []
  #running: readonly Job<W>[] = []
  #busy = false
  /** Calls off the next start, where one is planned. */
  #planned: { readonly delay_ms: number; readonly cancel: () => void } | undefined
  #doubt: Doubt<W> | undefined
  /** The last turn could not write. */
  #failing = false
  #turned: PromiseWithResolvers<void> | undefined
  #closed = false

  constructor(options: LaneOptions<W>) {
    this.#options = options
  }

  add(job: Job<W>): void {
    if (this.#closed) {
      job.failed(unavailable('The ledger is closed.'))
      return
    }
    this.#queue.push(job)
    this.#plan(job.about === undefined ? 0 : NOTE_COMMIT_DELAY_MS)
  }

  /** Hurries the notes about this, and resolves when they are written or cannot be for now. */
  async quiet(about: string | undefined): Promise<void> {
    const noted = (job: Job<W>) => job.about !== undefined && (about === undefined || job.about === about)
    while (this.#queue.some(noted) || this.#running.some(noted)) {
      await this.#turn()
      if (this.#failing) return
    }
  }

  /** Writes what is queued; what cannot be written now is given up. */
  async close(): Promise<void> {
    this.#closed = true
    while (this.#busy || this.#queue.length > 0) await this.#turn()
    this.#planned?.cancel()
  }

  /** Resolves after the next turn. */
  #turn(): Promise<void> {
    this.#plan(0)
    this.#turned ??= Promise.withResolvers()
    return this.#turned.promise
  }

  #plan(delay_ms: number): void {
    if (this.#busy || (this.#planned && this.#planned.delay_ms <= delay_ms)) return
    this.#planned?.cancel()
    this.#planned = { delay_ms, cancel: this.#options.schedule(() => void this.#work(), delay_ms) }
  }

  /** Never rejects. */
  async #work(): Promise<void> {
    this.#planned = undefined
    this.#busy = true
    this.#failing = false
    this.#running = this.#queue.splice(0, this.#options.atOnce ?? MAX_BATCH_OPERATIONS)
    await this.#settleDoubt(this.#running)
    this.#running = []
    this.#busy = false
    const turned = this.#turned
    this.#turned = undefined
    turned?.resolve()
    this.#planNext()
  }

  /** What failed is tried again after a while, also where nobody comes. */
  #planNext(): void {
    if (this.#queue.some(({ about }) => about === undefined)) this.#plan(0)
    else if (this.#failing && !this.#closed && (this.#doubt || this.#queue.length > 0)) this.#plan(LEDGER_RETRY_MS)
    else if (this.#queue.length > 0) this.#plan(NOTE_COMMIT_DELAY_MS)
  }

  /**
   * Nothing is written on this lane before the commit in doubt is certain. Where its run has ended meanwhile, what it left
   * is taken over with all else of that run.
   */
  async #settleDoubt(jobs: readonly Job<W>[]): Promise<void> {
    const doubt = this.#doubt
    if (doubt) {
      const happened = await doubt.transaction.outcome().catch((cause: unknown) => faultOf(cause))
      if (happened instanceof StoreFault && happened.kind !== 'fenced') {
        this.#fail(jobs, happened)
        return
      }
      this.#doubt = undefined
      if (happened === true) {
        await this.#write([...lateness(doubt), ...jobs])
        return
      }
    }
    await this.#write(jobs)
  }

  async #write(jobs: readonly Job<W>[]): Promise<void> {
    if (jobs.length === 0) return
    const learned = new Wants()
    for (let attempt = 1; ; attempt++) {
      const result = await this.#attempt(jobs, learned)
      if (result === 'written') return
      const last = attempt >= (result.kind === 'retry' ? BATCH_ATTEMPTS : 2)
      if (result.kind === 'rejected' || (result.kind === 'retry' && last)) {
        await this.#apart(jobs, result)
        return
      }
      if (result.kind === 'fenced' || last || this.#doubt) {
        this.#fail(jobs, result)
        return
      }
    }
  }

  /** One at a time, so that the one which cannot be written fails alone. */
  async #apart(jobs: readonly Job<W>[], fault: StoreFault): Promise<void> {
    if (jobs.length <= 1) {
      this.#fail(jobs, fault)
      return
    }
    for (const job of jobs) await this.#settleDoubt([job])
  }

  async #attempt(jobs: readonly Job<W>[], learned: Wants): Promise<'written' | StoreFault> {
    const { clock, onCommit, number } = this.#options
    const started = clock.monotonic()
    try {
      const operations = jobs.map(({ operation }) => operation)
      const transacted = await transact(operations, { lane: number, learned }, this.#options)
      if (transacted.doubt && !(await this.#happened(transacted, transacted.doubt, jobs))) return NOT_COMMITTED
      this.#conclude(jobs, transacted)
      onCommit?.(clock.monotonic() - started)
      return 'written'
    } catch (cause) {
      return faultOf(cause)
    }
  }

  async #happened({ outcomes }: Transacted, transaction: StoreTransaction, jobs: readonly Job<W>[]): Promise<boolean> {
    try {
      return await transaction.outcome()
    } catch (cause) {
      this.#doubt = { transaction, jobs, outcomes }
      throw cause
    }
  }

  #conclude(jobs: readonly Job<W>[], { outcomes, effects }: Transacted): void {
    for (const effect of effects) this.#guarded(effect)
    jobs.forEach((job, index) => {
      const outcome = outcomes[index]
      if (outcome?.done) job.done()
      else this.#reject(job, outcome?.cause)
    })
  }

  #reject(job: Job<W>, cause: unknown): void {
    job.failed(cause)
    if (job.about !== undefined) this.#options.onFault?.(`A note about payment ${job.about} could not be written.`, cause)
  }

  #fail(jobs: readonly Job<W>[], fault: StoreFault): void {
    const sentence = this.#doubt ? IN_DOUBT : SENTENCES[fault.kind]
    const refusal = unavailable(sentence, fault)
    this.#failing = true
    if (fault.kind === 'unavailable' || fault.kind === 'unknown') this.#keepNotes(jobs)
    for (const job of jobs) job.failed(refusal)
    this.#options.onFault?.(sentence, fault)
  }

  /** Notes wait for better times: who left a purchase must not seem to work on it for ever. */
  #keepNotes(jobs: readonly Job<W>[]): void {
    if (this.#closed) return
    const notes = [...jobs.filter(({ about }) => about !== undefined), ...this.#queue]
    this.#queue = notes.slice(0, Math.max(MAX_WAITING_NOTES, this.#queue.length))
  }

  #guarded(effect: () => void): void {
    try {
      effect()
    } catch (cause) {
      this.#options.onFault?.('What follows a commit failed.', cause)
    }
  }
}

const NOT_COMMITTED = new StoreFault('unavailable', 'The connection was lost before the commit')

const IN_DOUBT =
  'The connection to the ledger was lost during a commit, and nobody can say yet whether it happened. The money stays held until that is known.'

const SENTENCES: Readonly<Record<StoreFault['kind'], string>> = {
  retry: 'Others changed the same rows of the ledger again and again; nothing was written.',
  rejected: 'The database did not take what was to be written; nothing was written.',
  fenced: 'Another process has declared this one ended; nothing was written.',
  unavailable: 'The ledger cannot be reached; nothing was written.',
  unknown: IN_DOUBT,
}

/** As notes, before anything else: what nobody has a handle on must not stay. */
function lateness<W>({ jobs, outcomes }: Doubt<W>): Job<W>[] {
  const late = jobs.flatMap((job, index) => (outcomes[index]?.done ? [job.late()] : []))
  return late.flatMap((operation) => (operation ? [{ ...NOBODY, operation, about: 'in doubt', late: () => undefined }] : []))
}

const NOBODY = { done: () => undefined, failed: () => undefined }

function faultOf(cause: unknown): StoreFault {
  if (cause instanceof StoreFault) return cause
  return new StoreFault('rejected', cause instanceof Error ? cause.message : 'unknown fault', cause)
}

function unavailable(detail: string, cause?: unknown): PurserError {
  return new PurserError({ code: 'ledger_unavailable', detail }, cause)
}
