/** Asking upstreams: one lane for each origin, a bounded number of them, every fault in our own words. */
import { LRUCache } from 'lru-cache'
import type { Dispatcher } from 'undici'
import type { Clock } from '../clock.ts'
import type { RawHeaders } from '../http.ts'
import {
  CONNECT_TIMEOUT_MS,
  MAX_CONNECTIONS_PER_ORIGIN,
  MAX_HEAD_BYTES,
  MAX_ORIGINS,
  UPSTREAM_HEAD_TIMEOUT_MS,
  UPSTREAM_IDLE_TIMEOUT_MS,
  UPSTREAM_KEEP_ALIVE_MS,
} from '../limits.ts'
import type { Events } from '../telemetry/events.ts'
import type { AddressGuard } from './address-guard.ts'
import { createTrust } from './connection.ts'
import type { Origin } from './door.ts'
import { Lane, type LaneLimits } from './lane.ts'
import type { Parents } from './parent.ts'
import { absoluteForm, withoutDemand } from './parent-connection.ts'
import { authorityOf, type Target } from './target.ts'

export interface UpstreamRequest {
  readonly target: Target
  readonly method: string
  /** `Host` included. */
  readonly headers: RawHeaders
  readonly body: Dispatcher.DispatchOptions['body']
}

export interface Upstream {
  lane(origin: Origin): Lane
  /** Idle and busy lanes are told to close; what runs ends first. */
  close(): Promise<void>
  /** Breaks off what runs: whoever waits for an upstream learns at once that no answer comes. */
  cut(): void
}

export interface UpstreamOptions {
  readonly guard: AddressGuard
  readonly parents?: Parents | undefined
  readonly events: Events
  readonly clock: Clock
  /** PEM of further roots. */
  readonly ca: readonly string[]
  readonly limits?: Partial<LaneLimits> & { readonly origins?: number }
}

const LIMITS: LaneLimits = {
  connect_ms: CONNECT_TIMEOUT_MS,
  head_ms: UPSTREAM_HEAD_TIMEOUT_MS,
  idle_ms: UPSTREAM_IDLE_TIMEOUT_MS,
  keepAlive_ms: UPSTREAM_KEEP_ALIVE_MS,
  connections: MAX_CONNECTIONS_PER_ORIGIN,
  headBytes: MAX_HEAD_BYTES,
}

export function createUpstream({ guard, parents, events, clock, ca, limits }: UpstreamOptions): Upstream {
  const deps = { guard, ...(parents && { parents }), events, clock, trust: createTrust(ca), limits: { ...LIMITS, ...limits } }
  const retired = new Set<Lane>()
  const lanes = new LRUCache<string, Lane>({ max: limits?.origins ?? MAX_ORIGINS, dispose: retire })

  function retire(lane: Lane): void {
    for (const old of retired) if (old.pool.closed || old.pool.destroyed) retired.delete(old)
    retired.add(lane)
    lane.retire()
  }

  function lane(origin: Origin): Lane {
    const key = `${origin.scheme}://${authorityOf(origin)}`
    const known = lanes.get(key)
    if (known) return known
    const fresh = new Lane(origin, deps)
    lanes.set(key, fresh)
    return fresh
  }

  async function close(): Promise<void> {
    const pools = [...lanes.values()].map((lane) => lane.pool)
    lanes.clear()
    await Promise.all(pools.filter((pool) => !pool.destroyed).map((pool) => pool.close()))
  }

  function cut(): void {
    for (const { pool } of [...lanes.values(), ...retired]) void pool.destroy()
  }

  return { lane, close, cut }
}

/** Starts the request; everything else, faults included, is told to `handler`. Never retried, redirects never followed. */
export function dispatch(lane: Lane, request: UpstreamRequest, handler: Dispatcher.DispatchHandler): void {
  const { target, method, headers, body } = request
  const plain = { path: target.path, method, headers: [...headers], body: body ?? null, idempotent: false }
  if (lane.parent === undefined || lane.origin.scheme === 'https') return void lane.pool.dispatch(plain, handler)
  const put = absoluteForm(target, lane.parent)
  lane.pool.dispatch({ ...plain, path: put.path, headers: [...headers, ...put.headers] }, withoutDemand(handler, lane.parent))
}
