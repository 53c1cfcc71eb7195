/**
 * Calls of tools: the one MCP request that may have to be paid for (`tools/call`, a JSON-RPC request over streamable HTTP).
 * What names this attempt alone, its id, the token of its progress and its trace, is no part of what is bought.
 */
import { createHash } from 'node:crypto'
import { headerValue, headerValues, type RawHeaders } from '../http.ts'
import { MAX_HINT_CHARS } from '../limits.ts'
import { type Edit, edited, inserted, membersOf, type Span } from './json-spans.ts'
import type { MetaMember } from './tool-dialect.ts'

export interface ToolCall {
  /** As the agent wrote it, JSON. */
  readonly id: string
  /** What its response carries. */
  readonly idValue: string | number
  /** The tool's name, where it may stand in a record. */
  readonly tool: string | undefined
  /** Names of the members of `_meta`. */
  readonly metaKeys: ReadonlySet<string>
  /** SHA-256 (hex) over what is bought. */
  readonly digest: string
  /** The agent's own bytes. */
  readonly bytes: Uint8Array
  /** The call once more under another id, with a member of `_meta`; everything else to the letter. */
  again(id: string, member?: MetaMember): Buffer
}

export type ReadCall =
  | { readonly kind: 'call'; readonly call: ToolCall }
  /** Some other message, or several. */
  | { readonly kind: 'other' }
  /** It could be read as a call in more than one way. */
  | { readonly kind: 'fault'; readonly detail: string }

const TRACES = ['progressToken', 'traceparent', 'tracestate', 'baggage']
const FAULTS = {
  twice: 'The call of a tool names a member twice.',
  meta: 'The call of a tool has a _meta that is no object.',
  utf8: 'The call of a tool is not valid UTF-8.',
}

/** Whether a body with this head may be a call: only then is it read before it goes on. A look at the head alone. */
export function mayBeCall(method: string, headers: RawHeaders, bound_bytes: number): boolean {
  if (method !== 'POST' || !speaksMcp(headers) || headerValue(headers, 'content-encoding') !== undefined) return false
  if (!isJson(headers)) return false
  const length = Number(headerValue(headers, 'content-length') ?? 0)
  return length > 0 && length <= bound_bytes
}

/** By content type, whatever its parameters. */
export function isJson(headers: RawHeaders): boolean {
  return mediaType(headers) === 'application/json'
}

export function mediaType(headers: RawHeaders): string {
  return (headerValue(headers, 'content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
}

function speaksMcp(headers: RawHeaders): boolean {
  if (headerValues(headers, 'accept').some((value) => value.toLowerCase().includes('text/event-stream'))) return true
  return headers.some((name, at) => at % 2 === 0 && name.length > 4 && name.slice(0, 4).toLowerCase() === 'mcp-')
}

/** Reads a whole body. */
export function readToolCall(bytes: Uint8Array): ReadCall {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
  const message = parsed(text)
  if (typeof message !== 'object' || message === null || Array.isArray(message)) return { kind: 'other' }
  const members = membersOf(text)
  if (!members) return fault(FAULTS.twice)
  const { id, method, params } = message as Readonly<Record<string, unknown>>
  if (method !== 'tools/call' || (typeof id !== 'string' && typeof id !== 'number')) return { kind: 'other' }
  if (typeof params !== 'object' || params === null || Array.isArray(params)) return { kind: 'other' }
  if (!Buffer.from(text).equals(bytes)) return fault(FAULTS.utf8)
  const { name, _meta } = params as Readonly<Record<string, unknown>>
  if (_meta !== undefined && (typeof _meta !== 'object' || _meta === null || Array.isArray(_meta))) return fault(FAULTS.meta)
  const spans = spansOf(text, members)
  return spans ? { kind: 'call', call: callOf({ bytes, text, spans, idValue: id, tool: toolNamed(name) }) } : fault(FAULTS.twice)
}

interface Spans {
  readonly id: Span
  readonly params: { readonly span: Span; readonly members: ReadonlyMap<string, Span> }
  readonly meta: { readonly span: Span; readonly members: ReadonlyMap<string, Span> } | undefined
}

function spansOf(text: string, members: ReadonlyMap<string, Span>): Spans | undefined {
  const [id, span] = [members.get('id'), members.get('params')]
  const inParams = span && membersOf(text, span.start)
  if (!id || !inParams) return undefined
  const params = { span, members: inParams }
  const metaSpan = inParams.get('_meta')
  if (!metaSpan) return { id, params, meta: undefined }
  const inMeta = membersOf(text, metaSpan.start)
  return inMeta && { id, params, meta: { span: metaSpan, members: inMeta } }
}

interface CallFacts {
  readonly bytes: Uint8Array
  readonly text: string
  readonly spans: Spans
  readonly idValue: string | number
  readonly tool: string | undefined
}

function callOf({ bytes, text, spans, idValue, tool }: CallFacts): ToolCall {
  const { id, meta } = spans
  const own = [id, ...TRACES.flatMap((name) => meta?.members.get(name) ?? [])]
  const bought = edited(
    text,
    own.map((span) => ({ ...span, text: 'null' })),
  )
  return {
    ...{ bytes, idValue, tool, id: text.slice(id.start, id.end), metaKeys: new Set(meta?.members.keys()) },
    digest: createHash('sha256').update(bought).digest('hex'),
    again(fresh, member) {
      const edits: Edit[] = [{ ...id, text: JSON.stringify(fresh) }]
      if (member) edits.push(metaEdit(spans, `${JSON.stringify(member.key)}:${member.text}`))
      return Buffer.from(edited(text, edits))
    },
  }
}

function metaEdit({ params, meta }: Spans, member: string): Edit {
  return meta ? inserted(meta.span.start, meta.members, member) : inserted(params.span.start, params.members, `"_meta":{${member}}`)
}

/** A name that fits into a record, as those that agents give of themselves. */
function toolNamed(name: unknown): string | undefined {
  return typeof name === 'string' && name !== '' && name.length <= MAX_HINT_CHARS && !/\p{Cc}/u.test(name) ? name : undefined
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function fault(detail: string): ReadCall {
  return { kind: 'fault', detail }
}
