/**
 * The admin API as the console asks it: with the cookie of the sign-in, and with a header on every call that no page of
 * another site can send. Shapes are the API's own types; server and page are of one release, so answers are not checked again.
 */
import { type Query, queryText } from './address.ts'

/** The admin door refuses changes by cookie without it: the proof of the sign-in, which its answer brought in the same header. */
export const CONSOLE_HEADER = 'Purser-Console'
/** On what the page reads by itself while nobody touches it: that does not keep anybody signed in. */
export const IDLE_HEADER = 'Purser-Idle'

/** What the API answered instead (RFC 9457), or that it did not answer. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem'
  /** 0: no answer came. */
  readonly status: number
  readonly code: string
  readonly detail: string
  readonly nextAction: string

  constructor(told: Pick<ApiProblem, 'status' | 'code' | 'detail' | 'nextAction'>, options?: ErrorOptions) {
    super(told.detail, options)
    this.status = told.status
    this.code = told.code
    this.detail = told.detail
    this.nextAction = told.nextAction
  }
}

export interface ApiDeps {
  readonly fetch: typeof globalThis.fetch
  /** The address of the admin door; empty for the page's own. */
  readonly base?: string
  /** Where the page keeps the proof of its sign-in. */
  readonly proof: { get(): string | null; set(text: string): void }
  /** The cookie is gone or holds no more. */
  readonly onSignedOut: () => void
  /** Whether nobody has touched the page of late. */
  readonly isIdle?: () => boolean
}

export interface PostOptions {
  /** `Idempotency-Key`: the same key does the same thing once. */
  readonly key?: string
}

export interface Api {
  /** @throws ApiProblem */
  get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T>
  /** @throws ApiProblem */
  post<T>(path: string, body?: unknown, options?: PostOptions): Promise<T>
  /** The answer as it comes, of whatever status. @throws ApiProblem where none comes */
  ask(path: string, init?: RequestInit): Promise<Response>
}

export function createApi({ fetch, base = '', proof, onSignedOut, isIdle = () => false }: ApiDeps): Api {
  const ask = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const given = init.headers as Record<string, string> | undefined
    const headers = { ...given, [CONSOLE_HEADER]: proof.get() ?? '1', ...(isIdle() && { [IDLE_HEADER]: '1' }) }
    try {
      const answer = await fetch(`${base}${path}`, { credentials: 'same-origin', redirect: 'error', ...init, headers })
      const brought = answer.headers.get(CONSOLE_HEADER)
      if (brought !== null) proof.set(brought)
      return answer
    } catch (cause) {
      if (init.signal?.aborted) throw cause
      throw silent(cause)
    }
  }
  const answered = async <T>(response: Response): Promise<T> => {
    if (response.ok) return (response.status === 204 ? undefined : await response.json()) as T
    const problem = await problemOf(response)
    if (response.status === 401) onSignedOut()
    throw problem
  }
  return {
    ask,
    get: async <T>(path: string, query: Query = {}, signal?: AbortSignal) => {
      const text = queryText(query)
      return answered<T>(await ask(text === '' ? path : `${path}?${text}`, signal ? { signal } : {}))
    },
    post: async <T>(path: string, body: unknown = {}, { key }: PostOptions = {}) => {
      const headers = { 'content-type': 'application/json', ...(key !== undefined && { 'idempotency-key': key }) }
      return answered<T>(await ask(path, { method: 'POST', headers, body: JSON.stringify(body) }))
    },
  }
}

function silent(cause: unknown): ApiProblem {
  const detail = 'Purser does not answer.'
  return new ApiProblem({ status: 0, code: 'no_answer', detail, nextAction: 'Look whether it runs; this page tries again.' }, { cause })
}

async function problemOf(response: Response): Promise<ApiProblem> {
  const told: unknown = await response.json().catch(() => undefined)
  const text = (name: string, instead: string) => {
    const value = typeof told === 'object' && told !== null ? (told as Record<string, unknown>)[name] : undefined
    return typeof value === 'string' ? value : instead
  }
  return new ApiProblem({
    status: response.status,
    code: text('code', 'unexpected'),
    detail: text('detail', `Purser answered with status ${response.status}.`),
    nextAction: text('nextAction', ''),
  })
}
