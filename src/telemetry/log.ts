/**
 * The log: one JSON object on each line. Values from outside are bounded and lose their control characters; members
 * whose names speak of secrets, and text that has the form of one, are replaced before a line leaves.
 */
import { type DestinationStream, destination as fileDestination, type Logger, pino, stdTimeFunctions } from 'pino'
import { MAX_LOG_DEPTH, MAX_LOG_MEMBERS, MAX_LOG_VALUE_CHARS } from '../limits.ts'

const REDACTED = '[redacted]'
const STDERR = 2

/** Names of members that hold credentials, keys or live authorizations. */
const SECRET_NAME =
  /authorization|token|secret|password|passphrase|cookie|signature|mnemonic|credential|payment-?signature|x-?payment$|private-?key|^key$|(wallet|api|admin)-?key$|^headers$/i
/** Session, admin and link tokens, bearer and basic credentials, JWTs, PEM keys, signatures, and everything as long as one. */
const SECRET_FORM =
  /\bp[as]t_[\w-]{8,}|\bplt_[\w-]{8,}(?:\.[\w-]+)?|\b(?:Bearer|Basic)\s+[\w.~+/=-]{8,}|\beyJ[\w-]{8,}[\w.=+/-]*|-----BEGIN [A-Z ]*PRIVATE KEY-----[^"]*|\b0x[0-9a-fA-F]{128,}|:\/\/[^\s/"@:]*:[^\s/"@]+@/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what has to go
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g

export interface LogOptions {
  /** trace, debug, info, warn, error, fatal or silent. */
  readonly level: string
  /** Where lines go; stderr unless told otherwise. */
  readonly destination?: DestinationStream
}

export function createLog({ level, destination }: LogOptions): Logger {
  const options = {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }), log: scrubMembers },
    // Faults are described by scrubMembers already; the library's own serializer would copy all of their members.
    serializers: { err: (fault: unknown) => fault },
    hooks: { streamWrite: (line: string) => line.replace(SECRET_FORM, REDACTED) },
  }
  return pino(options, destination ?? fileDestination({ dest: STDERR, sync: false }))
}

/** Text from outside as it may stand in a line: bounded, printable, in one direction. */
export function cleanText(text: string): string {
  const bounded = text.length > MAX_LOG_VALUE_CHARS ? `${text.slice(0, MAX_LOG_VALUE_CHARS)}…` : text
  return bounded.replace(CONTROL, '\ufffd')
}

/** As `cleanText`, and without what has the form of a secret: for what leaves otherwise than as a line. */
export function scrubText(text: string): string {
  return cleanText(text).replace(SECRET_FORM, REDACTED)
}

/** The members of a line without secrets, bounded in number, depth and length. */
export function scrubMembers(members: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return scrubObject(members, 0)
}

function scrubObject(object: object, depth: number): Record<string, unknown> {
  const scrubbed = Object.entries(object)
    .slice(0, MAX_LOG_MEMBERS)
    .map(([name, value]) => [cleanText(name), SECRET_NAME.test(name) ? REDACTED : scrub(value, depth)])
  return Object.fromEntries(scrubbed)
}

function scrub(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return cleanText(value)
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null) return value
  if (depth >= MAX_LOG_DEPTH) return '[deeper]'
  if (value instanceof Error) return describeFault(value, depth)
  if (Array.isArray(value)) return value.slice(0, MAX_LOG_MEMBERS).map((item) => scrub(item, depth + 1))
  return scrubObject(value, depth + 1)
}

/** Name, message, stack and causes of a fault; no other member, for libraries hang whole requests on theirs. */
function describeFault({ name, message, stack, cause }: Error, depth: number): Record<string, unknown> {
  return {
    name,
    message: cleanText(message),
    stack: stack
      ?.split('\n')
      .slice(1, 12)
      .map((line) => cleanText(line.trim())),
    ...(cause === undefined ? {} : { cause: scrub(cause, depth + 1) }),
  }
}
