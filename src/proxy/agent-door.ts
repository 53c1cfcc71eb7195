/** The agent's own door: requests to the reserved host, answered for the caller's session and never forwarded. */
import type { Readable } from 'node:stream'
import type { Refusal } from '../errors.ts'
import { MAX_ADMIN_BODY_BYTES } from '../limits.ts'
import type { Session } from '../session/session.ts'
import type { RequestHead } from './headers.ts'
import type { Reply } from './reply.ts'

/** A fetch-style handler; its URLs begin with `http://purser.internal/`. */
export type AgentDoor = (session: Session, request: Request) => Promise<Response>

export interface AgentDoorVisit {
  readonly door: AgentDoor
  readonly session: Session
  readonly head: RequestHead
  /** Path and query. */
  readonly path: string
  /** The request's body, unread. */
  readonly source: Readable
  readonly reply: Reply
}

/** Answers through `reply`, or returns why not. */
export async function answerAtAgentDoor({ door, session, head, path, source, reply }: AgentDoorVisit): Promise<Refusal | undefined> {
  const { method } = reply
  const body = method === 'GET' || method === 'HEAD' ? undefined : await readBody(source, reply)
  if (body === 'too large') {
    return { code: 'request_invalid', detail: `The body is larger than ${MAX_ADMIN_BODY_BYTES} bytes.`, status: 413 }
  }
  const { signal } = reply
  const headers = pairs(head.forwarded)
  const request = new Request(`http://purser.internal${path}`, { method, headers, signal, ...(body && { body }) })
  const response = await door(session, request)
  const bytes = Buffer.from(await response.arrayBuffer())
  const own = [...response.headers].filter(([name]) => name !== 'content-length')
  reply.head(response.status, [...own.flat(), ...lengthOf(response.status, bytes)])
  reply.end(method === 'HEAD' || bytes.length === 0 ? undefined : bytes)
  return undefined
}

async function readBody(source: Readable, reply: Reply): Promise<Uint8Array | undefined | 'too large'> {
  reply.continue()
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of source.iterator({ destroyOnReturn: false })) {
    length += chunk.length
    if (length > MAX_ADMIN_BODY_BYTES) return 'too large'
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
