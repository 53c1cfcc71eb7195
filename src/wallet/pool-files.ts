/** The files of a pool: read at the start, where a fault stops it, and again when they change, where a fault is told and leaves what was read before. */
import { readFile, stat } from 'node:fs/promises'
import { MAX_PRESIGNED_FILE_BYTES } from '../presigned-limits.ts'
import { PresignedError, type PresignedTransfer, readPresigned } from './presigned-file.ts'
import type { Hex } from './wallet.ts'

export interface PoolFile {
  readonly path: string
  readonly transfers: readonly PresignedTransfer[]
}

/** Anything for others, and writing for the group. */
const TOO_OPEN = 0o027

export class PoolFiles {
  readonly #paths: readonly string[]
  readonly #from: Hex
  readonly #stamps = new Map<string, string>()

  constructor(paths: readonly string[], from: Hex) {
    this.#paths = paths
    this.#from = from
  }

  /** Those that are new or changed since the last call. `told` gets a sentence for each that cannot be used now. */
  async changed(told: (sentence: string) => void): Promise<readonly PoolFile[]> {
    const found: PoolFile[] = []
    for (const path of this.#paths) {
      try {
        const file = await this.#read(path)
        if (file) found.push(file)
      } catch (fault) {
        told(`The pool ${path} cannot be used: ${reasonOf(fault)}.`)
      }
    }
    return found
  }

  async #read(path: string): Promise<PoolFile | undefined> {
    const stamp = await stampOf(path)
    if (stamp === this.#stamps.get(path)) return undefined
    // A file with a fault is looked at again only when it is another one.
    this.#stamps.set(path, stamp)
    return { path, transfers: await readPresigned(await readFile(path, 'utf8'), this.#from) }
  }
}

async function stampOf(path: string): Promise<string> {
  const { size, mtimeNs, ino, mode } = await stat(path, { bigint: true })
  const open = Number(mode & 0o777n)
  if (process.platform !== 'win32' && (open & TOO_OPEN) !== 0)
    throw new PresignedError(`it is open to others (mode ${open.toString(8)}); run: chmod 600 ${path}`)
  if (size > MAX_PRESIGNED_FILE_BYTES) throw new PresignedError(`it is larger than ${MAX_PRESIGNED_FILE_BYTES} bytes`)
  return `${ino} ${size} ${mtimeNs}`
}

function reasonOf(fault: unknown): string {
  if (fault instanceof PresignedError) return fault.message
  const missing = fault instanceof Error && 'code' in fault && fault.code === 'ENOENT'
  return missing ? 'there is no such file' : 'it cannot be read'
}
