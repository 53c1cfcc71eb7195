/**
 * MCP: tools by which an agent asks about its own budget. They stand on the agent's own door and carry the session's
 * credentials, so that a tool can do what the agent could do by itself, and nothing more.
 *
 * own door: asks `http://purser.internal/` through the proxy.
 */
import { type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { z } from 'zod'
import { ADMIN_CALL_TIMEOUT_MS, MAX_ADMIN_ANSWER_BYTES } from '../limits.ts'

/** Why a tool cannot answer, in words for the model: what happened, then what to do. Never a credential. */
export class DoorError extends Error {
  override readonly name = 'DoorError'
  /** Of the catalogue in `errors.ts`, where Purser itself said no. */
  readonly code: string | undefined
  readonly nextAction: string | undefined

  constructor(message: string, more: { readonly code?: string; readonly nextAction?: string; readonly cause?: unknown } = {}) {
    super(message, { cause: more.cause })
    this.code = more.code
    this.nextAction = more.nextAction
  }
}

export interface OwnDoor {
  /** @throws DoorError */
  get<T>(path: string, schema: z.ZodType<T>): Promise<T>
  /** @throws DoorError */
  post<T>(path: string, body: unknown, schema: z.ZodType<T>): Promise<T>
}

interface Proxy {
  readonly url: URL
  /** The value of `Proxy-Authorization`. */
  readonly credentials: string
}

/**
 * @param proxyUrl With the session's credentials, as `exec` puts it into PURSER_PROXY.
 * @throws DoorError where it is no such URL
 */
export function createOwnDoor(proxyUrl: string): OwnDoor {
  const proxy = readProxy(proxyUrl)
  return {
    get: async (path, schema) => read(schema, await ask(proxy, { method: 'GET', path })),
    post: async (path, body, schema) => read(schema, await ask(proxy, { method: 'POST', path, body: JSON.stringify(body) })),
  }
}

function readProxy(text: string): Proxy {
  const url = URL.parse(text)
  const pair = url && /^https?:$/.test(url.protocol) && url.password !== '' ? pairOf(url) : undefined
  if (!url || pair === undefined) {
    throw new DoorError('PURSER_PROXY is not the URL of a proxy with the credentials of a session.', {
      nextAction: 'Start this server by `purser exec`, or put the proxyUrl into it that opening a session answered.',
    })
  }
  return { url, credentials: `Basic ${Buffer.from(pair).toString('base64')}` }
}

/** Undefined where the escapes are none. */
function pairOf({ username, password }: URL): string | undefined {
  try {
    return `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  } catch {
    return undefined
  }
}

interface Call {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body?: string
}

interface Answered {
  readonly status: number
  readonly body: unknown
}

function ask({ url, credentials }: Proxy, { method, path, body }: Call): Promise<Answered> {
  const request = url.protocol === 'https:' ? requestHttps : requestHttp
  const type = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
  const headers = { host: 'purser.internal', accept: 'application/json', 'proxy-authorization': credentials, ...type }
  const options = {
    ...{ host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port, method, headers, agent: false },
    path: `http://purser.internal${path}`,
    signal: AbortSignal.timeout(ADMIN_CALL_TIMEOUT_MS),
  }
  return new Promise((resolve, reject) => {
    const outgoing = request(options, (answer) =>
      bodyOf(answer).then(({ body }) => resolve({ status: answer.statusCode ?? 0, body }), reject),
    )
    outgoing.on('error', (cause) => reject(unreachable(cause)))
    outgoing.end(body)
  })
}

function unreachable(cause: unknown): DoorError {
  if (cause instanceof DoorError) return cause
  return new DoorError('Purser cannot be reached.', { nextAction: 'Try again later, or tell whoever runs the proxy.', cause })
}

async function bodyOf(answer: IncomingMessage): Promise<{ readonly body: unknown }> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of answer) {
      const piece = Buffer.from(chunk)
      bytes += piece.length
      if (bytes > MAX_ADMIN_ANSWER_BYTES) throw new DoorError('The answer is too large.', { nextAction: 'Ask for fewer at once.' })
      chunks.push(piece)
    }
  } catch (cause) {
    throw unreachable(cause)
  }
  return { body: parseJson(Buffer.concat(chunks).toString('utf8')) }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const Problem = z.looseObject({ detail: z.string(), code: z.string(), nextAction: z.string() })

function read<T>(schema: z.ZodType<T>, { status, body }: Answered): T {
  if (status >= 200 && status < 300) {
    const parsed = schema.safeParse(body)
    if (parsed.success) return parsed.data
    throw new DoorError('Purser answered something unexpected.', {
      nextAction: 'Tell whoever runs the proxy that this tool and the proxy may be of different versions.',
      cause: parsed.error,
    })
  }
  const problem = Problem.safeParse(body)
  if (!problem.success) {
    throw new DoorError(`What answers at the proxy’s address is not Purser (status ${status}).`, {
      nextAction: 'Tell whoever runs the proxy.',
    })
  }
  const { detail, code, nextAction } = problem.data
  throw new DoorError(detail, { code, nextAction })
}
