/**
 * Group commit: every write of one turn of the event loop goes into one transaction, and one commit makes them all
 * durable. A write is decided at once and durable later; a commit that fails takes back all that was in it.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Clock } from '../../clock.ts'
import { PurserError, refused } from '../../errors.ts'
import { NOTE_COMMIT_DELAY_MS } from '../../limits.ts'
import { passing } from '../../waypoints.ts'
import type { Transaction } from '../tables.ts'
import { isStorageFault } from './database.ts'
import type { CommitCounter } from './mark.ts'

export interface Written<T> {
  readonly value: T
  /** Resolves when the value is on the disk; rejects with `ledger_unavailable` when it never will be. */
  readonly durable: Promise<void>
}

export interface BatchOptions {
  readonly db: DatabaseSync
  readonly clock: Clock
  /** Called with the duration of each commit. */
  readonly onCommit: (duration_ms: number) => void
  readonly onFault: (sentence: string, cause: unknown) => void
  /** Counts the commits, outside the file too. */
  readonly counter?: CommitCounter | undefined
  /** Why nothing may be written from the start; what is there can still be read. */
  readonly fault?: string | undefined
  readonly schedule?: Schedule | undefined
}

/** Runs it after so many milliseconds, 0 at the end of this turn of the event loop; returns what calls it off. */
export type Schedule = (run: () => void, delay_ms: number) => () => void

const byTimers: Schedule = (run, delay_ms) => {
  if (delay_ms > 0) {
    const timer = setTimeout(run, delay_ms).unref()
    return () => clearTimeout(timer)
  }
  const immediate = setImmediate(run)
  return () => clearImmediate(immediate)
}

interface Gathering {
  readonly outcome: PromiseWithResolvers<void>
  readonly effects: (() => void)[]
  /** Calls the end off that is set for where only notes were gathered and nobody came who waits. */
  readonly callOff: () => void
  hurried: boolean
}

const CLOSED = 'The ledger is closed.'
const REMEDY = 'nothing is paid until it is repaired and Purser is started again'

/** After a fault of the storage nothing is written any more: what the disk holds is not certain. */
export class Batch {
  readonly #options: BatchOptions
  readonly #schedule: Schedule
  readonly #begin: StatementSync
  readonly #commit: StatementSync
  readonly #savepoint: StatementSync
  readonly #release: StatementSync
  #gathering: Gathering | undefined
  #fault: string | undefined

  constructor(options: BatchOptions) {
    this.#options = options
    this.#schedule = options.schedule ?? byTimers
    this.#fault = options.fault
    this.#begin = options.db.prepare('BEGIN IMMEDIATE')
    this.#commit = options.db.prepare('COMMIT')
    this.#savepoint = options.db.prepare('SAVEPOINT operation')
    this.#release = options.db.prepare('RELEASE operation')
  }

  /** Why nothing can be written, or undefined. */
  get fault(): string | undefined {
    return this.#fault
  }

  /**
   * Runs `operation` now, in a savepoint of its own: if it throws, only its own writes are undone.
   * @throws what the operation throws; PurserError `ledger_unavailable` where the store cannot be written.
   */
  write<T>(operation: (tx: Transaction) => T): Written<T> {
    const written = this.note(operation)
    if (this.#gathering && !this.#gathering.hurried) {
      const gathering = this.#gathering
      gathering.hurried = true
      this.#schedule(() => this.#endOf(gathering), 0)
    }
    return written
  }

