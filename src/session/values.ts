/** Schemas of the single values that sessions, policy and configuration share: each is parsed once, here. */

import { z } from 'zod'
import { MAX_CAP, MAX_LIMIT_ENTRIES, MAX_NAME_CHARS, MAX_TTL_MS } from '../limits.ts'
import { AmountError, formatAmount, parseAmount } from '../money.ts'
import { isSolanaAddress } from '../solana-address.ts'
import { DurationError, parseDuration } from './duration.ts'
import { canonicalHostPattern } from './host-pattern.ts'
import { resolveNetwork } from './networks.ts'

/** A number of more digits than this may have lost some before it got here. */
const EXACT_DIGITS = 15
/** Line breaks, controls and characters that turn the direction of what follows: they deceive whoever reads it. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/u
const TOO_MANY = `at most ${MAX_LIMIT_ENTRIES} entries`

/** The message for a value of the wrong kind, which says so where there is none at all. */
export const wanted = (message: string) => (issue: { readonly input: unknown }) =>
  issue.input === undefined ? `is missing: ${message}` : message

type Report = { addIssue(message: string): void }

/** Amounts as "0.05", 10 or 2.50, read into millionths. Zero is zero. */
export const amount = z
  .union([z.string(), z.number()], { error: wanted('write an amount like 10, "0.05" or 2.50') })
  .transform((value, context) => {
    const read = attempt(() => parseAmount(value), AmountError)
    if (typeof read === 'string') return refuse(context, read)
    if (typeof value === 'number' && String(value).replace('.', '').length > EXACT_DIGITS)
      return refuse(context, 'put so long a number in quotes')
    return read <= MAX_CAP ? read : refuse(context, `an amount is at most ${formatAmount(MAX_CAP)}`)
  })
  .meta({ description: 'A decimal amount with at most 6 decimals.' })

/** Durations like 250ms, 30s, 10m, 1h or 7d, read into milliseconds; at most `MAX_TTL_MS`. */
export const duration = z
  .string({ error: (issue) => durationHint(issue.input) })
  .transform((value, context) => {
    const read = attempt(() => parseDuration(value), DurationError)
    if (typeof read === 'string') return refuse(context, read)
    return read <= MAX_TTL_MS ? read : refuse(context, `a duration is at most ${MAX_TTL_MS / 86_400_000}d`)
  })
  .meta({ description: 'A whole number with a unit: 250ms, 30s, 10m, 1h, 7d.' })

function durationHint(input: unknown): string {
  const read = typeof input === 'number' ? attempt(() => parseDuration(input), DurationError) : undefined
  return typeof read === 'string' ? read : wanted('write a duration like 30s, 10m, 1h or 7d')({ input })
}

/** A duration that something lasts or is counted over. */
export const positiveDuration = duration.refine((value_ms) => value_ms > 0, { error: 'must be longer than nothing' })

/** Text for people and names: printable, without blanks around it. */
export function text(maxChars: number) {
  return z
    .string({ error: wanted('write a text') })
    .trim()
    .min(1, { error: 'must not be empty' })
    .max(maxChars, { error: `at most ${maxChars} characters` })
    .refine((value) => !UNPRINTABLE.test(value), { error: 'no line breaks or control characters' })
}

export const name = text(MAX_NAME_CHARS)

/** The name of a category: a word, as in `api_calls`. */
export const category = name
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]*$/, { error: 'letters, digits, "_", "-" and "." only, such as api_calls' })
  .refine((word) => !(word in {}), { error: 'this word is reserved' })

/** Host patterns in their one spelling: `*`, `*.example.com`, `api.example.com`, `api.example.com:8443`, `[::1]`. */
export const hostPattern = z
  .string({ error: wanted('write a host like api.example.com, *.example.com or *') })
  .transform(
    (value, context) =>
      canonicalHostPattern(value) ??
      refuse(context, 'not a host pattern: write api.example.com, *.example.com or *, without scheme or path'),
  )
  .meta({ description: 'A host, *.example.com or *, with a port where only that port is meant.' })

