/** The few HTTP words that several rooms share: a head, its headers, an answer. Types and pure look-ups only. */
import type { Readable } from 'node:stream'

/** Header names and values in wire order: [name, value, name, value, …], as Node's `rawHeaders`. */
export type RawHeaders = readonly string[]

/** Like the global one, for plain URLs: how this process asks others by itself. */
export type Fetch = (url: string | URL, init?: RequestInit) => Promise<Response>

export interface Head {
  readonly status: number
  readonly headers: RawHeaders
}

/** An upstream's answer whose body has not been read. Whoever gets it must read or destroy the body. */
export interface Answer extends Head {
  readonly statusText: string
  readonly body: Readable
  /**
   * A look: all bytes of the body, where they are here by now and nobody has asked for `body`, which then nobody needs to
   * read or destroy. Absent for answers that only stream.
   */
  arrived?(): Uint8Array | undefined
  /** Trailers in wire order; complete when the body has ended. */
  trailers(): RawHeaders
}

/** Ends an answer that nobody reads on. */
export function discard(answer: Answer): void {
  if (answer.arrived?.() === undefined) answer.body.destroy()
}

/** All values of one header, in wire order. `name` in lower case. */
export function headerValues(headers: RawHeaders, name: string): string[] {
  const values: string[] = []
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (isNamed(headers[i], name)) values.push(headers[i + 1] ?? '')
  }
  return values
}

/** The first value of one header, or undefined. `name` in lower case. */
export function headerValue(headers: RawHeaders, name: string): string | undefined {
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (isNamed(headers[i], name)) return headers[i + 1]
  }
  return undefined
}

/** Heads are walked often, and most names differ in length alone from the one that is looked for. */
function isNamed(header: string | undefined, name: string): boolean {
  return header?.length === name.length && header.toLowerCase() === name
}
