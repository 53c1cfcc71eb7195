/** The answer to one request of an agent, over HTTP/1 or HTTP/2: its head, its bytes, and whether all of it was delivered. */
import { ServerResponse } from 'node:http'
import { MAX_BODY_AS_TEXT_BYTES, MAX_WRITTEN_AHEAD_BYTES } from '../hot-path-limits.ts'
import { headerValue, type RawHeaders } from '../http.ts'
import type { AgentRequest, AgentResponse } from './door.ts'
import { resetsAfter, type WatchReset } from './resets.ts'

const NO_BODY_STATUS = new Set([204, 205, 304])
/** RFC 9113: the stream did not complete. */
const H2_INTERNAL_ERROR = 2
/** The head as it is: no date of our own. */
const AS_GIVEN = { endStream: false, sendDate: false }

export class Reply {
  readonly #request: AgentRequest
  readonly #response: AgentResponse
  readonly #watchReset: WatchReset
  readonly #gone: (() => void)[] = []
  #finished = false
  #closed = false
  #continued = false
  #expectsContinue = false
  #onDrain: (() => void) | undefined
  /** Bytes that the head promised; undefined where it says nothing. */
  #length: number | undefined
  #abort: AbortController | undefined
  /** Resolves when the agent has all of it, or is gone. */
  readonly closed: Promise<void>
  status = 0
  bytes = 0

  constructor(request: AgentRequest, response: AgentResponse) {
    this.#request = request
    this.#watchReset = resetsAfter(request)
    this.#response = response
    response.sendDate = false
    this.closed = new Promise((resolve) => {
      response.on('close', () => {
        this.#close()
        resolve()
      })
    })
    response.on('finish', () => {
      this.#finished = true
    })
    response.on('error', ignore)
  }

  /** True once the connection has ended before the answer did. */
  get gone(): boolean {
    return this.#closed && !this.complete
  }

