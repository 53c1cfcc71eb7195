/**
 * One exchange: a request of an agent from its head to the line that tells how it ended. It is admitted, forwarded
 * once, and streamed back; a 402 steps aside into the payment flow. Every exchange leaves exactly one line.
 */
import type { Clock, Ids } from '../clock.ts'
import { headerValue } from '../http.ts'
import { DRAINED_BODY_BYTES, KEPT_BODY_MEMORY_BYTES, KEPT_BODY_SPOOL_BYTES, SPOOL_TOTAL_BYTES } from '../limits.ts'
import type { OnPaymentRequired, Preempt } from '../session/exchange.ts'
import { matchesHost } from '../session/host-pattern.ts'
import type { Identify } from '../session/identify.ts'
import type { Steps } from '../session/steps.ts'
import type { Events } from '../telemetry/events.ts'
import { passing } from '../waypoints.ts'
import type { AddressGuard } from './address-guard.ts'
import { type Admission, type AdmitDeps, admit } from './admit.ts'
import { type AgentDoor, answerAtAgentDoor, answerAtIdentityDoor, type IdentityDoor } from './agent-door.ts'
import { createChargingRoutes } from './charging-routes.ts'
import type { AgentRequest, HandleRequest, HandleUpgrade } from './door.ts'
import { type ForwardDeps, forward } from './forward.ts'
import type { LaneLimits } from './lane.ts'
import type { Parents } from './parent.ts'
import type { AskAgain } from './payment-required.ts'
import { createProbe, type Probe } from './probe.ts'
import { Reply } from './reply.ts'
import { createReverseDoor, type Route } from './reverse-proxy.ts'
import { Running } from './running.ts'
import { createSpool } from './spool.ts'
import { overTls, type Target } from './target.ts'
import type { ToolDialect } from './tool-dialect.ts'
import { createUpgrade, type UpgradeLimits } from './upgrade.ts'
import { createUpstream } from './upstream.ts'
import { refuse, type Told, tell, type Visit } from './visit.ts'

export interface ExchangeDeps {
  readonly identify: Identify
  readonly guard: AddressGuard
  /** Without it every way is direct. */
  readonly parents?: Parents
  /** Without it every 402 passes. */
  readonly onPaymentRequired: OnPaymentRequired | undefined
  /** Without it no first attempt is paid. */
  readonly preempt?: Preempt | undefined
  /** Request headers that only the payment flow may send. */
  readonly paymentHeaders: readonly string[]
  readonly askAgain?: AskAgain
  /** Without it nothing is paid inside MCP. */
  readonly toolDialect?: ToolDialect
  readonly agentDoor?: AgentDoor
  readonly steps?: Steps
  readonly identityDoor?: IdentityDoor
  /** Host patterns. */
  readonly upgradeToHttps: readonly string[]
  readonly routes: readonly Route[]
  /** Further names of the listener itself, for reverse routes. */
  readonly hosts?: readonly string[]
  /** PEM of roots on top of Node's own. */
  readonly ca: readonly string[]
  readonly clock: Clock
  readonly ids: Ids
  readonly events: Events
  readonly limits?: ExchangeLimits
}

/** For tests; every one has its default in limits. */
export interface ExchangeLimits extends UpgradeLimits {
  readonly upstream?: Partial<LaneLimits> & { readonly origins?: number }
  readonly keptMemory_bytes?: number
  readonly keptSpool_bytes?: number
  readonly spoolTotal_bytes?: number
}

export interface Exchange {
  readonly handleRequest: HandleRequest
  readonly handleUpgrade: HandleUpgrade
  readonly probe: Probe
  /** Exchanges that run, payments whose agent has gone among them. */
  active(): number
  /** Resolves when what runs has ended; then closes all connections to upstreams. Accepting must have stopped before. */
  close(): Promise<void>
  /** Breaks off what runs. A payment that is out is then concluded as unknown, and `close` resolves soon. */
  cut(): void
  /** Breaks off what a revoked session still has running, upgraded connections included; payments that are out conclude. */
  endSession(sessionId: string): void
}

