/** Reads HTTP/1.1 answers off a connection, no more of them than a load needs: the status and how long the body was. */

const HEAD_END = '\r\n\r\n'
const MAX_HEAD_BYTES = 64 * 1024
const LENGTH = /\r\ncontent-length: *(\d+)/i
const CHUNKED = /\r\ntransfer-encoding: *chunked/i
const STATUS_AT = 'HTTP/1.1 '.length

export interface Answer {
  readonly status: number
  readonly bodyBytes: number
}

interface Shape {
  readonly status: number
  readonly headBytes: number
  readonly bodyBytes: number
}

/**
 * One request at a time: every answer is complete before the next may begin. An answer that looks like the one before
 * (as many bytes, its head as long, the same status) is not read again, so that the load costs little.
 * @throws Error from `take` where the bytes are no answer, or more than one.
 */
export class AnswerReader {
  readonly #onAnswer: (answer: Answer) => void
  #rest: Buffer = Buffer.alloc(0)
  #last: Shape | undefined
  /** Of a body whose length was stated. */
  #missing = 0
  #answer: Answer | undefined
  #chunks: ChunkCounter | undefined

  constructor(onAnswer: (answer: Answer) => void) {
    this.#onAnswer = onAnswer
  }

  take(chunk: Buffer): void {
    if (this.#missing > 0) this.#takeBody(chunk.length)
    else if (this.#chunks) this.#takeChunked(chunk)
    else if (this.#last && this.#rest.length === 0 && isLike(this.#last, chunk)) this.#onAnswer(this.#last)
    else this.#takeHead(this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]))
  }

  #takeHead(bytes: Buffer): void {
    const end = bytes.indexOf(HEAD_END)
    if (end < 0) {
      if (bytes.length > MAX_HEAD_BYTES) throw new Error('a head of more than 64 KiB')
      this.#rest = bytes
      return
    }
    this.#rest = Buffer.alloc(0)
    const head = bytes.toString('latin1', 0, end)
    const headBytes = end + HEAD_END.length
    const status = Number(head.slice(STATUS_AT, STATUS_AT + 3))
    const length = LENGTH.exec(head)?.[1]
    if (length !== undefined) {
      this.#last = { status, headBytes, bodyBytes: Number(length) }
      this.#answer = this.#last
      this.#missing = Number(length)
      this.#takeBody(bytes.length - headBytes)
    } else if (CHUNKED.test(head)) {
      this.#answer = { status, bodyBytes: 0 }
      this.#chunks = new ChunkCounter()
      this.#takeChunked(bytes.subarray(headBytes))
    } else throw new Error(`an answer that does not say how long it is:\n${head}`)
  }

  #takeBody(length: number): void {
    this.#missing -= length
    if (this.#missing < 0) throw new Error('more bytes than the answer stated')
    if (this.#missing === 0 && this.#answer) this.#onAnswer(this.#answer)
  }

  #takeChunked(chunk: Buffer): void {
    if (!this.#chunks?.take(chunk)) return
    const answer = { status: this.#answer?.status ?? 0, bodyBytes: this.#chunks.bytes }
    this.#chunks = undefined
    this.#onAnswer(answer)
  }
}

function isLike({ status, headBytes, bodyBytes }: Shape, chunk: Buffer): boolean {
  return (
    chunk.length === headBytes + bodyBytes &&
    chunk[headBytes - 4] === 0x0d &&
    chunk[headBytes - 2] === 0x0d &&
    chunk[headBytes - 1] === 0x0a &&
    ((chunk[STATUS_AT] ?? 0) - 48) * 100 + ((chunk[STATUS_AT + 1] ?? 0) - 48) * 10 + (chunk[STATUS_AT + 2] ?? 0) - 48 === status
  )
}

/** Counts the bytes of a chunked body; trailers are none of a benchmark's. */
class ChunkCounter {
  bytes = 0
  #line = ''
  /** Of the chunk that is being read, its line end with it. */
  #left = 0
  #ending = false

  /** True when the last chunk has come. */
  take(chunk: Buffer): boolean {
    let at = 0
    while (at < chunk.length) {
      if (this.#left > 0) {
        const step = Math.min(this.#left, chunk.length - at)
        this.#left -= step
        at += step
        if (this.#left === 0 && this.#ending) return true
        continue
      }
      const end = chunk.indexOf(0x0a, at)
      this.#line += chunk.toString('latin1', at, end < 0 ? chunk.length : end)
      if (end < 0) return false
      at = end + 1
      const size = Number.parseInt(this.#line, 16)
      if (Number.isNaN(size)) throw new Error(`not the size of a chunk: ${this.#line}`)
      this.#line = ''
      this.bytes += size
      this.#left = size + 2
      this.#ending = size === 0
    }
    return false
  }
}
