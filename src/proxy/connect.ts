/**
 * CONNECT: who asks, where to, and then either interception or a blind tunnel. On intercepted hosts a known token always
 * gets 200 and every refusal is answered inside TLS; blind tunnels are refused before anything is connected.
 */
import type { IncomingMessage } from 'node:http'
import { isIP, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { SecureContext } from 'node:tls'
import type { Clock, Ids } from '../clock.ts'
import { PurserError, type Refusal } from '../errors.ts'
import type { RawHeaders } from '../http.ts'
import { CONNECT_TIMEOUT_MS } from '../limits.ts'
import { matchesHost } from '../session/host-pattern.ts'
import type { Identified, Identify } from '../session/identify.ts'
import { outOfScope } from '../session/scope.ts'
import type { Session } from '../session/session.ts'
import type { Events } from '../telemetry/events.ts'
import type { AddressGuard } from './address-guard.ts'
import { refuseConnection } from './connect-answer.ts'
import { type ConnectTarget, parseAuthority } from './connect-target.ts'
import { UpstreamFault } from './connection.ts'
import type { Interceptor } from './intercept.ts'
import { type Parents, vetFor } from './parent.ts'
import { openThroughParent, type ThroughParent } from './parent-connection.ts'
import type { Passage, PassageLog } from './passage.ts'
import type { Tunnels } from './tunnel.ts'

export interface ConnectOptions {
  readonly identify: Identify
  readonly guard: AddressGuard
  /** Without it every way is direct. `trust` is for parents that are reached over TLS. */
  readonly outward?: { readonly parents: Parents; readonly trust: SecureContext }
  readonly connectPorts: readonly number[]
  /** Host patterns; `except` wins. Addresses are never intercepted, because the local authority does not speak for them. */
  readonly intercept: { readonly hosts: readonly string[]; readonly except: readonly string[] }
  /** Answered by Purser itself, so always intercepted. */
  readonly reservedHost: string
  readonly interceptor: Pick<Interceptor, 'accept'>
  readonly tunnels: Pick<Tunnels, 'open'>
  readonly log: PassageLog
  readonly events: Pick<Events, 'faulted'>
  readonly clock: Clock
  readonly ids: Ids
}

export type HandleConnect = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

interface Asked {
  readonly socket: Duplex
  readonly head: Buffer
  readonly passage: Passage
}

/** Answers every CONNECT; never throws. */
export function createConnectHandler(options: ConnectOptions): HandleConnect {
  return (request, socket, head) => {
    socket.on('error', ignore)
    if (socket instanceof Socket) socket.setTimeout(0)
    const startedAt_ms = options.clock.monotonic()
    const target = parseAuthority(request.url ?? '')
    const begun = { exchangeId: options.ids('exc'), startedAt_ms, credentials: request.rawHeaders }
    if (target === undefined) return refuse({ socket, head, passage: { ...begun, target: NOWHERE } }, { refusal: UNREADABLE }, options)
    const asked = { socket, head, passage: { ...begun, target } }
    admit(asked, options).catch((cause: unknown) => {
      options.events.faulted('connect', cause)
      refuse(asked, { refusal: { code: 'internal_error', detail: 'The CONNECT could not be served.' } }, options)
    })
  }
}

/** Not a closure: it lives as long as the connection, and what its neighbours hold would live with it. */
const ignore = (): void => undefined

const NOWHERE: ConnectTarget = { host: 'invalid', port: 0 }
const UNREADABLE: Refusal = { code: 'request_invalid', detail: 'CONNECT has to name a host and a port, like api.example.com:443.' }

async function admit(asked: Asked, options: ConnectOptions): Promise<void> {
  const found = await identified(asked.passage.credentials, options)
  if (found.kind === 'refused' && isStranger(found.refusal)) return refuse(asked, found, options)
  const known = found.kind === 'session' ? { ...asked, passage: { ...asked.passage, session: found.session } } : asked
  if (!isIntercepted(known.passage.target, options)) return tunnel(known, found, options)
  const refusal = lastingBar(found)
  const portRefusal = portBar(known.passage.target, options)
  options.interceptor.accept({ ...known, ...(refusal && { refusal }), ...(portRefusal && { portRefusal }) })
}

/** A revocation is never taken back; everything else about the session is asked again for each request inside. */
function lastingBar(found: Identified): Refusal | undefined {
  return found.kind === 'refused' && found.refusal.code === 'session_revoked' ? found.refusal : undefined
}

async function identified(headers: RawHeaders, { identify }: ConnectOptions): Promise<Identified> {
  try {
    return await identify(headers, 'proxy')
  } catch (cause) {
    if (cause instanceof PurserError) return { kind: 'refused', refusal: cause.refusal }
    throw cause
  }
}

/** Only those whose token is not known are refused before the handshake. */
const isStranger = ({ code }: Refusal): boolean => code === 'session_required' || code === 'session_invalid'

function isIntercepted({ host, port }: ConnectTarget, { intercept, reservedHost }: ConnectOptions): boolean {
  if (host === reservedHost) return true
  const named = (pattern: string) => matchesHost(pattern, host, port)
  return isIP(host) === 0 && intercept.hosts.some(named) && !intercept.except.some(named)
}

async function tunnel(asked: Asked, found: Identified, options: ConnectOptions): Promise<void> {
  if (found.kind === 'refused') return refuse(asked, found, options)
  const { target } = asked.passage
  const bar = portBar(target, options) ?? scopeBar(target, found.session)
  if (bar !== undefined) return refuse(asked, { refusal: bar }, options)
  const { outward } = options
  const parent = outward?.parents.of({ scheme: 'https', ...target })
  const vetted = await vetFor(parent, options.guard, target)
  if (vetted.kind === 'refused') return refuse(asked, { refusal: { code: 'destination_not_allowed', detail: vetted.reason } }, options)
  if (vetted.kind === 'unresolved') return refuse(asked, { refusal: { code: 'upstream_unreachable', detail: vetted.reason } }, options)
  if (outward === undefined || parent === undefined) return options.tunnels.open({ ...asked, way: vetted })
  return tunnelThrough({ parent, secureContext: outward.trust }, asked, options)
}

/** Until the parent has answered, the session may have ended: it is asked for again. */
async function tunnelThrough(by: Pick<ThroughParent, 'parent' | 'secureContext'>, asked: Asked, options: ConnectOptions): Promise<void> {
  const origin = { scheme: 'http', ...asked.passage.target } as const
  try {
    const upstream = await openThroughParent({ ...by, origin, tunnel: true, clock: options.clock, timeout_ms: CONNECT_TIMEOUT_MS })
    const found = await identified(asked.passage.credentials, options)
    if (found.kind === 'session') return options.tunnels.open({ ...asked, way: upstream })
    upstream.destroy()
    refuse(asked, found, options)
  } catch (fault) {
    if (!(fault instanceof UpstreamFault)) throw fault
    refuse(asked, { refusal: { code: fault.refusalCode, detail: fault.detail } }, options)
  }
}

function portBar({ port }: ConnectTarget, { connectPorts }: ConnectOptions): Refusal | undefined {
  if (connectPorts.includes(port)) return undefined
  const detail = `CONNECT to port ${port} is not allowed; allowed are: ${connectPorts.join(', ') || 'none'}.`
  const nextAction = 'Use an allowed port, or ask the operator of this proxy to list this one in proxy.connectPorts.'
  return { code: 'destination_not_allowed', detail, nextAction }
}

/** A tunnel hides the methods of its requests, so a scope with methods that judges every request allows none. */
function scopeBar(target: ConnectTarget, { scope }: Session): Refusal | undefined {
  const reason = scope.enforce === 'all' ? outOfScope(scope, { ...target, method: 'CONNECT', path: '' }) : undefined
  return reason === undefined ? undefined : { code: 'out_of_scope', detail: reason }
}

interface Refused {
  readonly refusal: Refusal
  readonly headers?: RawHeaders
}

function refuse({ socket, passage }: Asked, { refusal, headers }: Refused, { log }: ConnectOptions): void {
  const sessionId = refusal.sessionId ?? passage.session?.id
  const status = refuseConnection(socket, { ...refusal, ...(sessionId && { sessionId }) }, { mode: 'tunnel', headers })
  const outcome = refusal.code === 'upstream_unreachable' || refusal.code === 'internal_error' ? 'failed' : 'refused'
  log.ended(passage, { mode: 'tunnel', outcome, status, code: refusal.code })
}
