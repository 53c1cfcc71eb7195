/** Server-sent events (WHATWG HTML, 9.2), cut where they end: each with its bytes as they came. */

export interface ServerEvent {
  /** Its end included. */
  readonly raw: Buffer
  /** What a client gets; undefined where it gets nothing, or an event of another type than `message`. */
  readonly data: string | undefined
}

const LF = 10
const CR = 13

export class EventSplitter {
  #pending = Buffer.alloc(0)
  #scanned = 0
  #line = 0

  /** The beginning of an event that has not ended. */
  get pending(): Buffer {
    return this.#pending
  }

  /** The events that end in `chunk`. */
  push(chunk: Uint8Array): ServerEvent[] {
    this.#pending = this.#pending.length > 0 ? Buffer.concat([this.#pending, chunk]) : Buffer.from(chunk)
    const bytes = this.#pending
    const events: ServerEvent[] = []
    let begin = 0
    let at = this.#scanned
    for (; at < bytes.length; at++) {
      const byte = bytes[at]
      if (byte !== LF && byte !== CR) continue
      // Its line feed may be on the way.
      if (byte === CR && at + 1 === bytes.length) break
      const empty = at === this.#line
      if (byte === CR && bytes[at + 1] === LF) at++
      this.#line = at + 1
      if (!empty) continue
      const raw = bytes.subarray(begin, at + 1)
      events.push({ raw, data: dataOf(raw) })
      begin = at + 1
    }
    this.#pending = bytes.subarray(begin)
    this.#scanned = at - begin
    this.#line -= begin
    return events
  }
}

/** One event that carries this text. */
export function eventOf(text: string): Buffer {
  const lines = text.split(/\r\n|\n|\r/).map((line) => `data: ${line}\n`)
  return Buffer.from(`event: message\n${lines.join('')}\n`)
}

function dataOf(raw: Buffer): string | undefined {
  const data: string[] = []
  let type = 'message'
  for (const line of raw
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\n|\r/)) {
    const colon = line.indexOf(':')
    const name = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (name === 'data') data.push(value)
    else if (name === 'event') type = value === '' ? 'message' : value
  }
  return data.length > 0 && type === 'message' ? data.join('\n') : undefined
}
