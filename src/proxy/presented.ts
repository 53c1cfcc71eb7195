/** What a request presents to prove which workload sent it: a token in its head, or the certificate of its connection. */
import { TLSSocket } from 'node:tls'
import { headerValues, type RawHeaders } from '../http.ts'
import { MAX_IDENTITY_TOKEN_CHARS } from '../people-limits.ts'
import type { Presented } from '../session/workload.ts'
import { type Fault, invalid } from './headers.ts'

/** The path of the agent's own door that needs no session, because it is where one is got. */
export const CREDENTIALS_PATH = '/v1/session/credentials'

/** `Proxy-Authorization: Bearer …` and `Purser-Identity` may both be there as long as they say the same. */
export function presentedIn(headers: RawHeaders, socket: unknown): Presented | Fault {
  const bearers = headerValues(headers, 'proxy-authorization').flatMap((value) => /^bearer +([^ ]+) *$/i.exec(value)?.[1] ?? [])
  const [token, ...others] = new Set([...bearers, ...headerValues(headers, 'purser-identity').map((value) => value.trim())])
  if (others.length > 0) return invalid('The request presents more than one identity.')
  if (token !== undefined && token.length > MAX_IDENTITY_TOKEN_CHARS) return invalid('The identity is too long.')
  const certificate = namesOf(socket)
  return { ...(token === undefined ? {} : { token }), ...(certificate.length === 0 ? {} : { certificate }) }
}

/** Only of a certificate that the listener's `clientCa` vouches for. */
function namesOf(socket: unknown): readonly string[] {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return []
  return alternativeNames(socket.getPeerCertificate().subjectaltname ?? '')
}

/** URIs first, then DNS names. Node quotes a name that could be read as several: nobody honest has one. */
export function alternativeNames(text: string): readonly string[] {
  if (text.includes('"')) return []
  const names = text.split(', ')
  const of = (kind: string) => names.filter((name) => name.startsWith(kind)).map((name) => name.slice(kind.length))
  return [...of('URI:'), ...of('DNS:')]
}
