/** The file: opened by one process alone, readable by its user alone, and every commit is on the disk. */
import { chmodSync, closeSync, existsSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type PurserError, refused } from '../../errors.ts'
import { LOG_PAGES } from '../../hot-path-limits.ts'
import { migrate } from './migrations/migrate.ts'

/** SQLite's primary result codes after which nothing can be trusted to be written: see sqlite.org/rescode.html. */
const STORAGE_FAULTS: ReadonlySet<number> = new Set([5, 6, 7, 8, 10, 11, 13, 14, 15, 26])
const BUSY: ReadonlySet<number> = new Set([5, 6])

/**
 * Opens the file, takes it for this process (a stranger's attempt fails from then on) and brings its schema up to date.
 * @throws PurserError `ledger_unavailable` where another process has it, or it cannot be opened, read or migrated.
 */
export function openDatabase(file: string): DatabaseSync {
  let db: DatabaseSync | undefined
  try {
    createPrivate(file)
    db = new DatabaseSync(file, { readBigInts: true, timeout: 0 })
    db.exec(PRAGMAS)
    migrate(db)
    return db
  } catch (cause) {
    db?.close()
    throw openingFault(file, cause)
  }
}

/** EXCLUSIVE comes before WAL, so that the lock is held for good and no shared memory is used. */
const PRAGMAS = `
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA foreign_keys = ON;
PRAGMA temp_store = MEMORY;
PRAGMA cache_size = -32768;
PRAGMA wal_autocheckpoint = ${LOG_PAGES};
BEGIN IMMEDIATE;
COMMIT;
`

/** The number of SQLite's primary result code, or undefined where this is no error of SQLite. */
export function resultCode(fault: unknown): number | undefined {
  if (!(fault instanceof Error) || !('errcode' in fault) || typeof fault.errcode !== 'number') return undefined
  return fault.errcode & 0xff
}

/** True where the store itself failed (disk, memory, lock, corruption), not the statement. */
export function isStorageFault(fault: unknown): boolean {
  const code = resultCode(fault)
  return code !== undefined && STORAGE_FAULTS.has(code)
}

/** A new file is made with its mode; an old one is never opened here: closing it would drop this process's locks on it. */
function createPrivate(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  if (existsSync(file)) chmodSync(file, 0o600)
  else closeSync(openSync(file, 'wx', 0o600))
}

/** Why the ledger could not be opened, as PurserError `ledger_unavailable` where it was the store's fault. */
export function openingFault(file: string, cause: unknown): unknown {
  if (cause instanceof Error && cause.name === 'PurserError') return cause
  const code = resultCode(cause)
  const why = cause instanceof Error ? cause.message : 'unknown fault'
  return code !== undefined && BUSY.has(code)
    ? takenBy(file, cause)
    : refused('ledger_unavailable', `${file} cannot be opened: ${why}.`, cause)
}

function takenBy(file: string, cause: unknown): PurserError {
  return refused('ledger_unavailable', `Another process has the ledger ${file} open; one process owns it. Use that one, or stop it.`, cause)
}
