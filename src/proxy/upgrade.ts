/** Upgrades to WebSocket: identified like every request, then bytes both ways. Nothing is paid on them; a 402 passes. */
import { Agent, type ClientRequest, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Clock, Ids } from '../clock.ts'
import { headerValue } from '../http.ts'
import { TUNNEL_IDLE_TIMEOUT_MS, UPSTREAM_HEAD_TIMEOUT_MS } from '../limits.ts'
import type { Session } from '../session/session.ts'
import type { Events, ExchangeOutcome } from '../telemetry/events.ts'
import { type Admission, type AdmitDeps, admit, type Forwardable } from './admit.ts'
import { refuseConnection } from './connect-answer.ts'
import { UpstreamFault, upstreamFault } from './connection.ts'
import type { Door, HandleUpgrade } from './door.ts'
import { readTrace } from './hints.ts'
import type { Lane } from './lane.ts'
import type { Upstream } from './upstream.ts'

export interface UpgradeLimits {
  readonly tunnelIdle_ms?: number
  readonly upgradeHead_ms?: number
}

export interface UpgradeDeps {
  readonly admission: AdmitDeps
  readonly upstream: Upstream
  readonly events: Events
  readonly clock: Clock
  readonly ids: Ids
  readonly limits: UpgradeLimits
}

export interface Upgrade {
  readonly handle: HandleUpgrade
  /** Ends the upgraded connections of a session that was revoked. */
  end(sessionId: string): void
  /** Ends all upgraded connections. */
  close(): void
}

/** What the line will tell; filled in as things happen. */
interface Passage {
  readonly request: IncomingMessage
  readonly socket: Duplex
  readonly head: Buffer
  readonly door: Door
  outcome: ExchangeOutcome
  status: number
  code?: UpstreamFault['refusalCode']
  admitted?: Admission
}

export function createUpgrade(deps: UpgradeDeps): Upgrade {
  const open = new Set<Passage>()
  const handle: HandleUpgrade = (request, socket, head, door) => {
    const started_ms = deps.clock.monotonic()
    const passage: Passage = { request, socket, head, door, outcome: 'aborted', status: 0 }
    open.add(passage)
    socket.on('error', () => socket.destroy())
    socket.once('close', () => {
      open.delete(passage)
      tell(deps, passage, deps.clock.monotonic() - started_ms)
    })
    serve(deps, passage).catch((fault: unknown) => {
      deps.events.faulted('upgrade', fault)
      socket.destroy()
    })
  }
  const end = (sessionId: string) => {
    for (const { admitted, socket } of open) if (sessionOf(admitted)?.id === sessionId) socket.destroy()
  }
  const close = () => {
    for (const { socket } of open) socket.destroy()
  }
  return { handle, end, close }
}

async function serve(deps: UpgradeDeps, passage: Passage): Promise<void> {
  const { request, door } = passage
  const admitted = await admit(deps.admission, request, door)
  passage.admitted = admitted
  if (admitted.kind === 'refused') return refuse(passage, admitted)
  if (admitted.kind === 'agent_door' || admitted.kind === 'identity_door')
    return refuse(passage, { refusal: { code: 'not_found', detail: 'The agent’s own door speaks plain HTTP.' } })
  if (request.method !== 'GET' || request.headers.upgrade?.toLowerCase() !== 'websocket') {
    return refuse(passage, { refusal: { code: 'request_invalid', detail: 'Only upgrades to WebSocket pass.' } })
  }
  // Many agents never upgrade.
  const { createProxyServer } = await import('http-proxy-3')
  if (!passage.socket.destroyed) connect(deps, passage, { ...admitted, createProxyServer })
}

interface Connectable extends Forwardable {
  readonly createProxyServer: typeof import('http-proxy-3')['createProxyServer']
}

