/**
 * A circuit breaker for each origin that is paid: where too many paid requests fail, nothing new is paid there for a
 * while; then one payment tries it. Repeats of what is paid for already pass: they pay nothing. Each process watches for
 * itself.
 */
import { LRUCache } from 'lru-cache'
import type { Clock } from '../clock.ts'
import type { Refusal } from '../errors.ts'
import { MAX_CIRCUIT_OUTCOMES, MAX_WATCHED } from '../people-limits.ts'
import { secondsFor } from '../session/duration.ts'
import type { Events } from '../telemetry/events.ts'

export interface CircuitRule {
  /** Percent of the paid requests within the window that have to fail. */
  readonly errorRate: number
  /** Fewer paid requests than these say nothing. */
  readonly minimum: number
  readonly window_ms: number
  readonly cooldown_ms: number
}

export interface Circuit {
  /** Why nothing new is paid at this origin now. A look only. */
  bar(origin: string): Refusal | undefined
  /** The same for a payment that is about to be made: after the cooldown it takes the place of the one trial. */
  enter(origin: string): Refusal | undefined
  /** How a paid request ended. */
  concluded(origin: string, outcome: 'served' | 'failed'): void
}

export interface CircuitOptions {
  /** Null: nothing is ever paused. */
  readonly rule: CircuitRule | null
  readonly clock: Clock
  readonly events: Pick<Events, 'circuitTurned'>
}

/** Times by the monotonic clock. */
interface Watched {
  /** Oldest first. */
  readonly outcomes: { readonly at: number; readonly failed: boolean }[]
  /** How many of them. */
  failures: number
  openedAt: number | undefined
  /** A trial that never ends, because nothing came to be paid, gives its place up after another cooldown. */
  triedAt: number | undefined
}

const CLOSED: Circuit = { bar: () => undefined, enter: () => undefined, concluded: () => undefined }

export function createCircuit({ rule, ...options }: CircuitOptions): Circuit {
  return rule ? watch(rule, options) : CLOSED
}

function watch(rule: CircuitRule, { clock, events }: Omit<CircuitOptions, 'rule'>): Circuit {
  const watched = new LRUCache<string, Watched>({ max: MAX_WATCHED })

  /** When this origin may be paid again; in the past where it may. */
  const opensAt = ({ openedAt, triedAt }: Watched) =>
    Math.max(openedAt ?? Number.NEGATIVE_INFINITY, triedAt ?? Number.NEGATIVE_INFINITY) + rule.cooldown_ms

  function bar(origin: string): Refusal | undefined {
    const one = watched.get(origin)
    if (one?.openedAt === undefined) return undefined
    const wait_ms = opensAt(one) - clock.monotonic()
    return wait_ms > 0 ? refusalFor(origin, { wait_ms, now: clock.now() }) : undefined
  }

  function enter(origin: string): Refusal | undefined {
    const barred = bar(origin)
    const one = watched.get(origin)
    if (barred || one?.openedAt === undefined) return barred
    one.triedAt = clock.monotonic()
    turned(origin, 'half_open')
    return undefined
  }

  function concluded(origin: string, outcome: 'served' | 'failed'): void {
    const at = clock.monotonic()
    const one = watched.get(origin) ?? { outcomes: [], failures: 0, openedAt: undefined, triedAt: undefined }
    watched.set(origin, one)
    if (one.openedAt === undefined) {
      note(one, { at, failed: outcome === 'failed' }, rule)
      if (isFailing(one, rule)) open(origin, one)
    } else if (one.triedAt !== undefined) {
      // What was under way when the circuit opened says nothing new.
      if (outcome === 'failed') open(origin, one)
      else close(origin)
    }
  }

  function close(origin: string): void {
    watched.delete(origin)
    turned(origin, 'closed')
  }

  function open(origin: string, one: Watched): void {
    Object.assign(one, { outcomes: [], failures: 0, openedAt: clock.monotonic(), triedAt: undefined })
    turned(origin, 'open')
  }

  const turned = (origin: string, state: 'open' | 'half_open' | 'closed') => events.circuitTurned({ host: new URL(origin).host, state })
  return { bar, enter, concluded }
}

/** What has left the window, or is one too many, goes. */
function note(one: Watched, latest: Watched['outcomes'][number], { window_ms }: CircuitRule): void {
  const { outcomes } = one
  outcomes.push(latest)
  if (latest.failed) one.failures++
  for (let first = outcomes[0]; first; first = outcomes[0]) {
    if (latest.at - first.at < window_ms && outcomes.length <= MAX_CIRCUIT_OUTCOMES) return
    outcomes.shift()
    if (first.failed) one.failures--
  }
}

function isFailing({ outcomes, failures }: Watched, { minimum, errorRate }: CircuitRule): boolean {
  return outcomes.length >= minimum && failures * 100 >= errorRate * outcomes.length
}

function refusalFor(origin: string, { wait_ms, now }: { readonly wait_ms: number; readonly now: number }): Refusal {
  return {
    code: 'circuit_open',
    detail: `Too many paid requests to ${new URL(origin).host} failed, so nothing new is paid there for a while.`,
    rule: 'circuitBreaker',
    resetsAt: now + wait_ms,
    retryAfter_s: secondsFor(wait_ms),
  }
}
