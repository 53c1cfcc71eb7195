/** How a refusal reaches the agent: a problem document, and the same facts in headers. */
import type { MoneyState, Refusal } from '../errors.ts'
import type { RawHeaders } from '../http.ts'
import type { Mode } from '../session/exchange.ts'
import { PROBLEM_TYPE, problem } from '../session/problem.ts'
import { withHeaders } from './headers.ts'

const MONEY = { none: 'none', held: 'unknown', moved: 'moved', unknown: 'unknown' } as const satisfies Record<MoneyState, string>

export interface RefusalAnswer {
  readonly status: number
  readonly headers: RawHeaders
  readonly body: Uint8Array
}

export interface RefuseOptions {
  readonly mode: Mode
  /** Set on top, replacing any of the same name. */
  readonly headers?: RawHeaders | undefined
}

/** The refusal as it is answered through this door. */
export function refusalAnswer(said: Refusal, { mode, headers = [] }: RefuseOptions): RefusalAnswer {
  const refusal = atDoor(said, mode)
  const { status, body } = problem(refusal)
  const bytes = Buffer.from(JSON.stringify(body))
  const own = [
    ...['Content-Type', PROBLEM_TYPE, 'Content-Length', String(bytes.length), 'Cache-Control', 'no-store'],
    ...['Purser-Money', MONEY[refusal.moneyState ?? 'none']],
    ...named('Purser-Payment', refusal.paymentId),
    ...named('Purser-Tier', refusal.tier),
    ...named('Retry-After', refusal.retryAfter_s === undefined ? undefined : String(Math.max(0, Math.ceil(refusal.retryAfter_s)))),
    ...named('Proxy-Authenticate', status === 407 ? 'Basic realm="purser"' : undefined),
    ...named('WWW-Authenticate', status === 401 ? 'Bearer realm="purser"' : undefined),
  ]
  return { status, headers: withHeaders(own, headers), body: bytes }
}

/** On a reverse route there is no proxy to authenticate to. */
function atDoor(refusal: Refusal, mode: Mode): Refusal {
  const aboutCredentials = refusal.code === 'session_required' || refusal.code === 'session_invalid'
  return mode === 'reverse' && aboutCredentials && refusal.status === undefined ? { ...refusal, status: 401 } : refusal
}

/** Values that no header can carry, and empty ones, are left out; the document has them. */
function named(name: string, value: string | undefined): RawHeaders {
  return value !== undefined && /^[\x20-\x7e]+$/.test(value) ? [name, value] : []
}
