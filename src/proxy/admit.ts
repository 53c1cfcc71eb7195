/** Steps 1 and 2: a request is read, its target found, its session identified. What comes out may be forwarded. */
import { PurserError, type Refusal } from '../errors.ts'
import { headerValue, type RawHeaders } from '../http.ts'
import type { AgentHints } from '../session/exchange.ts'
import { matchesHost } from '../session/host-pattern.ts'
import type { Identify } from '../session/identify.ts'
import { outOfScope } from '../session/scope.ts'
import type { Session } from '../session/session.ts'
import type { Steps } from '../session/steps.ts'
import type { Presented } from '../session/workload.ts'
import type { AgentRequest, Door } from './door.ts'
import { type Fault, invalid, type RequestHead, readRequestHead } from './headers.ts'
import { readHints, readTrace } from './hints.ts'
import { CREDENTIALS_PATH, presentedIn } from './presented.ts'
import type { ReverseDoor } from './reverse-proxy.ts'
import { overTls, readTarget, type Target } from './target.ts'

/** Answers for the caller's own session; reachable only through the proxy. */
export const AGENT_DOOR_HOST = 'purser.internal'

export interface AdmitDeps {
  readonly identify: Identify
  readonly reverse: ReverseDoor
  /** In lower case. */
  readonly paymentHeaders: ReadonlySet<string>
  /** Host patterns. */
  readonly upgradeToHttps: readonly string[]
  /** Without it nobody counts the requests of a task. */
  readonly steps?: Steps | undefined
  /** Workloads can get a session here. */
  readonly identities?: boolean
}

interface Known {
  readonly session: Session
  readonly head: RequestHead
}

export interface Forwardable extends Known {
  readonly kind: 'forward'
  readonly target: Target
  readonly hints: AgentHints
}

export type Admission =
  | Forwardable
  | (Known & { readonly kind: 'agent_door'; readonly path: string; readonly until?: number })
  | { readonly kind: 'identity_door'; readonly head: RequestHead; readonly path: string; readonly presented: Presented }
  | {
      readonly kind: 'refused'
      readonly refusal: Refusal
      readonly headers?: RawHeaders | undefined
      readonly session?: Session
      readonly target?: Target
    }

/** Decides whether a request may go on, and where. Never rejects for an expected reason. */
export async function admit(deps: AdmitDeps, request: AgentRequest, door: Door): Promise<Admission> {
  const { method = '' } = request
  if (method === 'TRACE' || method === 'CONNECT') return refusedBy(invalid(`${method} is not forwarded.`))
  const { httpVersion } = request
  const head = readRequestHead(request.rawHeaders, { httpVersion, paymentHeaders: deps.paymentHeaders })
  if (head.kind === 'fault') return refusedBy(head)
  const place = locate(deps, { request, door, head })
  if (place.kind === 'fault') return refusedBy(place)
  if (deps.identities && place.kind === 'agent_door' && place.path === CREDENTIALS_PATH) return unidentified(request, { door, head })
  const known = await identified(deps, request, door)
  if (known.kind === 'refused') return place.kind === 'target' ? { ...known, target: place } : known
  const { session, until } = known
  if (place.kind === 'agent_door') return { ...place, session, head, ...(until !== undefined && { until }) }
  const hints = readHints(head.hints)
  if (hints.kind === 'fault') return { ...refusedBy(hints), session, target: place }
  const said = { ...hints.hints, ...readTrace(headerValue(request.rawHeaders, 'traceparent')) }
  const bar = scopeBar(session, { target: place, method, hints: said }) ?? (await stepBar(deps, session, said))
  if (bar) return { kind: 'refused', refusal: bar, session, target: place }
  return { kind: 'forward', session, head, target: place, hints: said }
}

/** Where a session is got, none is asked for. */
function unidentified(request: AgentRequest, { door, head }: Omit<Located, 'request'>): Admission {
  const presented = presentedIn(door.credentials ?? request.rawHeaders, request.socket)
  return 'kind' in presented ? refusedBy(presented) : { kind: 'identity_door', path: CREDENTIALS_PATH, head, presented }
}

interface Located {
  readonly request: AgentRequest
  readonly door: Door
  readonly head: RequestHead
}

function locate(deps: AdmitDeps, { request, door, head }: Located): Target | { kind: 'agent_door'; path: string } | Fault {
  const requestTarget = request.url ?? ''
  const host = head.host ?? authorityOfStream(request)
  const place =
    door.mode === 'reverse' && !door.origin
      ? deps.reverse({
          requestTarget,
          host,
          secFetchSite: headerValue(request.rawHeaders, 'sec-fetch-site'),
          origin: headerValue(request.rawHeaders, 'origin'),
          localAddress: request.socket?.localAddress,
        })
      : readTarget({ door, requestTarget, host })
  if (place.kind !== 'target') return place
  if (place.origin.host === AGENT_DOOR_HOST) return { kind: 'agent_door', path: place.path }
  const { scheme, host: name, port } = place.origin
  return scheme === 'http' && deps.upgradeToHttps.some((pattern) => matchesHost(pattern, name, port)) ? overTls(place) : place
}

function authorityOfStream(request: AgentRequest): string | undefined {
  return 'authority' in request ? request.authority : undefined
}

type Identity =
  | { kind: 'session'; session: Session; until?: number }
  | { kind: 'refused'; refusal: Refusal; headers?: RawHeaders | undefined }

async function identified({ identify }: AdmitDeps, request: AgentRequest, door: Door): Promise<Identity> {
  try {
    return await identify(door.credentials ?? request.rawHeaders, door.mode === 'reverse' ? 'reverse' : 'proxy')
  } catch (fault) {
    if (fault instanceof PurserError) return { kind: 'refused', refusal: fault.refusal }
    throw fault
  }
}

interface Asked {
  readonly target: Target
  readonly method: string
  readonly hints: AgentHints
}

/** A session may be for certain requests only, not just for certain payments. */
function scopeBar({ scope, id }: Session, { target, method, hints }: Asked): Refusal | undefined {
  if (scope.enforce !== 'all') return undefined
  const { host, port } = target.origin
  const { path } = target
  const detail = outOfScope(scope, { host, port, method, path, ...(hints.tool !== undefined && { tool: hints.tool }) })
  return detail === undefined ? undefined : { code: 'out_of_scope', detail, sessionId: id }
}

/** A task may have only so many requests. */
async function stepBar({ steps }: AdmitDeps, session: Session, { task }: AgentHints): Promise<Refusal | undefined> {
  try {
    return await steps?.take(session, task)
  } catch (fault) {
    if (fault instanceof PurserError) return fault.refusal
    throw fault
  }
}

function refusedBy({ code, detail }: Fault): { kind: 'refused'; refusal: Refusal } {
  return { kind: 'refused', refusal: { code, detail } }
}
