/** The signer's journal: one line of JSON for each signature that may take money, on disk before the signature leaves. */
import { type FileHandle, open, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import type { Accepted, Entry } from './signer-book.ts'

const amount = z
  .string()
  .regex(/^[0-9]{1,78}$/)
  .transform((text) => BigInt(text))
const text = z.string().min(1)
const line = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('accepted') }),
  z.strictObject({
    ...{ kind: z.literal('charge'), sessionId: text, paymentId: text, place: text, nonce: text, amount, added: amount },
    ...{ until_s: z.int(), day: z.iso.date() },
  }),
])

export interface SignerJournal extends AsyncDisposable {
  /** Resolves when it is on disk. Entries that come while one is being synced share the next sync. Rejects for ever after a fault. */
  append(entry: Entry | Accepted): Promise<void>
}

/**
 * Hands what stands there to `enter`, and goes on behind it. A last line that a crash cut off was never answered for, and goes.
 * @throws Error where another line cannot be read: counters that are not whole protect nothing.
 */
export async function openSignerJournal(path: string, enter: (entry: Entry | Accepted) => void): Promise<SignerJournal> {
  const file = await open(path, 'a+', 0o600)
  try {
    const stood = await readFile(path, 'utf8')
    const whole = stood.slice(0, stood.lastIndexOf('\n') + 1)
    for (const [at, one] of whole.split('\n').slice(0, -1).entries()) enter(readLine(one, `${path}:${at + 1}`))
    await file.truncate(Buffer.byteLength(whole))
    await file.sync()
    await syncFolder(dirname(path))
  } catch (fault) {
    await file.close()
    throw fault
  }
  return new Journal(file)
}

function readLine(one: string, where: string): Entry | Accepted {
  try {
    return line.parse(JSON.parse(one))
  } catch (cause) {
    throw new Error(`${where} cannot be read, so what was signed is not known. Restore the journal; nothing is signed without it.`, {
      cause,
    })
  }
}

class Journal implements SignerJournal {
  readonly #file: FileHandle
  #waiting: string[] = []
  #next: Promise<void> | undefined
  #last: Promise<void> = Promise.resolve()
  #fault: unknown

  constructor(file: FileHandle) {
    this.#file = file
  }

  append(entry: Entry | Accepted): Promise<void> {
    if (this.#fault !== undefined) return Promise.reject(this.#fault)
    this.#waiting.push(`${JSON.stringify(entry, (_, value: unknown) => (typeof value === 'bigint' ? `${value}` : value))}\n`)
    this.#next ??= this.#flushAfter(this.#last)
    return this.#next
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (this.#next ?? this.#last).catch(() => undefined)
    await this.#file.close()
  }

  /** After a write that failed nobody knows what stands in the file, so all later ones fail as it did. */
  #flushAfter(last: Promise<void>): Promise<void> {
    const flushed = last.then(async () => {
      const lines = this.#waiting.join('')
      this.#waiting = []
      this.#last = flushed
      this.#next = undefined
      try {
        await this.#file.appendFile(lines)
        await this.#file.datasync()
      } catch (fault) {
        this.#fault = fault
        throw fault
      }
    })
    return flushed
  }
}

async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, 'r')
  await handle.sync()
}
