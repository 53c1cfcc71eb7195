/**
 * Copying a SQLite ledger while a Purser uses it. The file itself changes only when its log (`-wal`) is taken over into it;
 * until then commits are appended to the log. So a file that did not change while it was copied, with the log as it was
 * right after, is the ledger as of one commit: SQLite reads a log up to its last whole commit and no further.
 *
 * Never in the process that owns the ledger: closing the file there would drop its locks.
 */
import { constants } from 'node:fs'
import { access, chmod, copyFile, open, rename, rm, stat } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'
import type { Clock, Pause } from '../clock.ts'
import { BACKUP_ATTEMPTS, BACKUP_PAUSE_MS, BACKUP_SETTLED_MS } from '../limits.ts'
import { CliFailure } from './failure.ts'

export interface CopyOptions {
  readonly source: string
  /** Must not be there yet. */
  readonly target: string
  readonly clock: Pick<Clock, 'now'>
  readonly pause: Pause
  readonly signal: AbortSignal
}

export interface LedgerCopy {
  readonly bytes: number
  readonly ledgerId: string
  /** How many commits it has, in decimal. */
  readonly commits: string
}

/**
 * Writes the copy whole and checked, as one file that its user alone can read, or not at all.
 * @throws CliFailure where the source cannot be read or never stands still, the target is there, or the copy is not sound.
 */
export async function copyLedger(options: CopyOptions): Promise<LedgerCopy> {
  const { source, target } = options
  if (await exists(target))
    throw new CliFailure(`${target} is there already.`, { advice: 'Name a file that is not: backups overwrite nothing.' })
  if (!(await exists(source))) throw new CliFailure(`There is no ledger at ${source}.`, { advice: 'Name its configuration with --config.' })
  const draft = `${target}.${process.pid}.part`
  try {
    await copyStanding(options, draft)
    const known = settle(draft)
    await rename(await synced(draft), target)
    return { bytes: (await stat(target)).size, ...known }
  } catch (cause) {
    if (cause instanceof CliFailure) throw cause
    throw new CliFailure(`The copy to ${target} did not succeed.`, {
      cause,
      advice: cause instanceof Error ? cause.message : String(cause),
    })
  } finally {
    await Promise.all(['', '-wal', '-shm', '-journal'].map((suffix) => rm(`${draft}${suffix}`, { force: true })))
  }
}

async function copyStanding({ source, clock, pause, signal }: CopyOptions, draft: string): Promise<void> {
  for (let attempt = 1; attempt <= BACKUP_ATTEMPTS; attempt++) {
    if (await copiedStill({ source, draft, clock })) return
    await pause(BACKUP_PAUSE_MS, signal)
  }
  const advice = 'Try again when less is paid, or take a snapshot of its file system.'
  throw new CliFailure(`${source} was written to each time it was copied.`, { advice })
}

/** False where the file may have changed meanwhile. */
async function copiedStill({ source, draft, clock }: Pick<CopyOptions, 'source' | 'clock'> & { readonly draft: string }): Promise<boolean> {
  const before = await lookAt(source)
  // A change within the same tick of the file system's clock would not show.
  if (Math.abs(clock.now() - before.changedAt) < BACKUP_SETTLED_MS) return false
  await copyPrivately(source, draft)
  if (before.log === '') await rm(`${draft}-wal`, { force: true })
  else await copyPrivately(`${source}-wal`, `${draft}-wal`)
  const after = await lookAt(source)
  return before.name === after.name && before.log === after.log
}

const LOG_HEADER_BYTES = 32

/** What tells whether the file was changed, and whether its log was begun anew. */
async function lookAt(source: string): Promise<{ name: string; log: string; changedAt: number }> {
  const { ino, size, mtimeNs, mtimeMs } = await stat(source, { bigint: true })
  return { name: `${ino} ${size} ${mtimeNs}`, log: await logHeader(`${source}-wal`), changedAt: Number(mtimeMs) }
}

/** Empty where there is no log, or nothing in it. */
async function logHeader(path: string): Promise<string> {
  if (!(await exists(path))) return ''
  await using log = await open(path, 'r')
  const { buffer, bytesRead } = await log.read(Buffer.alloc(LOG_HEADER_BYTES), 0, LOG_HEADER_BYTES, 0)
  return buffer.toString('hex', 0, bytesRead)
}

async function copyPrivately(from: string, to: string): Promise<void> {
  await copyFile(from, to, constants.COPYFILE_FICLONE)
  await chmod(to, 0o600)
}

const Answer = z.looseObject({ quick_check: z.string().optional(), journal_mode: z.string().optional() }).optional()
const Meta = z.array(z.object({ key: z.string(), value: z.string() }))

/** Takes the log over, so that one file is all, and checks it. */
function settle(draft: string): Omit<LedgerCopy, 'bytes'> {
  const db = new DatabaseSync(draft)
  try {
    const mode = Answer.parse(db.prepare('PRAGMA journal_mode = DELETE').get())?.journal_mode
    const check = Answer.parse(db.prepare('PRAGMA quick_check(1)').get())?.quick_check
    if (mode !== 'delete' || check !== 'ok') throw new Error(`SQLite finds the copy unsound: ${check ?? mode ?? 'it says nothing'}`)
    const rows = Meta.parse(db.prepare("SELECT key, value FROM meta WHERE key IN ('ledger_id', 'commits')").all())
    const { ledger_id: ledgerId, commits = '0' } = Object.fromEntries(rows.map(({ key, value }) => [key, value]))
    if (ledgerId === undefined) throw new Error('it is no ledger of Purser')
    return { ledgerId, commits }
  } finally {
    db.close()
  }
}

async function synced(path: string): Promise<string> {
  await using file = await open(path, 'r+')
  await file.sync()
  return path
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
