/**
 * A marked block in a shell's start-up file. What stands around it is never touched: taking the block out leaves every
 * byte as it was before it came in, and a file that was made for it goes with it.
 */
import { chmod, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'

const BEGIN = '# >>> purser >>>'
const END = '# <<< purser <<<'
/** Said in the block's first line, so that the undo is exact. */
const MADE = 'this file was made for it'
const ENDED = 'a line break was added before it'
/** No other block begins inside one, so that an end marker which somebody lost takes no line of theirs with it. */
const BLOCK = /^# >>> purser >>>([^\n]*)\n(?:(?!# >>> purser >>>)[^\n]*\n)*?# <<< purser <<<(?:\n|(?![\s\S]))/m

/** The text with the block in it, in the place of an older one. `before`: the file as it is, undefined where there is none. */
export function withBlock(before: string | undefined, lines: readonly string[]): string {
  const bare = before === undefined ? undefined : withoutBlock(before)
  if (bare === undefined) return blockOf(lines, MADE)
  return bare === '' || bare.endsWith('\n') ? bare + blockOf(lines, '') : `${bare}\n${blockOf(lines, ENDED)}`
}

/** The text as it was before its blocks; undefined where there would be no file. */
export function withoutBlock(text: string): string | undefined {
  const found = BLOCK.exec(text)
  if (found === null) return text
  const [block, note = ''] = found
  const before = text.slice(0, found.index)
  const behind = text.slice(found.index + block.length)
  // What was written behind the block since begins a line of its own.
  const rest = (note.includes(ENDED) && behind === '' ? before.slice(0, -1) : before) + behind
  return note.includes(MADE) && rest === '' ? undefined : withoutBlock(rest)
}

/** Whether a block begins that `withoutBlock` leaves, because nobody can tell where it ends. */
export function isTorn(text: string): boolean {
  return (withoutBlock(text) ?? '').split('\n').some((line) => line.startsWith(BEGIN))
}

function blockOf(lines: readonly string[], note: string): string {
  const first = note === '' ? BEGIN : `${BEGIN} ${note}`
  return bytesOf(`${[first, '# `purser uninstall` takes these lines out.', ...lines, END].join('\n')}\n`)
}

/** A start-up file may be in any encoding: here one character stands for one byte of it, so that none is changed. */
function bytesOf(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

export async function readProfile(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'latin1')
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined
    throw cause
  }
}

/** Whole or not at all, with the file's own mode; undefined takes the file away. */
export async function writeProfile(file: string, text: string | undefined): Promise<void> {
  if (text === undefined) return rm(file, { force: true })
  const mode = await stat(file).then(
    (known) => known.mode & 0o777,
    () => 0o600,
  )
  const draft = `${file}.purser`
  await writeFile(draft, text, { mode, encoding: 'latin1' })
  await chmod(draft, mode)
  await rename(draft, file)
}
