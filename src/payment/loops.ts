/**
 * The loop guard, for agents that retry without thinking: who asks the same again and again although it is refused or
 * fails is told to do something else, and waits longer each time. Each process watches for itself.
 */
import { LRUCache } from 'lru-cache'
import type { Clock } from '../clock.ts'
import type { Code, Refusal } from '../errors.ts'
import { MAX_LOOP_DELAY_MS, MAX_WATCHED } from '../people-limits.ts'
import { secondsFor } from '../session/duration.ts'
import type { PaidRequest, PaymentOutcome } from '../session/exchange.ts'
import type { Events } from '../telemetry/events.ts'
import { placeOf } from './place.ts'

export interface LoopRule {
  /** So many times in a row make a loop. */
  readonly after: number
  /** What lies longer apart is no loop. */
  readonly within_ms: number
}

type Asked = Pick<PaidRequest, 'session' | 'method' | 'url'> & Partial<Pick<PaidRequest, 'singular' | 'hints'>>

export interface Loops {
  /** Why this request is not tried once more now. */
  bar(request: Asked): Refusal | undefined
  /** How it ended. `began_ms` by the monotonic clock: what was asked at the same time is no retry. */
  concluded(request: Asked, outcome: PaymentOutcome, began_ms: number): void
}

export interface LoopOptions {
  /** Null: nobody is stopped. */
  readonly rule: LoopRule | null
  readonly clock: Clock
  readonly events: Pick<Events, 'loopDetected'>
}

/** Times by the monotonic clock. */
interface Run {
  times: number
  last: number
  until: number
}

const UNGUARDED: Loops = { bar: () => undefined, concluded: () => undefined }
const FIRST_DELAY_MS = 1_000
/** A refusal costs nothing, and a burst of requests is no retry: refusals that lie closer together count once. */
const REFUSALS_APART_MS = 1_000

/** Repeating these is what their readers are asked to do, or what heals by itself. */
const WORTH_REPEATING: ReadonlySet<Code> = new Set([
  'approval_pending',
  'approval_expired',
  'purchase_in_progress',
  'payment_rejected',
  'payment_unknown',
  'ledger_unavailable',
  'payments_halted',
  'policy_changed',
  'clock_skew',
  'circuit_open',
  'loop_detected',
  'internal_error',
])

export function createLoops({ rule, ...options }: LoopOptions): Loops {
  return rule ? guard(rule, options) : UNGUARDED
}

function guard(rule: LoopRule, { clock, events }: Omit<LoopOptions, 'rule'>): Loops {
  const runs = new LRUCache<string, Run>({ max: MAX_WATCHED })

  function note(request: Asked, { began_ms, apart_ms }: { readonly began_ms: number; readonly apart_ms: number }): void {
    const key = keyOf(request)
    const now = clock.monotonic()
    const before = runs.get(key)
    if (before && (began_ms < before.last || now - before.last < apart_ms)) return
    const times = before && now - before.last <= rule.within_ms ? before.times + 1 : 1
    const delay_ms = times < rule.after ? 0 : Math.min(MAX_LOOP_DELAY_MS, FIRST_DELAY_MS * 2 ** (times - rule.after))
    runs.set(key, { times, last: now, until: now + delay_ms })
    if (times !== rule.after) return
    const { session, method, url } = request
    events.loopDetected({ sessionId: session.id, agent: session.agent, method, host: placeOf(url).host })
  }

  return {
    bar(request) {
      const run = runs.get(keyOf(request))
      const wait_ms = run ? run.until - clock.monotonic() : 0
      return run && wait_ms > 0 ? refusalFor(request, { times: run.times, wait_ms }) : undefined
    },
    concluded(request, outcome, began_ms) {
      if (endedWell(outcome)) runs.delete(keyOf(request))
      else if (endedIll(outcome)) note(request, { began_ms, apart_ms: outcome.kind === 'refuse' ? REFUSALS_APART_MS : 0 })
    },
  }
}

/** Where the URL serves many tools, one that is refused says nothing about the others. */
function keyOf({ session, method, url, singular, hints }: Asked): string {
  return `${session.id} ${method} ${url} ${(singular && hints?.tool) || ''}`
}

function endedWell(outcome: PaymentOutcome): boolean {
  return outcome.kind === 'answer' && outcome.answer.status < 400
}

function endedIll(outcome: PaymentOutcome): boolean {
  if (outcome.kind === 'answer') return outcome.answer.status >= 400
  return outcome.kind === 'refuse' && !WORTH_REPEATING.has(outcome.refusal.code)
}

function refusalFor({ method, url }: Asked, { times, wait_ms }: { readonly times: number; readonly wait_ms: number }): Refusal {
  return {
    code: 'loop_detected',
    detail: `${method} at ${placeOf(url).host} was refused or failed ${times} times in a row; it is not tried again right now.`,
    rule: 'loopGuard',
    retryAfter_s: secondsFor(wait_ms),
  }
}
