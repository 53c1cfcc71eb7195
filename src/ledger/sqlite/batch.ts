/**
 * Group commit: every write of one turn of the event loop goes into one transaction, and one commit, put on the disk once,
 * makes them all durable. While the disk is waited for, the loop goes on and the next writes gather; they are committed
 * when it is done, so the slower it is, the more share a commit. A write is decided at once and durable later; a commit
 * that fails takes back all that was in it.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Clock } from '../../clock.ts'
import { PurserError, refused } from '../../errors.ts'
import { NOTE_COMMIT_DELAY_MS } from '../../limits.ts'
import { passing } from '../../waypoints.ts'
import type { Transaction } from '../tables.ts'
import { isStorageFault } from './database.ts'
import type { CommitCounter } from './mark.ts'
import { Pending } from './pending.ts'

export interface Written<T> {
  readonly value: T
  /** Resolves when the value is on the disk; rejects with `ledger_unavailable` when it never will be. */
  readonly durable: Promise<void>
}

/** Puts what was committed on the disk, and calls back once: with the fault where that failed. */
export type Sync = (done: (fault: unknown) => void) => void

/** For a database whose commits are as durable as it gets. */
const needless: Sync = (done) => done(undefined)

export interface BatchOptions {
  readonly db: DatabaseSync
  readonly clock: Clock
  readonly sync?: Sync | undefined
  /** Called with the duration of each commit, the disk included. */
  readonly onCommit: (duration_ms: number) => void
  readonly onFault: (sentence: string, cause: unknown) => void
  /** Counts the commits, outside the file too. */
  readonly counter?: CommitCounter | undefined
  /** Why nothing may be written from the start; what is there can still be read. */
  readonly fault?: string | undefined
  readonly schedule?: Schedule | undefined
  /** What tables have not written yet. */
  readonly pending?: Pending | undefined
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
  /** Somebody waits: it is committed at the end of the turn, or of the one in which the disk is done. */
  hurried: boolean
}

const CLOSED = 'The ledger is closed.'
const REMEDY = 'nothing is paid until it is repaired and Purser is started again'

/** After a fault of the storage nothing is written any more: what the disk holds is not certain. */
export class Batch {
  readonly #options: BatchOptions
  readonly #schedule: Schedule
  readonly #sync: Sync
  readonly #pending: Pending
  readonly #begin: StatementSync
  readonly #commit: StatementSync
  readonly #savepoint: StatementSync
  readonly #release: StatementSync
  #gathering: Gathering | undefined
  /** What is committed and not known to be on the disk yet. */
  #committed: Gathering | undefined
  /** One at a time: resolves when the disk is done, however that ended. */
  #syncing: PromiseWithResolvers<void> | undefined
  #fault: string | undefined