export function createExchange(deps: ExchangeDeps): Exchange {
  const { clock, ids, events, limits = {} } = deps
  const upstream = createUpstream({
    ...{ guard: deps.guard, parents: deps.parents, events, clock },
    ca: deps.ca,
    limits: limits.upstream ?? {},
  })
  const admission = admitDepsOf(deps)
  const forwarding = forwardDepsOf(deps, upstream.lane)
  const running = new Running()
  const upgrade = createUpgrade({ admission, upstream, events, clock, ids, limits })

  /** From the head of a request to its line. */
  async function attend(visit: Visit): Promise<void> {
    try {
      const told = await answer(visit).catch((fault: unknown) => faulted(visit, fault))
      await visit.reply.closed
      drain(visit.request)
      tell(deps, visit, told)
    } finally {
      running.end(visit)
    }
  }

  async function answer(visit: Visit): Promise<Told> {
    const admitted = await admit(admission, visit.request, visit.door)
    if (admitted.kind === 'refused') return refuse(visit, admitted)
    if (admitted.kind === 'identity_door') return answerStranger(deps, visit, admitted)
    passing('request admitted')
    if (admitted.head.expectsContinue) visit.reply.expectContinue()
    const { session } = admitted
    if (admitted.kind === 'forward') {
      // At its own door an agent is answered to the end: that of its session, too, is told there.
      visit.sessionId = session.id
      return forward(forwarding, visit, admitted)
    }
    if (!deps.agentDoor) return refuse(visit, { refusal: { code: 'not_found', detail: 'This proxy has no such door.' }, session })
    const refusal = await answerAtAgentDoor({ ...admitted, door: deps.agentDoor, source: visit.request, reply: visit.reply })
    return refusal ? refuse(visit, { refusal, session }) : { outcome: 'passed', session }
  }

  function faulted(visit: Visit, fault: unknown): Told {
    if (visit.reply.gone) return { outcome: 'aborted' }
    events.faulted('exchange', fault)
    try {
      return refuse(visit, { refusal: { code: 'internal_error', detail: 'The request could not be served.' } })
    } catch (another) {
      events.faulted('exchange', another)
      visit.reply.breakOff()
      return { outcome: 'failed', code: 'internal_error' }
    }
  }

  const handleRequest: HandleRequest = (request, response, door) => {
    // After the last answer on a connection nothing can be answered, so nothing is done.
    if (!('stream' in request) && !request.socket.writable) return void request.socket.destroy()
    const begin = (traceparent: string | undefined) => {
      const reply = new Reply(request, response)
      if (running.closing) reply.last()
      const visit = { id: ids('exc'), started_ms: clock.monotonic(), sessionId: undefined, request, reply, door, line: {}, traceparent }
      running.begin(visit)
      void attend(visit)
    }
    if (events.traceExchange) events.traceExchange(headerValue(request.rawHeaders, 'traceparent'), begin)
    else begin(undefined)
  }

  async function close(): Promise<void> {
    await running.ended()
    upgrade.close()
    await upstream.close()
  }

  const upgraded = (target: Target) => (isUpgraded(deps.upgradeToHttps, target) ? overTls(target) : target)
  const probe = createProbe({ lane: upstream.lane, upgraded })
  return {
    ...{ handleRequest, handleUpgrade: upgrade.handle, probe, close },
    active: () => running.count,
    cut: upstream.cut,
    endSession: (sessionId) => {
      upgrade.end(sessionId)
      running.endOf(sessionId)
    },
  }
}

/** Whoever proves what it is gets a session. */
async function answerStranger(
  { identityDoor }: ExchangeDeps,
  visit: Visit,
  admitted: Extract<Admission, { kind: 'identity_door' }>,
): Promise<Told> {
  if (!identityDoor) return refuse(visit, { refusal: { code: 'not_found', detail: 'This proxy has no such door.' } })
  if (admitted.head.expectsContinue) visit.reply.expectContinue()
  const refusal = await answerAtIdentityDoor({ ...admitted, door: identityDoor, source: visit.request, reply: visit.reply })
  return refusal ? refuse(visit, { refusal }) : { outcome: 'passed' }
}

function admitDepsOf({ identify, routes, hosts = [], paymentHeaders, upgradeToHttps, steps, identityDoor }: ExchangeDeps): AdmitDeps {
  return {
    identify,
    reverse: createReverseDoor({ routes, hosts }),
    paymentHeaders: new Set(paymentHeaders.map((name) => name.toLowerCase())),
    upgradeToHttps,
    steps,
    identities: identityDoor !== undefined,
  }
}

function forwardDepsOf(
  { onPaymentRequired, askAgain, preempt, toolDialect, events, limits = {} }: ExchangeDeps,
  lane: ForwardDeps['lane'],
): ForwardDeps {
  const memory_bytes = limits.keptMemory_bytes ?? KEPT_BODY_MEMORY_BYTES
  const spool_bytes = limits.keptSpool_bytes ?? KEPT_BODY_SPOOL_BYTES
  return {
    lane,
    events,
    payment: onPaymentRequired && { onPaymentRequired, askAgain, preempt, toolDialect },
    charging: createChargingRoutes(),
    spool: createSpool({ file_bytes: spool_bytes, total_bytes: limits.spoolTotal_bytes ?? SPOOL_TOTAL_BYTES }),
    memory_bytes,
    spool_bytes,
  }
}

function isUpgraded(patterns: readonly string[], { origin }: Target): boolean {
  return origin.scheme === 'http' && patterns.some((pattern) => matchesHost(pattern, origin.host, origin.port))
}

/** What is left of the request's body is read for a while: an agent that still sends may not see the answer otherwise. */
function drain(request: AgentRequest): void {
  if ('stream' in request || request.readableEnded || request.destroyed) return
  if (request.complete && request.listenerCount('data') === 0) return
  let rest = 0
  request.on('data', (chunk: Buffer) => {
    rest += chunk.length
    if (rest > DRAINED_BODY_BYTES) request.destroy()
  })
  request.resume()
}
