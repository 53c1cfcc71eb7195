/**
 * The high-water mark of a shared ledger: how far its receipts had come, kept by this process outside of it. By it even
 * a process that has just started recognises a primary that was deposed, or a server that was restored from a backup.
 */
import { refused } from '../../errors.ts'
import { Mark, readMark } from '../sqlite/mark.ts'

/** Whose mark it is, and the newest receipt's place that was certain to be durable. */
export interface High {
  readonly ledgerId: string
  readonly high: bigint
}

export interface HighMark extends Disposable {
  /** What an earlier run has seen; undefined where there was none. */
  readonly found: High | undefined
  write(high: High): void
}

/**
 * @param writes False where another process on the same folder writes it.
 * @param accept An operator says that the server is the one to go on with, whatever the mark says.
 * @throws PurserError `ledger_unavailable` where the file is there and cannot be read.
 */
export function openHighMark(path: string, { accept, writes = true }: { readonly accept: boolean; readonly writes?: boolean }): HighMark {
  const stored = readMark(path)
  if (stored === 'spoiled' && !accept) throw refused('ledger_unavailable', `The high-water mark ${path} cannot be read. ${WAY_OUT}`)
  let mark: Mark | undefined
  return {
    found: typeof stored === 'string' || accept ? undefined : { ledgerId: stored.ledgerId, high: stored.commits },
    write({ ledgerId, high }) {
      if (!writes) return
      const reached = { ledgerId, commits: high }
      if (mark) mark.write(reached)
      else mark = Mark.open(path, reached)
    },
    [Symbol.dispose]: () => mark?.close(),
  }
}

/** What to do about a server that is behind its mark. */
export const WAY_OUT =
  'What was signed since may still be taken, so nothing is paid. Put the newest server back, or accept this one with `purser serve --accept-restored-ledger`.'