function connect({ upstream, limits }: UpgradeDeps, passage: Passage, { createProxyServer, ...admitted }: Connectable): void {
  const { request, socket, head } = passage
  const { target } = admitted
  const lane = upstream.lane(target.origin)
  socket.once('close', lane.use())
  rewrite(request, admitted)
  const proxy = createProxyServer({
    agent: new LaneAgent(lane),
    target: { protocol: 'http:', host: target.origin.host, port: target.origin.port },
  })
  proxy.on('proxyReqWs', (asking) => watch(passage, asking, limits.upgradeHead_ms ?? UPSTREAM_HEAD_TIMEOUT_MS, lane))
  proxy.on('open', () => {
    passage.outcome = 'upgraded'
    passage.status = 101
    if ('setTimeout' in socket && typeof socket.setTimeout === 'function') {
      socket.setTimeout(limits.tunnelIdle_ms ?? TUNNEL_IDLE_TIMEOUT_MS, () => socket.destroy())
    }
  })
  proxy.ws(request, socket, head, {}, (cause) => failed(passage, lane, cause))
}

/** The connection is made, vetted and verified by the lane: to the library it is a plain one. */
class LaneAgent extends Agent {
  readonly #lane: Lane

  constructor(lane: Lane) {
    super({ keepAlive: false })
    this.#lane = lane
  }

  override createConnection(_options: unknown, callback?: (fault: Error | null, socket: Duplex) => void): undefined {
    this.#lane.connect().then(
      (socket) => callback?.(null, socket),
      (fault: Error) => callback?.(fault, undefined as never),
    )
  }
}

/** The library sends what it finds in the request: this is what may leave. */
function rewrite(request: IncomingMessage, { head, target }: Forwardable): void {
  request.url = target.path
  const headers: Record<string, string | string[]> = { host: target.authority, connection: 'Upgrade', upgrade: 'websocket' }
  for (let i = 0; i + 1 < head.forwarded.length; i += 2) {
    const name = (head.forwarded[i] ?? '').toLowerCase()
    const value = head.forwarded[i + 1] ?? ''
    const known = headers[name]
    headers[name] = known === undefined ? value : [...(Array.isArray(known) ? known : [known]), value]
  }
  Object.defineProperty(request, 'headers', { value: headers })
}

function watch(passage: Passage, asking: ClientRequest, head_ms: number, lane: Lane): void {
  const { socket } = passage
  asking.setTimeout(head_ms, () =>
    asking.destroy(new UpstreamFault('upstream_timeout', 'The upstream did not answer the upgrade in time.')),
  )
  socket.once('close', () => asking.destroy())
  asking.once('upgrade', (answer: IncomingMessage) => dropOwn(answer))
  asking.once('response', (answer: IncomingMessage) => {
    dropOwn(answer)
    passage.outcome = 'passed'
    passage.status = answer.statusCode ?? 0
    answer.once('error', (cause) => failed(passage, lane, cause))
  })
}

/** `Purser-*` is ours to say. */
function dropOwn(answer: IncomingMessage): void {
  for (const name of Object.keys(answer.headers)) if (name.startsWith('purser-')) delete answer.headers[name]
}

function failed(passage: Passage, lane: Lane, cause: Error): void {
  if (passage.status !== 0) {
    passage.socket.destroy()
    return
  }
  const fault = upstreamFault(lane.origin, cause)
  refuse(passage, { refusal: { code: fault.refusalCode, detail: fault.detail } })
  passage.outcome = 'failed'
}

function refuse(passage: Passage, { refusal, headers }: Pick<Extract<Admission, { kind: 'refused' }>, 'refusal' | 'headers'>): void {
  if (passage.socket.destroyed) return
  passage.outcome = 'refused'
  passage.code = refusal.code
  passage.status = refuseConnection(passage.socket, refusal, { mode: passage.door.mode, headers })
}

function sessionOf(admitted: Admission | undefined): Session | undefined {
  return admitted && 'session' in admitted ? admitted.session : undefined
}

function tell(
  { events, ids }: UpgradeDeps,
  { request, socket, door, admitted, outcome, status, code }: Passage,
  duration_ms: number,
): void {
  const session = sessionOf(admitted)
  const target = admitted && 'target' in admitted ? admitted.target : undefined
  events.exchangeEnded({
    exchangeId: ids('exc'),
    mode: door.mode,
    outcome,
    method: request.method ?? '',
    target: target?.label ?? '',
    status,
    duration_ms,
    bytes: 'bytesWritten' in socket && typeof socket.bytesWritten === 'number' ? socket.bytesWritten : 0,
    ...(session && { sessionId: session.id, agent: session.agent }),
    ...(code && { code }),
    ...readTrace(headerValue(request.rawHeaders, 'traceparent')),
  })
}