  constructor(options: BatchOptions) {
    this.#options = options
    this.#schedule = options.schedule ?? byTimers
    this.#sync = options.sync ?? needless
    this.#pending = options.pending ?? new Pending()
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
    const gathering = this.#gathering
    if (gathering && !gathering.hurried) {
      gathering.hurried = true
      if (!this.#syncing) this.#hurry(gathering)
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

  /**
   * For what changes rows in memory only and is lost without harm: no transaction is opened for it.
   * @throws what the operation throws.
   */
  aside(operation: (tx: Transaction) => void): void {
    if (this.#fault !== undefined) throw refused('ledger_unavailable', this.#fault)
    const effects: (() => void)[] = []
    this.#pending.keep()
    try {
      operation({ now: this.#options.clock.now(), afterCommit: (effect) => effects.push(effect) })
    } catch (cause) {
      this.#pending.takeBack()
      throw cause
    }
    if (this.#gathering) this.#gathering.effects.push(...effects)
    else for (const effect of effects) this.#guarded(effect)
  }

  /** As `read`, of what only the file can tell: what is pending is written into the open transaction first. */
  list<T>(operation: () => T): T {
    if (this.#pending.callIn() && this.#fault === undefined) this.note(() => undefined)
    if (this.#gathering) this.#writePending()
    return this.read(operation)
  }

  /** Runs `operation`, which must not write; it sees the open transaction, and by their ids what is pending. */
  read<T>(operation: () => T): T {
    if (!this.#options.db.isOpen) throw refused('ledger_unavailable', CLOSED)
    try {
      return operation()
    } catch (cause) {
      if (!isStorageFault(cause)) throw cause
      throw refused('ledger_unavailable', `The ledger cannot be read: ${messageOf(cause)}.`, cause)
    }
  }

  /** Refuses everything from now on, commits what is open, and closes the file once it is on the disk. */
  async close(): Promise<void> {
    const { db } = this.#options
    this.#fault ??= CLOSED
    await this.#syncing?.promise
    if (this.#gathering) this.#end(this.#gathering)
    await this.#syncing?.promise
    if (db.isOpen) db.close()
  }

  #attempt<T>(operation: (tx: Transaction) => T): Written<T> {
    const { outcome, effects } = this.#gathering ?? this.#start()
    const mark = effects.length
    const now = this.#options.clock.now()
    this.#pending.keep()
    this.#savepoint.run()
    try {
      const value = operation({ now, afterCommit: (effect) => effects.push(effect) })
      this.#release.run()
      return { value, durable: outcome.promise }
    } catch (cause) {
      if (this.#survives(cause)) {
        this.#options.db.exec('ROLLBACK TO operation; RELEASE operation')
        this.#pending.takeBack()
        effects.length = mark
      }
      throw cause
    }
  }

  /** @throws PurserError `ledger_unavailable` where it cannot be written: then nothing of this transaction stays. */
  #writePending(): void {
    this.#pending.keep()
    try {
      this.#pending.write()
    } catch (cause) {
      throw this.#fail(`The ledger’s storage failed (${messageOf(cause)}); ${REMEDY}.`, cause)
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

  #hurry(gathering: Gathering): void {
    this.#schedule(() => this.#endOf(gathering), 0)
  }

  /** Ends this gathering, if it is still open; where the disk is busy, as soon as it is done. */
  #endOf(gathering: Gathering): void {
    if (this.#gathering !== gathering) return
    if (this.#syncing) gathering.hurried = true
    else this.#end(gathering)
  }

  #end(gathering: Gathering): void {
    gathering.callOff()
    const { clock, counter } = this.#options
    const started = clock.monotonic()
    try {
      counter?.advance()
      this.#pending.write()
      passing('before the commit')
      this.#commit.run()
      this.#pending.committed()
      passing('committed')
    } catch (cause) {
      this.#fail(`The ledger could not be committed (${messageOf(cause)}); ${REMEDY}.`, cause)
      return
    }
    this.#gathering = undefined
    this.#committed = gathering
    this.#syncing = Promise.withResolvers()
    this.#sync((fault) => this.#synced(started, fault))
  }

  #synced(started: number, fault: unknown): void {
    const gathering = this.#committed
    this.#syncing?.resolve()
    this.#syncing = undefined
    if (this.#gathering?.hurried) this.#hurry(this.#gathering)
    // After a fault that came meanwhile nobody is told any more that something is durable.
    if (!gathering) return
    if (fault === undefined) this.#stand(gathering, started)
    else this.#fail(`The ledger could not be committed (${messageOf(fault)}); ${REMEDY}.`, fault)
  }

  #stand(gathering: Gathering, started: number): void {
    this.#committed = undefined
    this.#mark()
    this.#options.onCommit(this.#options.clock.monotonic() - started)
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
    try {
      this.#options.counter?.reached()
      passing('mark reached')
    } catch (cause) {
      this.#fail(`The ledger’s high-water mark could not be written (${messageOf(cause)}); ${REMEDY}.`, cause)
    }
  }

  /** True where only the operation failed: the store is sound and the transaction still open. */
  #survives(cause: unknown): boolean {
    return this.#options.db.isTransaction && !isStorageFault(cause)
  }

  /** Nothing that is not durable by now ever will be said to be. */
  #fail(sentence: string, cause: unknown): PurserError {
    const { db, onFault } = this.#options
    const waiting = [this.#committed, this.#gathering]
    this.#committed = undefined
    this.#gathering = undefined
    this.#fault = sentence
    if (db.isOpen && db.isTransaction) rollBack(db)
    this.#pending.forget()
    const fault = new PurserError({ code: 'ledger_unavailable', detail: sentence }, cause)
    for (const gathering of waiting) gathering?.outcome.reject(fault)
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
