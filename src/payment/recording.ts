/**
 * Recording: a paid answer on its way to the agent, with a copy kept at hand. Where the agent goes away in the middle,
 * the rest is read all the same, within bounds of size and time: it is paid for.
 */
import { Readable } from 'node:stream'
import type { Answer } from '../http.ts'
import { MAX_KEPT_ANSWER_BYTES, RECORDED_ANSWERS_BYTES, SALVAGE_TIMEOUT_MS } from '../limits.ts'
import { passing } from '../waypoints.ts'
import type { WholeAnswer } from './sealing.ts'

export interface Recording {
  /** For the agent: streams as it comes. Destroying its body ends the agent's part only. */
  readonly answer: Answer
  /** When the upstream's body has ended; undefined where it broke off, or was too large or too slow to be kept. */
  readonly whole: Promise<WholeAnswer | undefined> | WholeAnswer | undefined
  /** Gives the copy's memory back; `whole` has been used by then. */
  release(): void
}

export interface RecorderLimits {
  readonly answer_bytes: number
  /** All recordings together. */
  readonly total_bytes: number
  readonly salvage_ms: number
}

const LIMITS: RecorderLimits = {
  answer_bytes: MAX_KEPT_ANSWER_BYTES,
  total_bytes: RECORDED_ANSWERS_BYTES,
  salvage_ms: SALVAGE_TIMEOUT_MS,
}

export type Record = (answer: Answer) => Recording

/** Recordings that share one bound on memory. */
export function createRecorder(limits: RecorderLimits = LIMITS): Record {
  const memory: Memory = { used_bytes: 0 }
  return (answer) => {
    const tape = new Tape(limits, memory)
    const release = () => tape.drop()
    const arrived = answer.arrived?.()
    if (arrived) {
      tape.add(arrived)
      passing('bytes passed on')
      passing('answer ended')
      return { answer, whole: tape.play(answer), release }
    }
    const whole = Promise.withResolvers<WholeAnswer | undefined>()
    const body = new RecordedBody(answer.body, {
      tape,
      salvage_ms: limits.salvage_ms,
      ended: (whole_) => whole.resolve(whole_ ? tape.play(answer) : undefined),
    })
    const { status, statusText, headers } = answer
    return { answer: { status, statusText, headers, body, trailers: () => answer.trailers() }, whole: whole.promise, release }
  }
}

interface Memory {
  used_bytes: number
}

/** The copy. It is dropped where it would become too large. */
class Tape {
  readonly #limits: RecorderLimits
  readonly #memory: Memory
  #chunks: Uint8Array[] | undefined = []
  #bytes = 0

  constructor(limits: RecorderLimits, memory: Memory) {
    this.#limits = limits
    this.#memory = memory
  }

  get runs(): boolean {
    return this.#chunks !== undefined
  }

  add(chunk: Uint8Array): void {
    if (!this.#chunks) return
    const { answer_bytes, total_bytes } = this.#limits
    if (this.#bytes + chunk.length > answer_bytes || this.#memory.used_bytes + chunk.length > total_bytes) {
      this.drop()
      return
    }
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    this.#memory.used_bytes += chunk.length
  }

  drop(): void {
    this.#memory.used_bytes -= this.#bytes
    this.#bytes = 0
    this.#chunks = undefined
  }

  play(answer: Answer): WholeAnswer | undefined {
    if (!this.#chunks) return undefined
    const { status, statusText, headers } = answer
    const [only, ...more] = this.#chunks
    const body = only && more.length === 0 ? only : Buffer.concat(this.#chunks)
    return { status, statusText, headers, trailers: answer.trailers(), body }
  }
}

interface RecordedBodyOptions {
  readonly tape: Tape
  readonly salvage_ms: number
  /** Called once, when the source is over. */
  readonly ended: (whole: boolean) => void
}

class RecordedBody extends Readable {
  readonly #source: Readable
  readonly #options: RecordedBodyOptions
  #timer: NodeJS.Timeout | undefined
  #over = false

  constructor(source: Readable, options: RecordedBodyOptions) {
    super()
    this.#source = source
    this.#options = options
    this.on('error', () => undefined)
    source.pause()
    source.on('data', (chunk: Buffer) => this.#take(chunk))
    source
      .on('end', () => this.#end(true))
      .on('error', () => this.#end(false))
      .on('close', () => this.#end(false))
    if (source.destroyed) this.#end(false)
  }

  override _read(): void {
    this.#source.resume()
  }

  /** Read on where a copy is being made; else there is nothing left to read for. */
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!this.#over && this.#options.tape.runs) {
      this.#timer = setTimeout(() => this.#source.destroy(), this.#options.salvage_ms)
      this.#source.resume()
    } else {
      this.#source.destroy()
    }
    done(error)
  }

  #take(chunk: Buffer): void {
    const { tape } = this.#options
    tape.add(chunk)
    if (!this.destroyed) {
      if (!this.push(chunk)) this.#source.pause()
      passing('bytes passed on')
    } else if (!tape.runs) {
      this.#source.destroy()
    }
  }

  #end(whole: boolean): void {
    if (this.#over) return
    this.#over = true
    clearTimeout(this.#timer)
    passing('answer ended')
    if (whole) this.push(null)
    else this.destroy(this.#source.errored ?? new Error('the answer was broken off'))
    this.#options.ended(whole)
  }
}
