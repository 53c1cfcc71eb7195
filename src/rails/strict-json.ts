/**
 * JSON from a stranger, read one way only: no duplicate keys, no `__proto__`, bounded depth and size. Every object and
 * array keeps its own source text, so that a part can be echoed to the letter instead of being written anew.
 */
import { MAX_JSON_DEPTH, MAX_JSON_NODES } from '../limits.ts'

export type StrictJson =
  | { readonly kind: 'read'; readonly value: unknown; readonly sourceOf: (part: unknown) => string | undefined }
  /** Why it was refused, in our own words: nothing of the text is in it. */
  | { readonly kind: 'refused'; readonly reason: string }

interface Reader {
  readonly text: string
  at: number
  nodes: number
  readonly sources: WeakMap<object, string>
}

class Refused extends Error {
  override readonly name = 'Refused'
}

const BLANK = /[ \t\n\r]*/y
const STRING = /"(?:[^"\\]|\\.)*"/sy
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const WORD = /true|false|null/y

/** Reads a whole text. `sourceOf` gives the exact text of an object or array of the value. Never throws. */
export function readStrictJson(text: string): StrictJson {
  const reader: Reader = { text, at: 0, nodes: 0, sources: new WeakMap() }
  try {
    const value = readValue(reader, 0)
    skipBlank(reader)
    if (reader.at !== text.length) throw new Refused('there is something after its end')
    return { kind: 'read', value, sourceOf: (part) => (typeof part === 'object' && part !== null ? reader.sources.get(part) : undefined) }
  } catch (fault) {
    if (fault instanceof Refused) return { kind: 'refused', reason: fault.message }
    throw fault
  }
}

function readValue(reader: Reader, depth: number): unknown {
  skipBlank(reader)
  if (depth > MAX_JSON_DEPTH) throw new Refused(`it is nested deeper than ${MAX_JSON_DEPTH}`)
  if (++reader.nodes > MAX_JSON_NODES) throw new Refused(`it has more than ${MAX_JSON_NODES} values`)
  const first = reader.text[reader.at]
  if (first === '{') return readObject(reader, depth)
  if (first === '[') return readArray(reader, depth)
  return readPlain(reader, first === '"' ? STRING : first === 't' || first === 'f' || first === 'n' ? WORD : NUMBER)
}

function readObject(reader: Reader, depth: number): Record<string, unknown> {
  const start = reader.at
  const object: Record<string, unknown> = {}
  const keys = new Set<string>()
  readList(reader, '}', () => {
    const key = readKey(reader)
    if (keys.has(key)) throw new Refused('an object names a key twice')
    if (key === '__proto__') throw new Refused('an object names the key __proto__')
    keys.add(key)
    object[key] = readValue(reader, depth + 1)
  })
  reader.sources.set(object, reader.text.slice(start, reader.at))
  return object
}

function readArray(reader: Reader, depth: number): unknown[] {
  const start = reader.at
  const array: unknown[] = []
  readList(reader, ']', () => array.push(readValue(reader, depth + 1)))
  reader.sources.set(array, reader.text.slice(start, reader.at))
  return array
}

function readList(reader: Reader, end: '}' | ']', readItem: () => void): void {
  reader.at++
  if (take(reader, end)) return
  do readItem()
  while (take(reader, ','))
  if (!take(reader, end)) throw new Refused('it is not JSON')
}

function readKey(reader: Reader): string {
  skipBlank(reader)
  const key = readPlain(reader, STRING)
  if (typeof key !== 'string' || !take(reader, ':')) throw new Refused('it is not JSON')
  return key
}

function readPlain(reader: Reader, pattern: RegExp): unknown {
  pattern.lastIndex = reader.at
  const source = pattern.exec(reader.text)?.[0]
  if (source === undefined) throw new Refused('it is not JSON')
  reader.at += source.length
  try {
    return JSON.parse(source)
  } catch (cause) {
    throw new Refused('it is not JSON', { cause })
  }
}

function take(reader: Reader, sign: string): boolean {
  skipBlank(reader)
  if (reader.text[reader.at] !== sign) return false
  reader.at++
  return true
}

function skipBlank(reader: Reader): void {
  BLANK.lastIndex = reader.at
  reader.at += BLANK.exec(reader.text)?.[0].length ?? 0
}
