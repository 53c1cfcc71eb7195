/** Heads in both directions: which headers are whose business, and which requests are not one request beyond doubt. */
import type { Code } from '../errors.ts'
import type { RawHeaders } from '../http.ts'
import { MAX_HEADER_COUNT } from '../limits.ts'

export interface Fault {
  readonly kind: 'fault'
  readonly code: Code
  readonly detail: string
}

/** An agent's head, read once. */
export interface RequestHead {
  readonly kind: 'head'
  /** As they go upstream, without `Host`: hop-by-hop, proxy and `Purser-*` headers removed. */
  readonly forwarded: RawHeaders
  readonly host: string | undefined
  /** The `Purser-*` headers, consumed here. */
  readonly hints: RawHeaders
  /** True where a body follows; for HTTP/2 the stream knows better. */
  readonly framed: boolean
  readonly expectsContinue: boolean
}

/** For one connection only (RFC 9110, 7.6.1), or for the proxy alone. */
const HOP_BY_HOP = new Set([
  'connection',
  'expect',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** What `Connection` cannot take away: losing one of these would change what the message means. */
const END_TO_END = new Set([
  'accept',
  'authorization',
  'cache-control',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'cookie',
  'host',
  'idempotency-key',
  'location',
  'range',
  'set-cookie',
])
const PAYMENT = /^(x-)?payment/
/** Anywhere in the value: some servers look for it behind other credentials. */
const PAYMENT_SCHEME = /(?:^|,)[ \t]*payment(?:[ \t]|$)/i
const OWN_PREFIX = 'purser-'

interface Draft {
  readonly forwarded: string[]
  readonly hints: string[]
  readonly named: string[]
  readonly cookies: string[]
  host: string | undefined
  encodings: number
  lengths: number
  length: string
  expect: string | undefined
}

export interface RequestHeadOptions {
  /** `1.1`, `2.0`, … */
  readonly httpVersion: string
  /** In lower case: the agent must not send these. With a second word, only values of that scheme. */
  readonly paymentHeaders: ReadonlySet<string>
}

/** Reads an agent's head. Whatever could be read as two requests, or as another one by the upstream, is a fault. */
export function readRequestHead(raw: RawHeaders, options: RequestHeadOptions): RequestHead | Fault {
  if (raw.length > MAX_HEADER_COUNT * 2) return invalid(`The request has more than ${MAX_HEADER_COUNT} headers.`)
  const draft: Draft = {
    forwarded: [],
    hints: [],
    named: [],
    cookies: [],
    host: undefined,
    encodings: 0,
    lengths: 0,
    length: '',
    expect: undefined,
  }
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? ''
    const lower = name.toLowerCase()
    const fault = sort(draft, { name, lower, value: raw[i + 1] ?? '' }, options)
    if (fault) return fault
  }
  return framingFault(draft, options.httpVersion) ?? finished(draft)
}

interface Field {
  readonly name: string
  readonly lower: string
  readonly value: string
}

function sort(draft: Draft, field: Field, { httpVersion, paymentHeaders }: RequestHeadOptions): Fault | undefined {
  const { name, lower, value } = field
  if (lower.startsWith(':')) return undefined
  if (paymentHeaders.has(lower)) return { kind: 'fault', code: 'payment_header_forbidden', detail: `The request carried ${lower}.` }
  if (lower === 'authorization' && paymentHeaders.has('authorization payment') && PAYMENT_SCHEME.test(value))
    return { kind: 'fault', code: 'payment_header_forbidden', detail: 'The request carried authorization with a payment.' }
  if (lower === 'host') return takeHost(draft, value)
  if (lower === 'cookie' && httpVersion.startsWith('2')) {
    draft.cookies.push(value)
  } else if (HOP_BY_HOP.has(lower)) {
    takeHop(draft, field)
  } else if (lower.startsWith(OWN_PREFIX)) {
    draft.hints.push(lower, value)
  } else {
    if (lower === 'content-length') {
      draft.lengths++
      draft.length = value
    }
    draft.forwarded.push(name, value)
  }
  return undefined
}

function takeHost(draft: Draft, value: string): Fault | undefined {
  if (draft.host !== undefined) return invalid('The request has more than one Host header.')
  draft.host = value
  return undefined
}

function takeHop(draft: Draft, { lower, value }: Field): void {
  if (lower === 'connection') draft.named.push(...namesIn(value))
  else if (lower === 'transfer-encoding') draft.encodings += value.trim().toLowerCase() === 'chunked' ? 1 : 2
  else if (lower === 'expect') draft.expect = value.trim().toLowerCase()
  else if (lower === 'te' && tokens(value).some((token) => token.split(';')[0] === 'trailers')) draft.forwarded.push('te', 'trailers')
}

/** Node's strict parser refuses most of these itself; the rest must not depend on how an upstream reads them. */
function framingFault({ encodings, lengths, length }: Draft, httpVersion: string): Fault | undefined {
  if (encodings > 0 && lengths > 0) return invalid('The request has both Transfer-Encoding and Content-Length.')
  if (encodings > 1) return invalid('The only transfer coding that is read is chunked, once.')
  if (encodings > 0 && httpVersion !== '1.1') return invalid(`HTTP/${httpVersion} has no Transfer-Encoding.`)
  if (lengths > 1) return invalid('The request has more than one Content-Length.')
  if (lengths === 1 && !/^[0-9]{1,15}$/.test(length)) return invalid('Content-Length is not a number.')
  return undefined
}

function finished(draft: Draft): RequestHead {
  const { forwarded, cookies, hints, host, named, encodings, length, expect } = draft
  if (cookies.length > 0) forwarded.push('cookie', cookies.join('; '))
  return {
    kind: 'head',
    forwarded: withoutNamed(forwarded, named),
    host,
    hints,
    framed: encodings > 0 || (length !== '' && Number(length) > 0),
    expectsContinue: expect === '100-continue',
  }
}

/** An upstream's headers as the agent may see them. `Purser-*` is ours to say. */
export function readAnswerHeaders(raw: RawHeaders): string[] {
  const kept: string[] = []
  const named: string[] = []
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? ''
    const lower = name.toLowerCase()
    if (lower === 'connection') named.push(...namesIn(raw[i + 1] ?? ''))
    if (lower === 'trailer' || !(HOP_BY_HOP.has(lower) || lower.startsWith(OWN_PREFIX))) kept.push(name, raw[i + 1] ?? '')
  }
  return withoutNamed(kept, named)
}

