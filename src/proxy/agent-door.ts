/** The agent's own door: requests to the reserved host, answered for the caller's session and never forwarded. */
import type { Readable } from 'node:stream'
import type { Refusal } from '../errors.ts'
import { MAX_ADMIN_BODY_BYTES, MAX_AGENT_BODY_BYTES } from '../limits.ts'
import type { Session } from '../session/session.ts'
import type { Presented } from '../session/workload.ts'
import type { RequestHead } from './headers.ts'
import type { Reply } from './reply.ts'

/** A fetch-style handler; its URLs begin with `http://purser.internal/`. `until`: as `Identified` says. */
export type AgentDoor = (session: Session, request: Request, until?: number) => Promise<Response>

export interface AgentDoorVisit {
  readonly door: AgentDoor
  readonly session: Session
  readonly until?: number
  readonly head: RequestHead
  /** Path and query. */
  readonly path: string
  /** The request's body, unread. */
  readonly source: Readable
  readonly reply: Reply
}

/** Answers through `reply`, or returns why not. */
export function answerAtAgentDoor({ door, session, until, ...visit }: AgentDoorVisit): Promise<Refusal | undefined> {
  return answered((request) => door(session, request, until), { ...visit, most_bytes: MAX_ADMIN_BODY_BYTES })
}

/** For whoever has no session yet. */
export type IdentityDoor = (presented: Presented, request: Request) => Promise<Response>

export interface IdentityDoorVisit extends Omit<AgentDoorVisit, 'door' | 'session' | 'until'> {
  readonly door: IdentityDoor
  readonly presented: Presented
}

/** The same where a session is got; of strangers less is read. */
export function answerAtIdentityDoor({ door, presented, ...visit }: IdentityDoorVisit): Promise<Refusal | undefined> {
  return answered((request) => door(presented, request), { ...visit, most_bytes: MAX_AGENT_BODY_BYTES })
}

type Asked = Omit<AgentDoorVisit, 'door' | 'session' | 'until'> & { readonly most_bytes: number }

async function answered(
  answer: (request: Request) => Promise<Response>,
  { head, path, source, reply, most_bytes }: Asked,
): Promise<Refusal | undefined> {
  const { method } = reply
  const body = method === 'GET' || method === 'HEAD' ? undefined : await readBody(source, reply, most_bytes)
  if (body === 'too large') {
    return { code: 'request_invalid', detail: `The body is larger than ${most_bytes} bytes.`, status: 413 }
  }
  const { signal } = reply
  const headers = pairs(head.forwarded)
  const request = new Request(`http://purser.internal${path}`, { method, headers, signal, ...(body && { body }) })
  const response = await answer(request)
  const bytes = Buffer.from(await response.arrayBuffer())
  const own = [...response.headers].filter(([name]) => name !== 'content-length')
  reply.head(response.status, [...own.flat(), ...lengthOf(response.status, bytes)])
  reply.end(method === 'HEAD' || bytes.length === 0 ? undefined : bytes)
  return undefined
}

async function readBody(source: Readable, reply: Reply, most_bytes: number): Promise<Uint8Array | undefined | 'too large'> {
  reply.continue()
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of source.iterator({ destroyOnReturn: false })) {
    length += chunk.length
    if (length > most_bytes) return 'too large'
    chunks.push(chunk)
  }
  return length === 0 ? undefined : Buffer.concat(chunks)
}

function pairs(headers: readonly string[]): [string, string][] {
  const list: [string, string][] = []
  for (let i = 0; i + 1 < headers.length; i += 2) list.push([headers[i] ?? '', headers[i + 1] ?? ''])
  return list
}

function lengthOf(status: number, bytes: Uint8Array): string[] {
  return status === 204 || status === 304 ? [] : ['Content-Length', String(bytes.length)]
}
