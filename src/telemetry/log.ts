/**
 * The log: one JSON object on each line. Values from outside are bounded and lose their control characters; members
 * whose names speak of secrets, and text that has the form of one, are replaced before a line leaves.
 */
import { type DestinationStream, destination as fileDestination, type Logger, pino } from 'pino'
import { LOG_BATCH_BYTES, LOG_BATCH_MS, MAX_KNOWN_CHARS, MAX_KNOWN_MEMBERS } from '../hot-path-limits.ts'
import { MAX_LOG_DEPTH, MAX_LOG_MEMBERS, MAX_LOG_VALUE_CHARS } from '../limits.ts'

const REDACTED = '[redacted]'
const STDERR = 2

/** Names of members that hold credentials, keys or live authorizations. */
const SECRET_NAME =
  /authorization|token|secret|password|passphrase|cookie|signature|mnemonic|credential|payment-?signature|x-?payment$|private-?key|^key$|(wallet|api|admin)-?key$|^headers$/i
/** Session, admin and link tokens, bearer and basic credentials, JWTs, PEM keys, signatures, and everything as long as one. */
const SECRET_FORM =
  /\bp[as]t_[\w-]{8,}|\bplt_[\w-]{8,}(?:\.[\w-]+)?|\b(?:Bearer|Basic)\s+[\w.~+/=-]{8,}|\beyJ[\w-]{8,}[\w.=+/-]*|-----BEGIN [A-Z ]*PRIVATE KEY-----[^"]*|\b0x[0-9a-fA-F]{128,}|:\/\/[^\s/"@:]*:[^\s/"@]+@/g
/** Most texts, told apart at once from those that have to be looked at. */
const PLAIN = /^[\x20-\x7e]*$/
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what has to go
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g

export interface LogOptions {
  /** trace, debug, info, warn, error, fatal or silent. */
  readonly level: string
  /** Where lines go; stderr unless told otherwise. */
  readonly destination?: DestinationStream
  /** The number of the worker that writes, where there are several. */
  readonly worker?: number | undefined
}

/** Standard error, written beside what the process does. */
export function logToStderr(): DestinationStream {
  return batched(STDERR)
}

export function createLog({ level, destination, worker }: LogOptions): Logger {
  const options = {
    level,
    base: worker === undefined ? null : { worker },
    timestamp: createTimestamp(),
    formatters: { level: (label: string) => ({ level: label }), log: scrubMembers },
    // Faults are described by scrubMembers already; the library's own serializer would copy all of their members.
    serializers: { err: (fault: unknown) => fault },
    hooks: { streamWrite: (line: string) => line.replace(SECRET_FORM, REDACTED) },
  }
  return pino(options, destination ?? logToStderr())
}

/** The time of a line, of which most is the same for a second. */
function createTimestamp(): () => string {
  let second = Number.NaN
  let start = ''
  return () => {
    const now = Date.now()
    const ms = now % 1000
    if (now - ms !== second) {
      second = now - ms
      start = `,"time":"${new Date(second).toISOString().slice(0, -4)}`
    }
    return `${start}${String(ms).padStart(3, '0')}Z"`
  }
}

type Flush = (done?: () => void) => void

/**
 * Lines that leave together, because each write costs more than its line: whole lines only, after `LOG_BATCH_MS` at the
 * latest, at once by `flush`, and when the process ends. A process that is killed takes the last ones with it.
 */
export function batched(fd: number): DestinationStream & { readonly flush: Flush } {
  const file = fileDestination({ dest: fd, sync: false, maxWrite: LOG_BATCH_BYTES })
  const { flushSync } = file
  let lines = ''
  let due: NodeJS.Timeout | undefined
  const take = (): string => {
    clearTimeout(due)
    due = undefined
    const taken = lines
    lines = ''
    return taken
  }
  const flush: Flush = (done) => {
    const taken = take()
    if (taken === '') return done?.()
    if (done) file.once('drain', done)
    file.write(taken)
  }
  // The library calls it when the process ends, and nothing that is begun then comes to its end.
  file.flushSync = () => {
    flushSync.call(file)
    const taken = take()
    if (taken !== '') fileDestination({ dest: fd, sync: true }).write(taken)
  }
  return {
    write(line) {
      if (lines.length + line.length > LOG_BATCH_BYTES) flush()
      lines += line
      due ??= setTimeout(flush, LOG_BATCH_MS).unref()
    },
    flush,
  }
}

/** Text from outside as it may stand in a line: bounded, printable, in one direction. */
export function cleanText(text: string): string {
  const bounded = text.length > MAX_LOG_VALUE_CHARS ? `${text.slice(0, MAX_LOG_VALUE_CHARS)}…` : text
  return PLAIN.test(bounded) ? bounded : bounded.replace(CONTROL, '\ufffd')
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
  const scrubbed: Record<string, unknown> = {}
  let members = 0
  for (const [name, value] of Object.entries(object)) {
    if (members++ === MAX_LOG_MEMBERS) break
    const { shown, isSecret } = memberOf(name)
    scrubbed[shown] = isSecret ? REDACTED : scrub(value, depth)
  }
  return scrubbed
}

interface Member {
  readonly shown: string
  readonly isSecret: boolean
}

/** The same names come with every line. */
const known = new Map<string, Member>()

function memberOf(name: string): Member {
  const member = known.get(name)
  if (member) return member
  // Assigned, this one would be no member.
  const fresh = { shown: name === '__proto__' ? '[proto]' : cleanText(name), isSecret: SECRET_NAME.test(name) }
  if (known.size < MAX_KNOWN_MEMBERS && name.length <= MAX_KNOWN_CHARS) known.set(name, fresh)
  return fresh
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
