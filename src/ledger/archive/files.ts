/**
 * The files of the archive: JSON lines, compressed segment by segment, so that each is read by itself and a whole file
 * is still an ordinary .gz. Files only grow, and only in the process and pass that began them: what is there is never
 * written over, cut or removed, whatever dies when.
 */
import { createHash } from 'node:crypto'
import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { MAX_SEGMENT_BYTES } from '../../retention-limits.ts'
import { ArchiveFault, type Segment } from '../retention.ts'

const compress = promisify(gzip)
const expand = promisify(gunzip)

/** Where a segment stands. */
export type Stretch = Pick<Segment, 'file' | 'start' | 'bytes' | 'hash'>

/** A file that a pass writes. */
export class ArchiveFile implements AsyncDisposable {
  readonly name: string
  readonly #file: FileHandle
  #end = 0

  private constructor(name: string, file: FileHandle) {
    this.name = name
    this.#file = file
  }

  /** @throws Error where the folder cannot be written, or has a file of this name. */
  static async begin(folder: string, name: string): Promise<ArchiveFile> {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const file = new ArchiveFile(name, await open(join(folder, name), 'wx', 0o600))
    await using directory = await open(folder, 'r')
    await directory.sync()
    return file
  }

  /** Bytes. */
  get size(): number {
    return this.#end
  }

  /** Appends the lines as one segment. They are on the disk when this resolves. */
  async append(lines: readonly string[]): Promise<Stretch> {
    const bytes = await compress(`${lines.join('\n')}\n`)
    const start = this.#end
    this.#end += bytes.length
    await this.#file.appendFile(bytes)
    await this.#file.sync()
    return { file: this.name, start, bytes: bytes.length, hash: createHash('sha256').update(bytes).digest('hex') }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#file.close()
  }
}

/** The lines of a segment. @throws ArchiveFault where they are not to be had as they were written. */
export async function readLines(folder: string, segment: Segment): Promise<string[]> {
  const bytes = await readBytes(folder, segment)
  if (createHash('sha256').update(bytes).digest('hex') !== segment.hash) {
    throw new ArchiveFault(
      segment,
      `was altered: bytes ${segment.start} to ${segment.start + segment.bytes} are not those that were written`,
    )
  }
  const text = await expand(bytes, { maxOutputLength: MAX_SEGMENT_BYTES })
  return text.toString('utf8').trimEnd().split('\n')
}

async function readBytes(folder: string, segment: Segment): Promise<Buffer> {
  const { file, start, bytes } = segment
  try {
    await using handle = await open(join(folder, file), 'r')
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(bytes), 0, bytes, start)
    if (bytesRead === bytes) return buffer
  } catch (cause) {
    throw new ArchiveFault(segment, isMissing(cause) ? `is missing from ${folder}` : 'cannot be read', cause)
  }
  throw new ArchiveFault(segment, `was cut: it ends before byte ${start + bytes}`)
}

function isMissing(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
}