  /** As `write`, for what nobody waits for: it rides with the next commit, or has one of its own after a short while. */
  note<T>(operation: (tx: Transaction) => T): Written<T> {
    if (this.#fault !== undefined) throw refused('ledger_unavailable', this.#fault)
    try {
      return this.#attempt(operation)
    } catch (cause) {
      if (this.#survives(cause)) throw cause
      throw this.#fail(`The ledger’s storage failed (${messageOf(cause)}); ${REMEDY}.`, cause)
    }
  }

  /** Runs `operation`, which must not write; it sees the open transaction. */
  read<T>(operation: () => T): T {
    if (!this.#options.db.isOpen) throw refused('ledger_unavailable', CLOSED)
    try {
      return operation()
    } catch (cause) {
      if (!isStorageFault(cause)) throw cause
      throw refused('ledger_unavailable', `The ledger cannot be read: ${messageOf(cause)}.`, cause)
    }
  }

  /** Commits what is open, closes the file, and refuses everything from then on. */
  close(): void {
    const { db } = this.#options
    this.#end()
    this.#fault ??= CLOSED
    if (db.isOpen) db.close()
  }

  #attempt<T>(operation: (tx: Transaction) => T): Written<T> {
    const { outcome, effects } = this.#gathering ?? this.#start()
    const mark = effects.length
    const now = this.#options.clock.now()
    this.#savepoint.run()
    try {
      const value = operation({ now, afterCommit: (effect) => effects.push(effect) })
      this.#release.run()
      return { value, durable: outcome.promise }
    } catch (cause) {
      if (this.#survives(cause)) {
        this.#options.db.exec('ROLLBACK TO operation; RELEASE operation')
        effects.length = mark
      }
      throw cause
    }
  }

  #start(): Gathering {
    this.#begin.run()
    const outcome = Promise.withResolvers<void>()
    // Who waits for nothing durable must not bring the process down when it fails.
    outcome.promise.catch(() => undefined)
    const gathering: Gathering = {
      outcome,
      effects: [],
      hurried: false,
      callOff: this.#schedule(() => this.#endOf(gathering), NOTE_COMMIT_DELAY_MS),
    }
    this.#gathering = gathering
    return gathering
  }

  /** Ends this gathering, if it is still open. */
  #endOf(gathering: Gathering): void {
    if (this.#gathering === gathering) this.#end()
  }

  #end(): void {
    const gathering = this.#gathering
    if (!gathering) return
    gathering.callOff()
    const { clock, onCommit, counter } = this.#options
    const started = clock.monotonic()
    try {
      counter?.advance()
      passing('before the commit')
      this.#commit.run()
      passing('committed')
    } catch (cause) {
      this.#fail(`The ledger could not be committed (${messageOf(cause)}); ${REMEDY}.`, cause)
      return
    }
    this.#gathering = undefined
    this.#mark()
    onCommit(clock.monotonic() - started)
    gathering.outcome.resolve()
    for (const effect of gathering.effects) this.#guarded(effect)
  }

  /** What was committed stands, whatever those who are told of it make of it. */
  #guarded(effect: () => void): void {
    try {
      effect()
    } catch (cause) {
      this.#options.onFault('What follows a commit failed.', cause)
    }
  }

  /** What was committed stands; without its mark nothing more is. */
  #mark(): void {
    const { counter, onFault } = this.#options
    try {
      counter?.reached()
      passing('mark reached')
    } catch (cause) {
      this.#fault = `The ledger’s high-water mark could not be written (${messageOf(cause)}); ${REMEDY}.`
      onFault(this.#fault, cause)
    }
  }

  /** True where only the operation failed: the store is sound and the transaction still open. */
  #survives(cause: unknown): boolean {
    return this.#options.db.isTransaction && !isStorageFault(cause)
  }

  #fail(sentence: string, cause: unknown): PurserError {
    const { db, onFault } = this.#options
    const gathering = this.#gathering
    this.#gathering = undefined
    this.#fault = sentence
    if (db.isOpen && db.isTransaction) rollBack(db)
    const fault = new PurserError({ code: 'ledger_unavailable', detail: sentence }, cause)
    gathering?.outcome.reject(fault)
    onFault(sentence, cause)
    return fault
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : 'unknown fault'
}

function rollBack(db: DatabaseSync): void {
  try {
    db.exec('ROLLBACK')
  } catch {
    // SQLite has rolled back by itself; there is nothing left to undo.
  }
}