/** A method in upper case. */
export const method = z
  .string({ error: wanted('write a method like GET') })
  .regex(/^[A-Za-z][A-Za-z-]{0,31}$/, { error: 'write a method like GET' })
  .toUpperCase()

/** A path with `*` for any run of characters; without query. */
export const pathGlob = z
  .string({ error: wanted('write a path like /v1/search*') })
  .regex(/^[/*][^?#]*$/, { error: 'begins with a slash and has no query' })

/** A network as CAIP-2, from an alias or a CAIP-2 name. */
export const network = z
  .string({ error: wanted('write a network like eip155:84532 or base-sepolia') })
  .transform(
    (value, context) =>
      resolveNetwork(value) ??
      refuse(context, 'unknown network: write a CAIP-2 name such as eip155:84532 or an alias such as base-sepolia'),
  )
  .meta({ description: 'A CAIP-2 name or an alias such as base-sepolia.' })

const NO_ADDRESS = 'not an address: write 0x and 40 hex digits, in quotes, or a Solana address'

/** A recipient's or token's address; bare in YAML it would be read as a number. */
export const address = z
  .string({ error: wanted('write the address in quotes, 0x and 40 hex digits') })
  .regex(/^(0x[0-9a-fA-F]{40}|[1-9A-HJ-NP-Za-km-z]{32,44})$/, { error: NO_ADDRESS })
  .refine((value) => value.startsWith('0x') || isSolanaAddress(value), { error: NO_ADDRESS })

/** An address on an EVM network alone. */
export const evmAddress = z
  .string({ error: wanted('write the address in quotes, 0x and 40 hex digits') })
  .regex(/^0x[0-9a-fA-F]{40}$/, { error: 'not an address: write 0x and 40 hex digits, in quotes' })
  .transform((value): `0x${string}` => `0x${value.slice(2)}`)

/** A list whose emptiness means what it says. */
export function listOf<Item extends z.ZodType>(item: Item) {
  return z.array(item, { error: 'write a list' }).max(MAX_LIMIT_ENTRIES, { error: TOO_MANY })
}

/** A map of names. Keys that would touch an object's prototype, and two spellings of one key, are refused. */
export function mapOf<Key extends z.ZodType<string, string>, Value extends z.ZodType>(key: Key, value: Value) {
  return z.preprocess(
    (input, context) => {
      if (typeof input === 'object' && input !== null) checkKeys(input, key, context)
      return input
    },
    z.record(key, value, { error: 'write a map of names to values' }),
  )
}

function checkKeys(map: object, key: z.ZodType<string, string>, context: Report): void {
  const keys = Object.keys(map)
  if (keys.length > MAX_LIMIT_ENTRIES) context.addIssue(TOO_MANY)
  if (keys.includes('__proto__')) context.addIssue('__proto__ is no name')
  const seen = new Set<string>()
  for (const spelling of keys) {
    const one = key.safeParse(spelling).data ?? spelling
    if (seen.has(one)) context.addIssue(`${one} is given twice`)
    seen.add(one)
  }
}

/**
 * An object with these keys and no others. A key that is known but not yet built is refused with its own sentence.
 * @param later keys of later versions, each with what to do meanwhile
 */
export function section<Shape extends z.ZodRawShape>(shape: Shape, later: Readonly<Record<string, string>> = {}) {
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== 'unrecognized_keys') return `write a map with ${Object.keys(shape).join(', ')}`
      const known = issue.keys.flatMap((key) => (Object.hasOwn(later, key) ? [later[key]] : []))
      return known[0] ?? `there is no such setting here; known are ${Object.keys(shape).join(', ')}`
    },
  })
}

function refuse(context: Report, message: string): never {
  context.addIssue(message)
  return z.NEVER
}

/** The value, or the message of the expected fault. */
function attempt<Value>(read: () => Value, expected: new (...args: never[]) => Error): Value | string {
  try {
    return read()
  } catch (fault) {
    if (fault instanceof expected) return fault.message
    throw fault
  }
}
