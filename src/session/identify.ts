/** Step 2: which session a request belongs to, from the credentials in its head. */
import type { Refusal } from '../errors.ts'
import { headerValues, type RawHeaders } from '../http.ts'
import type { Session } from './session.ts'
import { hashToken } from './token.ts'

export type Door = 'proxy' | 'reverse'

export type Identified =
  | { readonly kind: 'session'; readonly session: Session }
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly headers?: RawHeaders }

/** Finds the session of a request. Rejects only where the ledger does (PurserError `ledger_unavailable`). */
export type Identify = (headers: RawHeaders, door: Door) => Promise<Identified>

export interface IdentifyOptions {
  sessionByToken(tokenHash: string): Promise<Session | undefined>
  /** The session of every request without credentials, where `proxy.authenticate` is false. */
  readonly defaultSession?: () => Promise<Session>
}

interface Credentials {
  /** Undefined where the token came alone. */
  readonly id: string | undefined
  readonly token: string
}

/** No secret of ours is longer; whatever is cannot be a token, and is not hashed. */
const MAX_CREDENTIAL_CHARS = 512
const TOKEN = /^[A-Za-z0-9_-]+$/
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

/**
 * Reads the session id and token from `Proxy-Authorization` (Basic `id:token`, Bearer `token` or `id.token`) or
 * `Purser-Session` (`token` or `id:token`). Whatever is wrong with credentials gets the same answer, so that nobody
 * learns which sessions exist. A revoked session forwards nothing; every other known one passes here.
 */
export function createIdentify({ sessionByToken, defaultSession }: IdentifyOptions): Identify {
  return async (headers, door) => {
    const given = credentialsIn(headers)
    if (given === 'none') return defaultSession ? pass(await defaultSession()) : refuse('session_required', door)
    if (given === 'invalid') return refuse('session_invalid', door)
    const session = await sessionByToken(hashToken(given.token))
    if (!session || (given.id !== undefined && given.id !== session.id)) return refuse('session_invalid', door)
    return pass(session)
  }
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

/** Both headers may be there as long as they say the same. */
function credentialsIn(headers: RawHeaders): Credentials | 'none' | 'invalid' {
  const proxy = headerValues(headers, 'proxy-authorization').map(readAuthorization)
  const own = headerValues(headers, 'purser-session').map(readSessionHeader)
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
  return TOKEN.test(token) ? { id: undefined, token } : undefined
}

function pair(text: string, separator: string): Credentials | undefined {
  const [id = '', token = '', ...more] = text.split(separator)
  return more.length === 0 && TOKEN.test(id) && TOKEN.test(token) ? { id, token } : undefined
}
