/** What the agent says about its own request in `Purser-*` headers: read once, bounded, never forwarded. */
import type { RawHeaders } from '../http.ts'
import { MAX_HINT_CHARS, MAX_NAME_CHARS } from '../limits.ts'
import { AmountError, parseAmount } from '../money.ts'
import { MAX_ON_BEHALF_OF } from '../people-limits.ts'
import type { AgentHints } from '../session/exchange.ts'
import { type Fault, invalid } from './headers.ts'

const NONE: AgentHints = { payNever: false }
const TEXTS = { 'purser-task': 'task', 'purser-tool': 'tool', 'purser-user': 'user', 'purser-justification': 'justification' } as const
/** Control characters would break a line of the log or of a terminal. */
const PRINTABLE = /^[\x20-\x7e\x80-\xff]*$/

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$/

type Draft = { -readonly [Key in keyof AgentHints]: AgentHints[Key] }

function isText(name: string): name is keyof typeof TEXTS {
  return Object.hasOwn(TEXTS, name)
}

/** The trace id of a W3C `traceparent`; of one that is none, nothing is known, and nobody is refused for it. */
export function readTrace(traceparent: string | undefined): Pick<AgentHints, 'trace'> {
  const [, trace] = TRACEPARENT.exec(traceparent?.trim() ?? '') ?? []
  return trace === undefined || /^0+$/.test(trace) ? {} : { trace }
}

/** `headers`: the request's `Purser-*` headers, names in lower case. Unknown ones are ignored, repeated ones refused. */
export function readHints(headers: RawHeaders): { readonly kind: 'hints'; readonly hints: AgentHints } | Fault {
  if (headers.length === 0) return { kind: 'hints', hints: NONE }
  const hints: Draft = { payNever: false }
  const seen = new Set<string>()
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? ''
    if (seen.has(name)) return invalid(`${name} was sent more than once.`)
    seen.add(name)
    const fault = take(hints, name, (headers[i + 1] ?? '').trim())
    if (fault) return fault
  }
  return { kind: 'hints', hints }
}

function take(hints: Draft, name: string, value: string): Fault | undefined {
  if (name === 'purser-pay') {
    if (value !== 'never') return invalid('Purser-Pay knows one value: never.')
    hints.payNever = true
  } else if (name === 'purser-max-amount') {
    return takeCeiling(hints, value)
  } else if (name === 'purser-on-behalf-of') {
    return takeChain(hints, value)
  } else if (isText(name)) {
    if (value.length > MAX_HINT_CHARS) return invalid(`${name} is longer than ${MAX_HINT_CHARS} characters.`)
    if (!PRINTABLE.test(value)) return invalid(`${name} contains control characters.`)
    if (value !== '') hints[TEXTS[name]] = asText(value)
  }
  return undefined
}

function takeChain(hints: Draft, value: string): Fault | undefined {
  if (!PRINTABLE.test(value)) return invalid('purser-on-behalf-of contains control characters.')
  const chain = asText(value)
    .split(',')
    .map((link) => link.trim())
    .filter((link) => link !== '')
  if (chain.length > MAX_ON_BEHALF_OF) return invalid(`purser-on-behalf-of names more than ${MAX_ON_BEHALF_OF}.`)
  if (chain.some((link) => link.length > MAX_NAME_CHARS))
    return invalid(`A name in purser-on-behalf-of is longer than ${MAX_NAME_CHARS} characters.`)
  if (chain.length > 0) hints.onBehalfOf = chain
  return undefined
}

/** Header bytes arrive as Latin-1; people write UTF-8. */
function asText(value: string): string {
  const bytes = Buffer.from(value, 'latin1')
  const text = bytes.toString('utf8')
  return text.includes('\ufffd') ? value : text
}

function takeCeiling(hints: Draft, value: string): Fault | undefined {
  try {
    hints.maxAmount = parseAmount(value)
    return undefined
  } catch (error) {
    if (error instanceof AmountError) return invalid('Purser-Max-Amount is not an amount; write it like 0.05.')
    throw error
  }
}
