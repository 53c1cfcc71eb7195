/** JSON-RPC over HTTP: one question, one checked answer. Bounded in time and size; no message holds more of the URL than its host. */
import { z } from 'zod'
import type { Fetch } from '../http.ts'
import { MAX_RPC_ANSWER_BYTES, RPC_TIMEOUT_MS } from '../limits.ts'

/** The server could not be asked, refused, or gave an answer that is none. Nothing may be concluded from it. */
export class RpcError extends Error {
  override readonly name = 'RpcError'
}

/** The answer was longer than the bound; a narrower question may be answered. */
export class RpcAnswerTooLong extends RpcError {}

export interface Rpc {
  /** Host and port, for messages. */
  readonly host: string
  /** @throws RpcError where there is no answer in time, an error, or one that is not of this shape. */
  call<T>(method: string, params: readonly unknown[], schema: z.ZodType<T>): Promise<T>
}

export interface RpcOptions {
  readonly url: string
  readonly timeout_ms?: number
  /** The way out, where it is not the usual one. */
  readonly fetch?: Fetch
}

const answerSchema = z.object({
  result: z.unknown().optional(),
  error: z.looseObject({ message: z.string() }).nullish(),
})

const MAX_WORDS_CHARS = 200

/** @throws Error where the URL is none. */
export function createRpc({ url, timeout_ms = RPC_TIMEOUT_MS, fetch: ask = fetch }: RpcOptions): Rpc {
  const { place, headers, host } = readUrl(url)
  const post = async (body: string): Promise<string> => {
    const signal = AbortSignal.timeout(timeout_ms)
    const response = await ask(place, { method: 'POST', headers, body, signal, redirect: 'error' })
    const text = await readBounded(response)
    if (!response.ok && !text.startsWith('{')) throw new RpcError(`${host} answered ${response.status}.`)
    return text
  }
  return {
    host,
    async call(method, params, schema) {
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
      const text = await post(body).catch((cause: unknown) => {
        throw cause instanceof RpcError ? cause : new RpcError(`${host} gave no answer to ${method}.`, { cause })
      })
      return readAnswer(text, { host, method, schema })
    },
  }
}

/** Credentials of a URL go into a header, where no message quotes them. */
function readUrl(url: string): { place: string; headers: Record<string, string>; host: string } {
  if (!URL.canParse(url)) throw new Error('an RPC URL of a network is not a URL')
  const place = new URL(url)
  const { username, password, host } = place
  place.username = ''
  place.password = ''
  const secret = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')
  const headers = { 'content-type': 'application/json', ...(username && { authorization: `Basic ${secret}` }) }
  return { place: place.href, headers, host }
}

async function readBounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    if (bytes > MAX_RPC_ANSWER_BYTES) throw new RpcAnswerTooLong(`An RPC answer was longer than ${MAX_RPC_ANSWER_BYTES} bytes.`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

interface Expected<T> {
  readonly host: string
  readonly method: string
  readonly schema: z.ZodType<T>
}

function readAnswer<T>(text: string, { host, method, schema }: Expected<T>): T {
  const answer = answerSchema.safeParse(parseJson(text))
  if (!answer.success) throw new RpcError(`${host} answered ${method} with something that is no JSON-RPC.`)
  if (answer.data.error) throw new RpcError(`${host} refused ${method}: ${wordsOf(answer.data.error.message)}`)
  const result = schema.safeParse(answer.data.result)
  if (!result.success) throw new RpcError(`${host} answered ${method} with a value of another shape.`, { cause: result.error })
  return result.data
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The server's own words, for people: short and printable. */
function wordsOf(message: string): string {
  return message.replace(/[^\x20-\x7e]+/g, ' ').slice(0, MAX_WORDS_CHARS)
}
