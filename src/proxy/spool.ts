/**
 * Where long bodies of charging routes wait for the retry: a file without a name, encrypted with a key that only this
 * body has and that is never written, bounded for each body and for all together.
 */
import { type Cipheriv, createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { type FileHandle, open, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'

const CIPHER = 'aes-256-ctr'

export interface SpoolFile {
  /** False where the bounds or the disk do not allow it; the file is then of no further use. */
  write(chunk: Uint8Array): Promise<boolean>
  /** `first`, then all that was written. Can be read again and again. */
  read(first: Uint8Array): Readable
  close(): Promise<void>
}

export interface Spool {
  create(): SpoolFile
  /** Bytes in all files. */
  used(): number
}

export interface SpoolBounds {
  readonly file_bytes: number
  readonly total_bytes: number
}

export function createSpool(bounds: SpoolBounds): Spool {
  let used = 0
  const take = (bytes: number): boolean => {
    if (used + bytes > bounds.total_bytes) return false
    used += bytes
    return true
  }
  const give = (bytes: number): void => {
    used -= bytes
  }
  return { create: () => new EncryptedFile({ max_bytes: bounds.file_bytes, take, give }), used: () => used }
}

interface Share {
  readonly max_bytes: number
  readonly take: (bytes: number) => boolean
  readonly give: (bytes: number) => void
}

class EncryptedFile implements SpoolFile {
  readonly #share: Share
  readonly #key = randomBytes(32)
  readonly #iv = randomBytes(16)
  #cipher: Cipheriv | undefined
  #handle: Promise<FileHandle> | undefined
  #bytes = 0

  constructor(share: Share) {
    this.#share = share
  }

  async write(chunk: Uint8Array): Promise<boolean> {
    if (this.#bytes + chunk.length > this.#share.max_bytes || !this.#share.take(chunk.length)) return false
    const position = this.#bytes
    this.#bytes += chunk.length
    this.#cipher ??= createCipheriv(CIPHER, this.#key, this.#iv)
    const hidden = this.#cipher.update(chunk)
    try {
      this.#handle ??= openUnlinked()
      await writeWhole(await this.#handle, hidden, position)
      return true
    } catch {
      return false
    }
  }

  read(first: Uint8Array): Readable {
    return Readable.from(this.#plain(first), { objectMode: false })
  }

  async *#plain(first: Uint8Array): AsyncGenerator<Uint8Array> {
    yield first
    const handle = await this.#handle
    if (!handle || this.#bytes === 0) return
    const decipher = createDecipheriv(CIPHER, this.#key, this.#iv)
    for await (const chunk of handle.createReadStream({ start: 0, end: this.#bytes - 1, autoClose: false })) {
      yield decipher.update(chunk)
    }
  }

  async close(): Promise<void> {
    const handle = this.#handle
    this.#handle = undefined
    this.#share.give(this.#bytes)
    this.#bytes = 0
    await handle?.then((file) => file.close()).catch(() => undefined)
  }
}

async function openUnlinked(): Promise<FileHandle> {
  const path = join(tmpdir(), `purser-${randomBytes(16).toString('hex')}`)
  const handle = await open(path, 'wx+', 0o600)
  try {
    await unlink(path)
    return handle
  } catch (cause) {
    await handle.close()
    throw cause
  }
}

async function writeWhole(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0
  while (done < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done)
    done += bytesWritten
  }
}
