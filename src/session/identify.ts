/** Step 2: which session a request belongs to, from the credentials in its head. */
import { LRUCache } from 'lru-cache'
import type { Refusal } from '../errors.ts'
import { MAX_KNOWN_CHARS, MAX_KNOWN_SPELLINGS } from '../hot-path-limits.ts'
import { headerValues, type RawHeaders } from '../http.ts'
import { MAX_SESSION_TOKEN_CHARS } from '../limits.ts'
import type { SessionJwts } from './jwt.ts'
import type { Session } from './session.ts'
import { hashToken } from './token.ts'

export type Door = 'proxy' | 'reverse'

/** `until`: when the token ends, in milliseconds since 1970, where it has an end of its own. Nothing it opens may last longer. */
export type Identified =
  | { readonly kind: 'session'; readonly session: Session; readonly until?: number }
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly headers?: RawHeaders }

/** Finds the session of a request. Rejects only where the ledger does (PurserError `ledger_unavailable`). */
export type Identify = (headers: RawHeaders, door: Door) => Promise<Identified>

export interface IdentifyOptions {
  sessionByToken(tokenHash: string): Promise<Session | undefined>
  /** The session of every request without credentials, where `proxy.authenticate` is false. */
  readonly defaultSession?: () => Promise<Session>
  /** Tokens that are JWTs; without it there are none. */
  readonly jwt?: {
    readonly verify: SessionJwts['verify']
    readonly session: (id: string) => Promise<Session | undefined>
    readonly now: () => number
  }
}

interface Credentials {
  /** Undefined where the token came alone. */
  readonly id: string | undefined
  readonly token: string
}

/** No secret of ours is longer, Base64 and an id included; whatever is cannot be a token, and is not hashed. */
const MAX_CREDENTIAL_CHARS = MAX_SESSION_TOKEN_CHARS * 1.5
const TOKEN = /^[A-Za-z0-9_-]+$/
const JWT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

/**
 * Reads the session id and token from `Proxy-Authorization` (Basic `id:token`, Bearer `token` or `id.token`) or
 * `Purser-Session` (`token` or `id:token`); the token may be a JWT of ours. Whatever is wrong with credentials gets the same answer, so that nobody
 * learns which sessions exist. A revoked session forwards nothing; every other known one passes here.
 */
export function createIdentify({ sessionByToken, defaultSession, jwt }: IdentifyOptions): Identify {
  const hashOf = remembered(hashToken)
  const readers = { proxy: remembered(readAuthorization), own: remembered(readSessionHeader) }
  return async (headers, door) => {
    const given = credentialsIn(headers, readers)
    if (given === 'none') return defaultSession ? pass(await defaultSession()) : refuse('session_required', door)
    if (given === 'invalid') return refuse('session_invalid', door)
    if (!JWT.test(given.token)) return matched(await sessionByToken(hashOf(given.token)), given, door)
    const vouched = await jwt?.verify(given.token, jwt.now())
    if (vouched?.expired) return over(door)
    // The session is the ledger's: the token says only which one it is, and how long it may be presented.
    const found = matched(vouched && (await jwt?.session(vouched.sessionId)), given, door)
    return vouched && found.kind === 'session' ? { ...found, until: vouched.expiresAt } : found
  }
}

function matched(session: Session | undefined, { id }: Credentials, door: Door): Identified {
  return session && (id === undefined || id === session.id) ? pass(session) : refuse('session_invalid', door)
}

/** Only who has a genuine token learns this. */
function over(door: Door): Identified {
  const detail = 'The token was genuine and has expired; its session may live on. Ask for a new token.'
  return { kind: 'refused', refusal: { code: 'session_invalid', detail, status: door === 'proxy' ? 407 : 401 } }
}

function pass(session: Session): Identified {
  if (session.status !== 'revoked') return { kind: 'session', session }
  const detail = `Session ${session.id} was revoked.`
  return { kind: 'refused', refusal: { code: 'session_revoked', detail, sessionId: session.id } }
}

const DETAILS = {
  session_required: 'The request names no session.',
  session_invalid: 'The credentials are malformed, given twice, or belong to no session.',
} as const

function refuse(code: keyof typeof DETAILS, door: Door): Identified {
  return { kind: 'refused', refusal: { code, detail: DETAILS[code], status: door === 'proxy' ? 407 : 401 } }
}

/** What a text says is found out once for all requests that bring it. Whether it opens anything is asked each time. */
function remembered<Said>(read: (text: string) => Said): (text: string) => Said {
  const known = new LRUCache<string, NonNullable<Said>>({ max: MAX_KNOWN_SPELLINGS })
  return (text) => {
    const said = known.get(text)
    if (said !== undefined) return said
    const fresh = read(text)
    if (fresh !== undefined && fresh !== null && text.length <= MAX_KNOWN_CHARS) known.set(text, fresh)
    return fresh
  }
}

type Read = (value: string) => Credentials | undefined

/** Both headers may be there as long as they say the same. */
function credentialsIn(headers: RawHeaders, read: { readonly proxy: Read; readonly own: Read }): Credentials | 'none' | 'invalid' {
  const proxy = headerValues(headers, 'proxy-authorization').map(read.proxy)
  const own = headerValues(headers, 'purser-session').map(read.own)
  if (proxy.length + own.length === 0) return 'none'
  if (proxy.length > 1 || own.length > 1) return 'invalid'
  return [...proxy, ...own].reduce(agree) ?? 'invalid'
}

function agree(a: Credentials | undefined, b: Credentials | undefined): Credentials | undefined {
  if (!a || !b || a.token !== b.token) return undefined
  if (a.id !== undefined && b.id !== undefined && a.id !== b.id) return undefined
  return { token: a.token, id: a.id ?? b.id }
}

function readAuthorization(value: string): Credentials | undefined {
  if (value.length > MAX_CREDENTIAL_CHARS) return undefined
  const [, scheme = '', text = ''] = /^([A-Za-z]+) +([^ ]+) *$/.exec(value) ?? []
  switch (scheme.toLowerCase()) {
    case 'basic':
      return BASE64.test(text) ? pair(Buffer.from(text, 'base64').toString('latin1'), ':') : undefined
    case 'bearer':
      return pair(text, '.') ?? alone(text)
    default:
      return undefined
  }
}

function readSessionHeader(value: string): Credentials | undefined {
  if (value.length > MAX_CREDENTIAL_CHARS) return undefined
  const text = value.trim()
  return pair(text, ':') ?? alone(text)
}

function alone(token: string): Credentials | undefined {
  return isToken(token) ? { id: undefined, token } : undefined
}

/** After a dot as separator a JWT has two dots more, and none of its parts is an id. */
function pair(text: string, separator: ':' | '.'): Credentials | undefined {
  const at = text.indexOf(separator)
  if (at < 0 || (separator === '.' && JWT.test(text))) return undefined
  const [id, token] = [text.slice(0, at), text.slice(at + 1)]
  return TOKEN.test(id) && isToken(token) ? { id, token } : undefined
}

function isToken(text: string): boolean {
  return TOKEN.test(text) || JWT.test(text)
}
