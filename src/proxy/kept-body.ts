/** The agent's body on its way upstream, with a digest of all of it and, within bounds, a copy for the retry (rule R20). */
import { createHash, type Hash } from 'node:crypto'
import { Readable } from 'node:stream'
import type { BodyState } from '../session/exchange.ts'
import type { Spool, SpoolFile } from './spool.ts'

export interface KeptBody {
  /** Towards the upstream. Breaking it off does no harm to the copy. */
  readonly stream: Readable | null
  /** Reads on to the end of the agent's body, whatever the upstream does. Rejects if the agent breaks off. */
  ended(): Promise<BodyState>
  /** The whole body once more. Only after `ended()` said that it is replayable. */
  replay(): Uint8Array | Readable | null
  /** Frees the copy. */
  release(): void
}

export interface KeepOptions {
  readonly memory_bytes: number
  /** Set where the route has charged before: longer bodies go on into a file. */
  readonly spool?: Spool | undefined
  readonly spool_bytes: number
  /** Called when somebody asks for the first byte: time to tell the agent to go on. */
  readonly onWanted?: (() => void) | undefined
}

const DIGEST_OF_NOTHING = createHash('sha256').digest('hex')

/** For requests without a body. */
export function noBody(options: Pick<KeepOptions, 'memory_bytes'>): KeptBody {
  return {
    stream: null,
    ended: async () => ({ digest: DIGEST_OF_NOTHING, bytes: 0, replayable: true, bound_bytes: options.memory_bytes }),
    replay: () => null,
    release: () => undefined,
  }
}

/** Tees `source`: nothing is read from it before the upstream, or the payment flow, wants it. */
export function keepBody(source: Readable, options: KeepOptions): KeptBody {
  return new Tee(source, options)
}

const SMALLEST_BYTES = 1024

class Tee implements KeptBody {
  readonly stream: Readable
  readonly #source: Readable
  readonly #options: KeepOptions
  #memory = Buffer.alloc(0)
  #length = 0
  #bytes = 0
  #hash: Hash | undefined
  #file: SpoolFile | undefined
  #dropped = false
  #writing = false
  #wanted = false
  #started = false
  #released = false
  /** The upstream has not asked for more. */
  #full = false
  #end: 'whole' | Error | undefined
  #digested: string | undefined
  readonly #waiters: (() => void)[] = []

  constructor(source: Readable, options: KeepOptions) {
    this.#source = source
    this.#options = options
    this.stream = new Readable({
      read: () => {
        this.#full = false
        this.#go()
      },
      destroy: (error, done) => {
        if (!this.#wanted) source.pause()
        done(error)
      },
    })
    this.stream.on('error', () => undefined)
    source.on('data', (chunk: Buffer) => this.#take(chunk))
    source.pause()
    source.on('end', () => this.#finish('whole'))
    source.on('error', () => this.#finish(new Error('the agent broke off its request')))
    source.on('close', () => this.#finish(new Error('the agent broke off its request')))
  }

  ended(): Promise<BodyState> {
    const end = this.#end
    if (!end) {
      this.#wanted = true
      this.stream.destroy()
      this.#go()
      return new Promise((resolve, reject) => this.#waiters.push(() => this.ended().then(resolve, reject)))
    }
    if (end instanceof Error) return Promise.reject(end)
    const { spool, spool_bytes, memory_bytes } = this.#options
    const bound_bytes = spool ? spool_bytes : memory_bytes
    return Promise.resolve({ digest: this.#digest(), bytes: this.#bytes, replayable: !this.#dropped, bound_bytes })
  }

  replay(): Uint8Array | Readable | null {
    if (this.#dropped) throw new Error('the copy of this body was dropped')
    const first = this.#memory.subarray(0, this.#length)
    return this.#file ? this.#file.read(first) : first
  }

  release(): void {
    this.#released = true
    this.#drop()
  }

  #go(): void {
    if (!this.#started) {
      this.#started = true
      this.#options.onWanted?.()
    }
    if (!this.#writing) this.#source.resume()
  }

  #take(chunk: Buffer): void {
    if (this.#released) return
    this.#bytes += chunk.length
    if (this.#bytes <= this.#options.memory_bytes) this.#remember(chunk)
    else this.#overflow(chunk)
    if (this.stream.destroyed || this.stream.push(chunk)) return
    this.#full = true
    this.#source.pause()
  }

  /** One growing buffer: many tiny chunks must not cost more than their bytes. */
  #remember(chunk: Buffer): void {
    const needed = this.#length + chunk.length
    if (needed > this.#memory.length) {
      const grown = Buffer.allocUnsafe(Math.min(this.#options.memory_bytes, Math.max(needed, this.#memory.length * 2, SMALLEST_BYTES)))
      this.#memory.copy(grown, 0, 0, this.#length)
      this.#memory = grown
    }
    chunk.copy(this.#memory, this.#length)
    this.#length = needed
  }

  #overflow(chunk: Buffer): void {
    this.#hash ??= createHash('sha256').update(this.#memory.subarray(0, this.#length))
    this.#hash.update(chunk)
    if (this.#dropped) return
    if (this.#options.spool) this.#store(chunk, this.#options.spool)
    else this.#drop()
  }

  /** One write at a time: the agent waits for the disk. */
  #store(chunk: Buffer, spool: Spool): void {
    this.#file ??= spool.create()
    this.#writing = true
    this.#source.pause()
    void this.#file.write(chunk).then((kept) => {
      this.#writing = false
      if (!kept) this.#drop()
      if (this.stream.destroyed ? this.#wanted : !this.#full) this.#source.resume()
    })
  }

  #drop(): void {
    this.#dropped = true
    this.#memory = Buffer.alloc(0)
    this.#length = 0
    const file = this.#file
    this.#file = undefined
    void file?.close()
  }

  #digest(): string {
    this.#digested ??= (this.#hash ?? createHash('sha256').update(this.#memory.subarray(0, this.#length))).digest('hex')
    return this.#digested
  }

  #finish(end: 'whole' | Error): void {
    if (this.#end) return
    this.#end = end
    if (end !== 'whole') this.stream.destroy(end)
    else if (!this.stream.destroyed) this.stream.push(null)
    for (const wake of this.#waiters.splice(0)) wake()
  }
}
