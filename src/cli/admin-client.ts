/** Asks the running Purser's admin API. Every answer is checked by a schema; every refusal becomes a short message. */
import { type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { z } from 'zod'
import { ADMIN_CALL_TIMEOUT_MS, MAX_ADMIN_ANSWER_BYTES } from '../limits.ts'
import { CliFailure } from './failure.ts'

/** Nothing listens at the admin address. */
export class AdminUnreachable extends CliFailure {
  constructor(url: string, cause: unknown) {
    super(`No Purser answers at ${url}.`, {
      advice: 'Start one with `purser serve`, or name another one: PURSER_ADMIN_URL=http://host:port with PURSER_ADMIN_TOKEN.',
      cause,
    })
  }
}

export interface AdminClient {
  readonly url: string
  /** @throws CliFailure with what the API refused; AdminUnreachable where nothing listens. */
  get<T>(path: string, schema: z.ZodType<T>): Promise<T>
  /** A key makes a repeated creation or top-up answer the first result instead of doing it twice. */
  post<T>(path: string, body: unknown, schema: z.ZodType<T>, idempotencyKey?: string): Promise<T>
  /** Whether payments can be made, and if not, why: as probes see it. */
  readiness(): Promise<z.infer<typeof Readiness>>
  /** The body as it arrives, for exports. */
  stream(path: string): Promise<IncomingMessage>
}

interface Call {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
  /** A status that is an answer too, beside those of success. */
  readonly also?: number
}

export interface AdminAddress {
  readonly url: string
  readonly token: string
  readonly signal?: AbortSignal
}

const Readiness = z.looseObject({ ready: z.boolean(), reasons: z.array(z.string()) })
const Problem = z.looseObject({ detail: z.string(), code: z.string().optional(), nextAction: z.string().optional() })

/** @param address Where the admin API listens, and a bearer token for it. */
export function createAdminClient(address: AdminAddress): AdminClient {
  const ask = (call: Call) => send(address, call)
  return {
    url: address.url,
    get: async (path, schema) => read(schema, await ask({ method: 'GET', path })),
    post: async (path, body, schema, idempotencyKey) => {
      const headers = idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }
      return read(schema, await ask({ method: 'POST', path, body: JSON.stringify(body), headers }))
    },
    readiness: async () => read(Readiness, await ask({ method: 'GET', path: '/readyz', also: 503 })),
    stream: (path) => ask({ method: 'GET', path }),
  }
}

/**
 * An agent of its own for each call: the process-wide one may follow HTTP_PROXY, and the admin API must never be asked
 * through a proxy.
 */
function send(address: AdminAddress, call: Call): Promise<IncomingMessage> {
  const target = new URL(call.path, address.url)
  const request = target.protocol === 'https:' ? requestHttps : requestHttp
  return new Promise((resolve, reject) => {
    const outgoing = request(target, {
      agent: false,
      method: call.method,
      timeout: ADMIN_CALL_TIMEOUT_MS,
      headers: headersOf(address, call),
      ...(address.signal ? { signal: address.signal } : {}),
    })
    outgoing.on('timeout', () => outgoing.destroy(new CliFailure(`Purser at ${address.url} took too long to answer.`)))
    outgoing.on('error', (error) => reject(connectionFailure(address.url, error)))
    outgoing.on('response', (answer) => {
      if (answer.statusCode !== undefined && (answer.statusCode < 300 || answer.statusCode === call.also)) resolve(answer)
      else refusalOf(address.url, answer).then(reject, reject)
    })
    outgoing.end(call.body)
  })
}

function headersOf({ token }: AdminAddress, { body, headers }: Call): Record<string, string> {
  const type = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }
  return { accept: 'application/json', authorization: `Bearer ${token}`, ...type, ...headers }
}

const ABSENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL'])

function connectionFailure(url: string, error: NodeJS.ErrnoException): Error {
  if (error instanceof CliFailure || error.name === 'AbortError') return error
  if (error.code !== undefined && ABSENT.has(error.code)) return new AdminUnreachable(url, error)
  return new CliFailure(`The connection to Purser at ${url} failed: ${error.message}.`, { cause: error })
}

async function refusalOf(url: string, answer: IncomingMessage): Promise<CliFailure> {
  const body = parseJson(await bodyOf(answer))
  const parsed = Problem.safeParse(body)
  if (!parsed.success) {
    return new CliFailure(`What answers at ${url} with status ${answer.statusCode} is not Purser’s admin API.`, {
      advice: 'Check admin.listen in the configuration, or PURSER_ADMIN_URL.',
    })
  }
  const { detail, nextAction } = parsed.data
  return new CliFailure(detail, { problem: body, ...(nextAction === undefined ? {} : { advice: nextAction }) })
}

async function read<T>(schema: z.ZodType<T>, answer: IncomingMessage): Promise<T> {
  const parsed = schema.safeParse(parseJson(await bodyOf(answer)))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new CliFailure(`The admin API answered something unexpected at ${issue?.path.join('.') || 'its top'}: ${issue?.message ?? ''}`, {
    advice: 'The command and the running Purser may be of different versions.',
  })
}

async function bodyOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of answer) {
    const piece = Buffer.from(chunk)
    bytes += piece.length
    if (bytes > MAX_ADMIN_ANSWER_BYTES) throw new CliFailure('The admin API’s answer is too large to be shown; ask for a smaller --limit.')
    chunks.push(piece)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
