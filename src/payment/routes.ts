/**
 * Routes that are known to charge: what they asked for, as long as they ask everybody the same. A route is a method, an
 * origin and a path, with the credentials that its server sees: what is free for a subscriber is another route. Terms
 * are learned from payments that were asked for, taken and served, and from nothing else.
 */
import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Clock } from '../clock.ts'
import { headerValues } from '../http.ts'
import { MAX_RECURRING_ROUTES, PREEMPTIVE_MAX_ANSWER_MS, PREEMPTIVE_PAUSE_MS } from '../preemptive-limits.ts'
import type { Challenge, Rail } from '../rails/rail.ts'
import type { BodyState, PaidRequest } from '../session/exchange.ts'
import { matchesHost } from '../session/host-pattern.ts'
import type { Case } from './case.ts'
import { placeOf } from './place.ts'

export interface RouteRule {
  /** So many payments in a row on the same terms. */
  readonly after: number
  /** How long terms live after the challenge that last showed them. */
  readonly terms_ms: number
  /** Host patterns. */
  readonly hosts: readonly string[]
}

/** What a route asks for. */
export interface RouteTerms {
  readonly rail: Rail
  readonly challenge: Challenge
  /** When a challenge last said so, in milliseconds since 1970. */
  readonly challengedAt: number
  /** The same moment by the monotonic clock. */
  readonly challenged_ms: number
}

type Asked = Pick<PaidRequest, 'method' | 'url' | 'headers'>

export interface Routes {
  /** A look at whether there are terms for this route. */
  expects(request: Asked): boolean
  /** The terms, where they hold for this very request: its route asked the same of different ones, or it is the one that was asked. */
  termsFor(request: Asked, body: BodyState): RouteTerms | undefined
  /** A challenge was read: other terms than those remembered end them. */
  challenged(matter: Case): void
  /** A payment that a challenge asked for was taken and served, within so long. */
  charged(matter: Case, took_ms: number): void
  /** The terms did not hold: the route is asked like any other for a while, and has to recur anew. */
  pause(request: Asked): void
}

interface Route {
  readonly kind: 'recurring'
  readonly text: string
  readonly times: number
  /** The one request that asked so far; undefined once another one was asked the same. */
  readonly only: string | undefined
  readonly terms: RouteTerms
}

type Known = Route | { readonly kind: 'paused'; readonly until_ms: number }

/** What says who asks. Only its digest is kept. */
const CREDENTIALS = ['authorization', 'cookie', 'x-api-key', 'api-key']
/** They serve nothing that could be paid for. */
const UNPAID_METHODS: ReadonlySet<string> = new Set(['HEAD', 'OPTIONS'])

export function createRoutes(rule: RouteRule, clock: Pick<Clock, 'monotonic'>): Routes {
  const known = new LRUCache<string, Known>({ max: MAX_RECURRING_ROUTES })

  function recurring(request: Asked): Route | undefined {
    const route = known.get(keyOf(request))
    if (route?.kind !== 'recurring' || route.times < rule.after) return undefined
    return clock.monotonic() - route.terms.challenged_ms < rule.terms_ms ? route : undefined
  }

  return {
    expects: (request) => known.size > 0 && recurring(request) !== undefined,
    termsFor(request, body) {
      const route = recurring(request)
      return route && (route.only === undefined || route.only === nameOf(request, body)) ? route.terms : undefined
    },
    challenged({ request, rail, challenge }) {
      const key = keyOf(request)
      const route = known.peek(key)
      if (route?.kind === 'recurring' && route.text !== rail.recurring(challenge).text) known.delete(key)
    },
    charged(matter, took_ms) {
      const { request, body } = matter
      if (!body || request.singular || UNPAID_METHODS.has(request.method) || !covers(rule.hosts, request.url)) return
      const key = keyOf(request)
      const route = known.get(key)
      if (route?.kind === 'paused' && clock.monotonic() < route.until_ms) return
      if (took_ms > PREEMPTIVE_MAX_ANSWER_MS) known.delete(key)
      else known.set(key, after(route, { matter, name: nameOf(request, body) }))
    },
    pause: (request) => void known.set(keyOf(request), { kind: 'paused', until_ms: clock.monotonic() + PREEMPTIVE_PAUSE_MS }),
  }
}

/** What is known once this payment is counted. */
function after(before: Known | undefined, { matter, name }: { readonly matter: Case; readonly name: string }): Route {
  const { rail, challenge, challengedAt, challenged_ms } = matter
  const { text, challenge: common } = rail.recurring(challenge)
  const terms = { rail, challenge, challengedAt, challenged_ms }
  if (before?.kind !== 'recurring' || before.text !== text) return { kind: 'recurring', text, times: 1, only: name, terms }
  const echoed = before.terms.challenge.echo === challenge.echo ? challenge : common
  return { ...before, times: before.times + 1, only: before.only === name ? name : undefined, terms: { ...terms, challenge: echoed } }
}

/** Paths are long at an agent's pleasure; what is remembered of them, and of credentials, is not. */
function keyOf({ method, url, headers }: Asked): string {
  const [place] = url.split('?', 1)
  return digest([method, place, CREDENTIALS.map((name) => headerValues(headers, name))])
}

function nameOf({ url }: Asked, body: BodyState): string {
  return digest([url, body.digest])
}

function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('base64')
}

function covers(hosts: readonly string[], url: string): boolean {
  const { host, port } = placeOf(url)
  return hosts.some((pattern) => matchesHost(pattern, host, port))
}
