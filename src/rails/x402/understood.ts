/**
 * Challenges that were understood. Servers send the same one again and again: the same bytes are read once, and all who
 * are asked for it share the reading. Nothing of a session is in it, and nobody can change it: it is frozen, so that an
 * offer which is one of its own says what the server's text said when it was vetted.
 */
import { LRUCache } from 'lru-cache'
import type { Challenge, Detected } from '../rail.ts'

/** What is remembered in all: some thousand challenges of a usual size, with what they were read to be, in about 20 MB. */
const MAX_REMEMBERED_CHARS = 4 * 1_048_576
/** Longer ones are rare, and would drive many others out. */
const MAX_CHALLENGE_CHARS = 32_768

/** Reads the values of the challenge's header, and the decoded body, undefined where it was too large. */
export type Read = (values: readonly string[], body: Uint8Array | undefined) => Detected | undefined

export interface Understood {
  readonly detect: Read
  /** Whether this very object was read here: then nothing of it is anybody's invention. */
  holds(challenge: Challenge): boolean
  /** `part`, frozen: as much of a challenge that was read here as holds for others too. It stands for the same offers, or is not held. */
  derived(challenge: Challenge, part: Challenge): Challenge
}

export function createUnderstood(read: Read): Understood {
  const remembered = new LRUCache<string, { readonly detected: Detected | undefined }>({
    ...{ maxSize: MAX_REMEMBERED_CHARS, maxEntrySize: MAX_CHALLENGE_CHARS },
    sizeCalculation: (_, text) => text.length + 1,
  })
  const own = new WeakSet<Challenge>()

  function readAndFreeze(values: readonly string[], body: Uint8Array | undefined): Detected | undefined {
    const detected = read(values, body)
    if (detected?.kind !== 'challenge') return detected
    const { challenge } = detected
    for (const part of [challenge.offers, challenge.rejected, ...challenge.offers, ...challenge.rejected, challenge]) Object.freeze(part)
    own.add(challenge)
    return Object.freeze(detected)
  }

  return {
    detect(values, body) {
      if (values.length > 1 || (body?.byteLength ?? 0) > MAX_CHALLENGE_CHARS) return readAndFreeze(values, body)
      const text = textOf(values[0], body)
      const known = remembered.get(text)
      if (known) return known.detected
      const detected = readAndFreeze(values, body)
      remembered.set(text, { detected })
      return detected
    },
    holds: (challenge) => own.has(challenge),
    derived(challenge, part) {
      if (own.has(challenge) && part.offers === challenge.offers) own.add(Object.freeze(part))
      return part
    },
  }
}

/** The bytes to the letter. No header value holds a line feed, so that none can pass for a header and a body. */
function textOf(value: string | undefined, body: Uint8Array | undefined): string {
  const header = value === undefined ? '' : `header ${value}`
  return body === undefined ? header : `${header}\nbody ${Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1')}`
}
