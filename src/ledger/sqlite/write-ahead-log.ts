/**
 * The file that commits are appended to until SQLite takes them over into the database (`-wal`). SQLite leaves it to the
 * system when a commit reaches the disk; here it is put there, by a descriptor of our own and off the event loop.
 *
 * SQLite still synchronises by itself where its files depend on each other: a new log's header before what follows it,
 * the log before it is taken over, the database before the log is begun anew.
 */
import { closeSync, fdatasync, fstatSync, openSync, type Stats, statSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'

/** As Node's `fdatasync`: puts all that was written to the file on the disk, whoever wrote it. */
export type Flush = (fd: number, done: (fault: Error | null) => void) => void

export class WriteAheadLog implements Disposable {
  readonly #path: string
  readonly #flush: Flush
  readonly #fd: number
  readonly #opened: Stats

  /** Of a database that is open and in no transaction: its commits wait for `sync` from now on. @throws Error where there is no log. */
  constructor(db: DatabaseSync, file: string, flush: Flush = fdatasync) {
    this.#path = `${file}-wal`
    this.#flush = flush
    // For writing, which some systems ask of whoever synchronises.
    this.#fd = openSync(this.#path, 'r+')
    this.#opened = fstatSync(this.#fd)
    db.exec('PRAGMA synchronous = NORMAL')
  }

  /** Calls back when what was committed before is on the disk, or with the fault. */
  readonly sync = (done: (fault: unknown) => void): void => {
    this.#flush(this.#fd, (fault) => done(fault ?? this.#stray()))
  };

  /** Only when no `sync` is under way: the number may be another file's by then. */
  [Symbol.dispose](): void {
    closeSync(this.#fd)
  }

  /** A log that was moved or removed keeps taking commits, and the next start would know none of them. */
  #stray(): unknown {
    try {
      const { ino, dev } = statSync(this.#path)
      return ino === this.#opened.ino && dev === this.#opened.dev ? undefined : new Error('its log was replaced')
    } catch (cause) {
      return new Error('its log is gone', { cause })
    }
  }
}
