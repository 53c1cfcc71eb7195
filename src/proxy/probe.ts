/** Asking what something would cost, or a recipient for money back: one request of our own, whose answer goes to no agent. */
import type { Refusal } from '../errors.ts'
import { discard, type RawHeaders } from '../http.ts'
import type { PaidRequest, UnpaidAnswer } from '../session/exchange.ts'
import { outOfScope } from '../session/scope.ts'
import type { Session } from '../session/session.ts'
import { AGENT_DOOR_HOST } from './admit.ts'
import type { Origin } from './door.ts'
import { ask } from './incoming-answer.ts'
import type { Lane } from './lane.ts'
import { readUrl, type Target } from './target.ts'
import { readUnpaid } from './unpaid-answer.ts'

export interface ProbeRequest {
  readonly url: string
  readonly method: string
  /** Headers of ours beside the usual ones: [name, value, …]. They leave over verified TLS or to an opened network only. */
  readonly set?: RawHeaders
}

export type Probed =
  /** The canonical URL that was asked, how it was reached, and the answer with its bounded, decoded body. */
  | { readonly kind: 'answer'; readonly url: string; readonly transport: PaidRequest['transport']; readonly answer: UnpaidAnswer }
  | { readonly kind: 'failed'; readonly refusal: Refusal }

/** `signal` fires when nobody waits for the answer any more. */
export type Probe = (session: Session, request: ProbeRequest, signal?: AbortSignal) => Promise<Probed>

export interface ProbeDeps {
  lane(origin: Origin): Lane
  /** Applies `upgradeToHttps`. */
  upgraded(target: Target): Target
}

interface Asking {
  readonly target: Target
  readonly method: string
  readonly set: RawHeaders
  readonly signal: AbortSignal | undefined
}

const METHODS = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'QUERY'])

export function createProbe({ lane, upgraded }: ProbeDeps): Probe {
  return async (session, { url, method, set = [] }, signal) => {
    if (!METHODS.has(method)) return failed({ code: 'request_invalid', detail: 'This method cannot be probed.' })
    const read = readUrl(url)
    if (read.kind === 'fault') return failed({ code: read.code, detail: read.detail })
    const target = upgraded(read)
    const bar = barTo(session, { target, method })
    if (bar) return failed(bar)
    const way = lane(target.origin)
    const done = [way.use(), way.pin()]
    try {
      return await probe(way, { target, method, set, signal })
    } finally {
      for (const release of done) release()
    }
  }
}

async function probe(lane: Lane, { target, method, set, signal }: Asking): Promise<Probed> {
  const headers = ['Host', target.authority, 'Accept', 'application/json', 'User-Agent', 'purser', ...set]
  let safe = true
  const beforeSend = () => {
    safe = set.length === 0 || transportOf(lane) !== 'plain'
    return safe
  }
  const asked = await ask(lane, { target, method, headers, body: null }, { beforeSend, signal })
  if (!safe) return failed(PLAIN)
  if (asked.kind === 'failed') return failed({ code: asked.fault.refusalCode, detail: asked.fault.detail })
  const transport = transportOf(lane)
  try {
    const { unpaid } = await readUnpaid(asked.answer)
    return { kind: 'answer', url: target.url, transport, answer: unpaid }
  } catch {
    return failed({ code: 'upstream_unreachable', detail: `${target.authority} broke off its answer.` })
  } finally {
    discard(asked.answer)
  }
}

/** How a request on this lane travels, while it is pinned. */
export function transportOf(lane: Lane): PaidRequest['transport'] {
  if (lane.origin.scheme === 'https') return 'verified-tls'
  return lane.opened ? 'opened-plain' : 'plain'
}

function barTo({ scope, id }: Session, { target, method }: { target: Target; method: string }): Refusal | undefined {
  const { host, port } = target.origin
  if (host === AGENT_DOOR_HOST) return { code: 'request_invalid', detail: 'The agent’s own door costs nothing.' }
  if (scope.enforce !== 'all') return undefined
  const { tools: _, ...asked } = scope
  const detail = outOfScope(asked, { host, port, method, path: target.path })
  return detail === undefined ? undefined : { code: 'out_of_scope', detail, sessionId: id }
}

const PLAIN: Refusal = { code: 'plain_http_not_payable', detail: 'What was signed travels over verified TLS only.' }

const failed = (refusal: Refusal): Probed => ({ kind: 'failed', refusal })
