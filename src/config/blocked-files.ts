/**
 * Lists of addresses that are never paid, kept in text files by others: one address a line, `#` begins a comment. Read at
 * the start, where a fault stops it, and again when they change, where a fault keeps the list as it was.
 */

import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { uniformAddress } from '../address.ts'
import { MAX_BLOCKED_FILE_BYTES } from '../limits.ts'
import { isSolanaAddress } from '../solana-address.ts'

/** A list cannot be used; the message names file and line. */
export class BlockedFileError extends Error {
  override readonly name = 'BlockedFileError'
}

export interface AddressList {
  /** Hex in lower case. */
  readonly addresses: ReadonlySet<string>
  /** SHA-256 (hex) of the addresses in order. */
  readonly digest: string
}

interface Read {
  readonly stamp: string
  readonly addresses: readonly string[]
}

const ADDRESS = /^0x[0-9a-fA-F]{40}$/

/**
 * The addresses of a list, hex in lower case. Spaces around them, empty lines and what follows a `#` do not count.
 * @throws BlockedFileError for a line that is no address, and for a text of nothing at all: a list that is being written
 * is empty for a moment, and nobody means that by it; a comment says that it is meant to be empty.
 */
export function parseAddresses(text: string, path: string): string[] {
  if (text.trim() === '') throw new BlockedFileError(`${path} is empty; write a comment into it if it is to list nobody`)
  const lines = text.split(/\r\n|[\r\n]/).map((line, at) => ({
    at,
    entry: line
      .replace(/^\uFEFF/, '')
      .replace(/#.*$/, '')
      .trim(),
  }))
  const entries = lines.filter(({ entry }) => entry !== '')
  const wrong = entries.find(({ entry }) => !ADDRESS.test(entry) && !isSolanaAddress(entry))
  if (wrong)
    throw new BlockedFileError(
      `${path}, line ${wrong.at + 1}: not an address; write 0x and 40 hex digits, or a Solana address, and # before comments`,
    )
  return entries.map(({ entry }) => uniformAddress(entry))
}

export class BlockedFiles {
  readonly #paths: readonly string[]
  readonly #read = new Map<string, Read>()
  /** By path: what was last told about it. */
  readonly #told = new Map<string, string>()
  #current: AddressList | undefined

  private constructor(paths: readonly string[]) {
    this.#paths = paths
  }

  /** @throws BlockedFileError for the first list that cannot be used. */
  static async open(paths: readonly string[]): Promise<BlockedFiles> {
    const files = new BlockedFiles(paths)
    const [problem] = await files.refresh()
    if (problem !== undefined) throw new BlockedFileError(problem)
    return files
  }

  /** All lists together; undefined where no file is configured. */
  get current(): AddressList | undefined {
    return this.#current
  }

  /** Reads what changed since. Returns sentences about lists that stay as they were because they cannot be used, each once. */
  async refresh(): Promise<readonly string[]> {
    const problems: string[] = []
    let changed = false
    for (const path of this.#paths) {
      const result = await readList(path, this.#read.get(path)?.stamp)
      if (result === 'unchanged') this.#told.delete(path)
      else if (typeof result === 'string') problems.push(...this.#news(path, result))
      else {
        this.#told.delete(path)
        this.#read.set(path, result)
        changed = true
      }
    }
    if (changed) this.#current = joined([...this.#read.values()].flatMap(({ addresses }) => addresses))
    return problems
  }

  #news(path: string, problem: string): string[] {
    if (this.#told.get(path) === problem) return []
    this.#told.set(path, problem)
    return [problem]
  }
}

/** What the file says now, `unchanged`, or a sentence about why it cannot be used. */
async function readList(path: string, known: string | undefined): Promise<Read | string> {
  try {
    const stamp = await stampOf(path)
    if (stamp === known) return 'unchanged'
    const addresses = parseAddresses(await readFile(path, 'utf8'), path)
    if ((await stampOf(path)) !== stamp) throw new BlockedFileError(`${path} is being written`)
    return { stamp, addresses }
  } catch (fault) {
    if (fault instanceof BlockedFileError) return fault.message
    const missing = fault instanceof Error && 'code' in fault && fault.code === 'ENOENT'
    return missing ? `there is no file ${path}` : `${path} cannot be read`
  }
}

async function stampOf(path: string): Promise<string> {
  const { size, mtimeNs, ino } = await stat(path, { bigint: true })
  if (size > MAX_BLOCKED_FILE_BYTES) throw new BlockedFileError(`${path} is larger than ${MAX_BLOCKED_FILE_BYTES} bytes`)
  return `${ino} ${size} ${mtimeNs}`
}

function joined(all: readonly string[]): AddressList {
  const addresses = new Set(all.toSorted())
  const digest = createHash('sha256')
    .update([...addresses].join('\n'))
    .digest('hex')
  return { addresses, digest }
}
