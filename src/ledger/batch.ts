/**
 * Group commit: every write of one turn of the event loop goes into one transaction, and one commit makes them all
 * durable. A write is decided at once and durable later; a commit that fails takes back all that was in it.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Clock } from '../clock.ts'
import { PurserError, refused } from '../errors.ts'
import { NOTE_COMMIT_DELAY_MS } from '../limits.ts'
import { isStorageFault } from './database.ts'

/** Proof that a transaction is open. Whatever writes asks for one, and only the batch hands it out. */
export interface Transaction {
  /** Milliseconds since 1970, the same for the whole write. */
  readonly now: number
  /** Runs once the write is durable; never if it is not. */
  afterCommit(effect: () => void): void
}

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
}

interface Gathering {
  readonly outcome: PromiseWithResolvers<void>
  readonly effects: (() => void)[]
  /** Runs where only notes were gathered and nobody came who waits. */
  readonly timer: NodeJS.Timeout
  hurried: boolean
}

const CLOSED = 'The ledger is closed.'
const REMEDY = 'nothing is paid until it is repaired and Purser is started again'

/** After a fault of the storage nothing is written any more: what the disk holds is not certain. */
export class Batch {
  readonly #options: BatchOptions
  readonly #begin: StatementSync
  readonly #commit: StatementSync
  readonly #savepoint: StatementSync
  readonly #release: StatementSync
  #gathering: Gathering | undefined
  #fault: string | undefined

  constructor(options: BatchOptions) {
    this.#options = options
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
      this.#gathering.hurried = true
      setImmediate(() => this.#end())
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
    const timer = setTimeout(() => this.#end(), NOTE_COMMIT_DELAY_MS).unref()
    this.#gathering = { outcome, effects: [], timer, hurried: false }
    return this.#gathering
  }

  #end(): void {
    const gathering = this.#gathering
    if (!gathering) return
    clearTimeout(gathering.timer)
    const { clock, onCommit } = this.#options
    const started = clock.monotonic()
    try {
      this.#commit.run()
    } catch (cause) {
      this.#fail(`The ledger could not be committed (${messageOf(cause)}); ${REMEDY}.`, cause)
      return
    }
    this.#gathering = undefined
    onCommit(clock.monotonic() - started)
    gathering.outcome.resolve()
    for (const effect of gathering.effects) effect()
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
