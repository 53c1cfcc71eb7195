/**
 * The envelope of a challenge: which version, which entries, what is to be echoed. Tolerant of what it does not need,
 * strict in how it is written: one way to read it, or it is broken. All reasons are our own words.
 */
import { z } from 'zod'
import { MAX_402_BODY_BYTES, MAX_402_HEADER_BYTES, MAX_OFFERS } from '../../limits.ts'
import { readStrictJson } from '../strict-json.ts'

export interface Entry {
  readonly value: unknown
  /** The entry's exact text; empty where it is no object. */
  readonly raw: string
}

export interface Envelope {
  readonly version: 1 | 2
  readonly entries: readonly Entry[]
  /** JSON text of an object with the server's `resource` and `extensions`, to the letter. */
  readonly echo: string
}

/** none: it claims no x402 challenge. broken: it claims one and cannot be relied on. */
export type ReadEnvelope =
  | { readonly kind: 'none' }
  | { readonly kind: 'broken'; readonly reason: string }
  | { readonly kind: 'envelope'; readonly envelope: Envelope }

const NONE: ReadEnvelope = { kind: 'none' }
const envelope = z.object({
  x402Version: z.literal([1, 2]),
  accepts: z.array(z.unknown()),
  resource: z.unknown().optional(),
  extensions: z.unknown().optional(),
})

/** Reads the values of `PAYMENT-REQUIRED`: base64 of UTF-8 JSON, in the one canonical spelling. */
export function readHeader(values: readonly string[]): ReadEnvelope {
  const [value] = values
  if (value === undefined) return NONE
  if (values.length > 1) return broken('The answer carries PAYMENT-REQUIRED more than once.')
  if (value.length > base64Length(MAX_402_HEADER_BYTES)) return broken(`PAYMENT-REQUIRED holds more than ${MAX_402_HEADER_BYTES} bytes.`)
  const bytes = Buffer.from(value, 'base64')
  if (value === '' || bytes.toString('base64') !== value) return broken('PAYMENT-REQUIRED is not canonical base64.')
  return readText(bytes, 'PAYMENT-REQUIRED')
}

/** Reads a decoded body. A body that is no JSON object with `x402Version` and `accepts` belongs to somebody else. */
export function readBody(body: Uint8Array | undefined): ReadEnvelope {
  if (body === undefined || body.byteLength > MAX_402_BODY_BYTES || !claimsChallenge(body)) return NONE
  return readText(body, 'The body')
}

function readText(bytes: Uint8Array, where: string): ReadEnvelope {
  const text = decodeUtf8(bytes)
  if (text === undefined) return broken(`${where} is not valid UTF-8.`)
  const json = readStrictJson(text)
  if (json.kind === 'refused') return broken(`${where} cannot be read as a challenge: ${json.reason}.`)
  const parsed = envelope.safeParse(json.value)
  if (!parsed.success) return broken(`${where} is not a challenge of x402 version 1 or 2 with a list of offers.`)
  const { x402Version: version, accepts, resource, extensions } = parsed.data
  if (accepts.length > MAX_OFFERS) return broken(`${where} lists more than ${MAX_OFFERS} offers.`)
  const entries = accepts.map((value) => ({ value, raw: json.sourceOf(value) ?? '' }))
  return { kind: 'envelope', envelope: { version, entries, echo: echoOf({ resource, extensions }, json.sourceOf) } }
}

/** As a careless client would read it: whatever such a client could take for a challenge is treated as one. */
function claimsChallenge(body: Uint8Array): boolean {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body))
    return typeof value === 'object' && value !== null && 'x402Version' in value && 'accepts' in value
  } catch {
    return false
  }
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

function echoOf(parts: Readonly<Record<string, unknown>>, sourceOf: (part: unknown) => string | undefined): string {
  const members = Object.entries(parts).flatMap(([name, part]) => {
    const source = Array.isArray(part) ? undefined : sourceOf(part)
    return source === undefined ? [] : [`${JSON.stringify(name)}:${source}`]
  })
  return `{${members.join(',')}}`
}

function base64Length(bytes: number): number {
  return Math.floor((bytes + 2) / 3) * 4
}

function broken(reason: string): ReadEnvelope {
  return { kind: 'broken', reason }
}
