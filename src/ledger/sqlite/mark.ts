/**
 * The high-water mark: a small file outside the ledger that holds its id and how often it was committed. A copy that was
 * restored from before knows fewer commits than its mark, and has forgotten what was signed since: nothing is paid from
 * it until a person accepts that.
 *
 * The mark is written after each commit and is not synced: a power cut may leave it behind the ledger, which says
 * nothing, but it never leads. It has two slots in sectors of their own, written in turn, so that a torn write spoils one.
 */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import { refused } from '../../errors.ts'

/** Whose mark it is, and the commits that it has seen. */
export interface Reached {
  readonly ledgerId: string
  readonly commits: bigint
}

/** What the batch calls. */
export interface CommitCounter {
  /** Counts the transaction that is about to be committed, within it. */
  advance(): void
  /** Writes down that it was committed. @throws Error where the mark cannot be written. */
  reached(): void
}

const SLOT_BYTES = 512
const RECORD = /^purser-mark 1 (\S+) ([0-9]+) ([0-9a-f]{8}) *\n/

export class Mark {
  readonly #fd: number
  #closed = false

  private constructor(fd: number) {
    this.#fd = fd
  }

  /** Opens the file for writing, makes it where it is missing, and writes this down durably. */
  static open(path: string, reached: Reached): Mark {
    const isNew = !existsSync(path)
    const mark = new Mark(openSync(path, isNew ? 'wx+' : 'r+', 0o600))
    mark.write(reached)
    fsyncSync(mark.#fd)
    if (isNew) syncFolder(dirname(path))
    return mark
  }

  write({ ledgerId, commits }: Reached): void {
    const said = `purser-mark 1 ${ledgerId} ${commits}`
    const line = `${said} ${crc32(said).toString(16).padStart(8, '0')}`
    const slot = Buffer.from(`${line.padEnd(SLOT_BYTES - 1)}\n`, 'latin1')
    const at = Number(commits % 2n) * SLOT_BYTES
    for (let done = 0; done < SLOT_BYTES; ) done += writeSync(this.#fd, slot, done, SLOT_BYTES - done, at + done)
  }

  /** It may lag, so that a disk that fails here changes nothing. Once: the number may be another file's by then. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    try {
      fsyncSync(this.#fd)
    } catch {
      // The next start writes it anew.
    } finally {
      closeSync(this.#fd)
    }
  }
}

/** What stands in the file: the newer of its slots, `missing` where there is no file, `spoiled` where no slot can be read. */
export function readMark(path: string): Reached | 'missing' | 'spoiled' {
  if (!existsSync(path)) return 'missing'
  const bytes = readFileSync(path)
  // Whoever made the file was killed before its first word, which comes before the ledger's first commit.
  if (bytes.length === 0) return 'missing'
  const slots = [bytes.subarray(0, SLOT_BYTES), bytes.subarray(SLOT_BYTES, 2 * SLOT_BYTES)]
    .map(readSlot)
    .filter((slot) => slot !== undefined)
  return slots.reduce<Reached | 'spoiled'>((best, slot) => (best === 'spoiled' || slot.commits > best.commits ? slot : best), 'spoiled')
}

function readSlot(slot: Buffer): Reached | undefined {
  const match = RECORD.exec(slot.toString('latin1'))
  if (!match) return undefined
  const [, ledgerId = '', commits = '', sum = ''] = match
  const intact = crc32(`purser-mark 1 ${ledgerId} ${commits}`) === Number.parseInt(sum, 16)
  return intact ? { ledgerId, commits: BigInt(commits) } : undefined
}

/**
 * Why this ledger must not be paid from, or undefined where it goes on from where its mark stands. Agents read it too, so
 * that no path stands in it.
 */
export function markFault(ledger: Reached, mark: ReturnType<typeof readMark>): string | undefined {
  if (mark === 'missing') return ledger.commits === 0n ? undefined : `The high-water mark of the ledger is missing. ${DANGER}`
  if (mark === 'spoiled') return `The high-water mark of the ledger cannot be read. ${DANGER}`
  if (mark.ledgerId !== ledger.ledgerId) return `The ledger is not the one that its high-water mark belongs to. ${DANGER}`
  if (mark.commits <= ledger.commits) return undefined
  const missing = mark.commits - ledger.commits
  return `The ledger is an older copy: its last ${missing} ${missing === 1n ? 'commit is' : 'commits are'} missing. ${DANGER}`
}

const DANGER =
  'What was signed since may still be taken, so nothing is paid. Put the newest ledger back, or accept this one with `purser serve --accept-restored-ledger`.'

export interface MarkOptions {
  readonly path: string
  readonly identity: { readonly ledgerId: string; commits(): bigint; setCommits(count: bigint): void }
  /** An operator says that this copy is the one to go on with. */
  readonly accept: boolean
}

export type OpenedMark =
  /** `warning`: an older copy was accepted. */
  | { readonly kind: 'open'; readonly counter: CommitCounter & Disposable; readonly warning: string | undefined }
  /** Nothing may be written; `fault` says why and what to do. */
  | { readonly kind: 'frozen'; readonly fault: string }

/**
 * Compares the ledger with its mark and goes on from there.
 * @throws PurserError `ledger_unavailable` where the mark cannot be read or written.
 */
export function openMark({ path, identity, accept }: MarkOptions): OpenedMark {
  try {
    const ledger = { ledgerId: identity.ledgerId, commits: identity.commits() }
    const found = readMark(path)
    const fault = markFault(ledger, found)
    if (fault !== undefined && !accept) return { kind: 'frozen', fault }
    if (fault !== undefined) identity.setCommits(beyond(ledger, found))
    const warning = fault === undefined ? undefined : `${accepted(fault)} ${LOOK}`
    return { kind: 'open', counter: countCommits(Mark.open(path, { ...ledger, commits: identity.commits() }), identity), warning }
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause)
      throw refused('ledger_unavailable', `The high-water mark ${path} cannot be used: ${cause.message}.`, cause)
    throw cause
  }
}

/** An accepted copy counts on from beyond the mark, so that the ledger that it replaces is the older one from then on. */
function beyond(ledger: Reached, found: ReturnType<typeof readMark>): bigint {
  const seen = typeof found === 'string' ? 0n : found.commits
  return (seen > ledger.commits ? seen : ledger.commits) + 1n
}

const LOOK = 'An operator accepted it. Run `purser reconcile`: it finds authorizations that this copy does not know.'

function accepted(fault: string): string {
  return fault.slice(0, fault.indexOf(DANGER)).trimEnd()
}

function countCommits(mark: Mark, identity: MarkOptions['identity']): CommitCounter & Disposable {
  let commits = identity.commits()
  return {
    advance() {
      commits += 1n
      identity.setCommits(commits)
    },
    reached: () => mark.write({ ledgerId: identity.ledgerId, commits }),
    [Symbol.dispose]: () => mark.close(),
  }
}

function syncFolder(folder: string): void {
  if (process.platform === 'win32') return
  const fd = openSync(folder, 'r')
  fsyncSync(fd)
  closeSync(fd)
}