  /** True once head and whole body were handed to a live connection. */
  get complete(): boolean {
    if (!this.#finished || !this.#response.writableEnded) return false
    const response = this.#response
    return response instanceof ServerResponse || (!response.stream.aborted && response.stream.rstCode === 0)
  }

  get begun(): boolean {
    return this.#response.headersSent
  }

  get method(): string {
    return this.#request.method ?? ''
  }

  /** Fires when the agent is gone. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    if (this.gone) this.#abort.abort()
    return this.#abort.signal
  }

  /** `work` runs when the agent is gone, at once if it is already. */
  onGone(work: () => void): void {
    if (this.gone) work()
    else this.#gone.push(work)
  }

  /** After the answer: `work` runs if the agent resets its connection although nothing more was asked on it. */
  onReset(work: () => void): void {
    this.#watchReset(work)
  }

  /** The agent waits for a word before it sends its body. */
  expectContinue(): void {
    this.#expectsContinue = true
  }

  /** That word. */
  continue(): void {
    if (!this.#expectsContinue || this.#continued || this.#closed || this.begun) return
    this.#continued = true
    this.#response.writeContinue()
  }

  /** The connection ends with this answer. */
  last(): void {
    if (this.#response instanceof ServerResponse) this.#response.shouldKeepAlive = false
  }

  /** An informational answer (1xx). Agents before HTTP/1.1 cannot read it. */
  inform(status: number, headers: RawHeaders): void {
    const response = this.#response
    if (this.#closed || this.begun || status === 100 || status === 101 || this.#request.httpVersion === '1.0') return
    if ('writeInformation' in response) response.writeInformation(status, grouped(headers))
  }

  /** Writes the head. Nothing leaves before the first byte or the end, so that a small answer is one write. */
  head(status: number, headers: RawHeaders, statusText = ''): void {
    this.status = status
    this.#length = contentLength(headers)
    if (this.#closed) return
    const response = this.#response
    if (this.#expectsContinue && !this.#continued) this.last()
    if (response instanceof ServerResponse) {
      const sent = this.#canTrail(status) ? headers : withoutTrailer(headers)
      // Not changed by what it is given to.
      response.writeHead(status, statusText === '' ? undefined : statusText, sent as string[])
    } else if (this.#length && this.method !== 'HEAD') {
      // As a stream that waits for no trailers: its last bytes carry the end.
      response.stream.respond({ ...grouped(headers), ':status': status }, AS_GIVEN)
    } else {
      response.writeHead(status, grouped(headers))
    }
  }

  /** Whether these are the last bytes that the head promised. */
  isLast(chunk: Uint8Array): boolean {
    return this.bytes + chunk.length === this.#length
  }

  /**
   * False where the agent reads so slowly that much of what was written waits: wait for `onDrain`. The last bytes that the head
   * promised carry the end with them: an agent that leaves as soon as it has them leaves nothing unread behind, which its
   * system would answer with a reset.
   */
  write(chunk: Uint8Array): boolean {
    if (this.#closed || this.#response.writableEnded) return true
    if (this.isLast(chunk)) {
      this.end(chunk)
      return true
    }
    this.bytes += chunk.length
    const response = writable(this.#response)
    return response.write(chunk) || response.writableLength < MAX_WRITTEN_AHEAD_BYTES
  }

  /** One listener at a time. */
  onDrain(work: () => void): void {
    if (!this.#onDrain) this.#response.on('drain', () => this.#onDrain?.())
    this.#onDrain = work
  }

  end(chunk?: Uint8Array): void {
    if (this.#closed || this.#response.writableEnded) return
    if (chunk === undefined) {
      this.#response.end()
    } else {
      this.bytes += chunk.length
      this.#endWithBody(chunk)
    }
  }

  /** A short body ends as text of the same bytes: Node then makes one string of head and body, and its write costs half of one from two places. */
  #endWithBody(chunk: Uint8Array): void {
    const response = this.#response
    if (response instanceof ServerResponse && chunk.length <= MAX_BODY_AS_TEXT_BYTES) response.end(latin1Of(chunk), 'latin1')
    else writable(response).end(chunk)
  }

  /** Ends with trailers, as far as this agent can read them. */
  endWith(trailers: RawHeaders): void {
    if (trailers.length > 0 && !this.#closed && this.begun && !this.#response.writableEnded) this.#response.addTrailers(grouped(trailers))
    this.end()
  }

  /** Ends so that the agent sees a broken answer, never a short one that looks whole. */
  breakOff(): void {
    if (this.#closed) return
    const response = this.#response
    if (!(response instanceof ServerResponse)) {
      response.stream.close(H2_INTERNAL_ERROR)
      return
    }
    const socket = response.socket
    if (!socket) return
    if ('encrypted' in socket) socket.destroy()
    else socket.resetAndDestroy()
  }

  #canTrail(status: number): boolean {
    if (this.method === 'HEAD' || NO_BODY_STATUS.has(status) || this.#request.httpVersion !== '1.1') return false
    return this.#length === undefined
  }

  #close(): void {
    this.#closed = true
    if (this.complete) return
    this.#abort?.abort()
    for (const work of this.#gone.splice(0)) work()
  }
}

function ignore(): void {}

function latin1Of(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}

interface Writing {
  readonly writableLength: number
  write(chunk: Uint8Array): boolean
  end(chunk: Uint8Array): unknown
}

/** Both kinds of response write bytes in the same way; their types differ in overloads that are not used. */
function writable(response: AgentResponse): Writing {
  return response
}

function contentLength(headers: RawHeaders): number | undefined {
  const length = headerValue(headers, 'content-length')
  return length === undefined ? undefined : Number(length)
}

/** The head as it can be written: trailers are announced only where some can follow. */
function withoutTrailer(headers: RawHeaders): RawHeaders {
  if (headerValue(headers, 'trailer') === undefined) return headers
  const kept: string[] = []
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i]?.toLowerCase() !== 'trailer') kept.push(headers[i] ?? '', headers[i + 1] ?? '')
  }
  return kept
}

/** Names in lower case, several values of one name as a list. */
function grouped(headers: RawHeaders): Record<string, string | string[]> {
  const all = new Map<string, string[]>()
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = (headers[i] ?? '').toLowerCase()
    const values = all.get(name)
    if (values) values.push(headers[i + 1] ?? '')
    else all.set(name, [headers[i + 1] ?? ''])
  }
  return Object.fromEntries([...all].map(([name, values]) => [name, values.length === 1 ? (values[0] ?? '') : values]))
}