/** `headers` with those of `set` in the place of any of the same name. */
export function withHeaders(headers: RawHeaders, set: RawHeaders): string[] {
  const names = new Set<string>()
  for (let i = 0; i < set.length; i += 2) names.add((set[i] ?? '').toLowerCase())
  return [...without(headers, names), ...set]
}

/** Removes what `Connection` named, as far as it may. */
function withoutNamed(headers: string[], named: readonly string[]): string[] {
  if (named.length === 0) return headers
  const removable = named.filter((name) => !END_TO_END.has(name) && !PAYMENT.test(name))
  return removable.length === 0 ? headers : without(headers, new Set(removable))
}

function without(headers: RawHeaders, names: ReadonlySet<string>): string[] {
  const kept: string[] = []
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? ''
    if (!names.has(name.toLowerCase())) kept.push(name, headers[i + 1] ?? '')
  }
  return kept
}

/** The headers that a `Connection` names. */
function namesIn(value: string): string[] {
  return value === 'keep-alive' || value === 'close' ? [] : tokens(value).filter((name) => name !== 'close' && name !== 'keep-alive')
}

function tokens(value: string): string[] {
  return value
    .toLowerCase()
    .split(',')
    .map((token) => token.trim())
    .filter((token) => token !== '')
}

/** 400 `request_invalid`, with the reason. */
export function invalid(detail: string): Fault {
  return { kind: 'fault', code: 'request_invalid', detail }
}
