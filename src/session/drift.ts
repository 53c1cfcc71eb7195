/**
 * Drift inside a session: it pays otherwise than its start showed. Simple rules, so that whoever reads a finding can
 * follow it: a host or a category that the start did not have, or a pace more than four times its own. What the scope
 * declares is no drift. Pure.
 */
import { DRIFT_PACE_FACTOR, DRIFT_START_LEAST, DRIFT_START_PAYMENTS, DRIFT_START_SHARE, DRIFT_STEADY_MS } from '../people-limits.ts'
import type { Conduct, Dealing } from './history.ts'
import type { Session } from './session.ts'

export interface Drift {
  readonly kind: 'host' | 'category' | 'pace'
  /** The host or the category; empty for a pace. */
  readonly value: string
  /** For people; the same as long as the finding is. */
  readonly sentence: string
}

/** A payment that is about to be judged. `at` in milliseconds since 1970. */
export type Asked = Dealing

/**
 * What of this payment the session's start did not show. The start is its first 10 payments, or those of the first tenth
 * of its life, at least 3; before it is over, nothing is drift.
 */
export function driftsOf(session: Pick<Session, 'scope' | 'createdAt' | 'expiresAt'>, conduct: Conduct, asked: Asked): readonly Drift[] {
  const start = startOf(session, conduct.first, asked.at)
  if (!start) return []
  const { hosts, categories } = session.scope
  return [
    ...(hosts ? [] : newHost(start, asked)),
    ...(categories ? [] : newCategories(start, asked)),
    ...fasterPace(start, { latest: conduct.latest, now: asked.at }),
  ]
}

/** Undefined as long as it lasts. */
function startOf(
  { createdAt, expiresAt }: Pick<Session, 'createdAt' | 'expiresAt'>,
  first: Conduct['first'],
  now: number,
): readonly Dealing[] | undefined {
  const early = createdAt + (expiresAt - createdAt) * DRIFT_START_SHARE
  const over = first.length >= DRIFT_START_PAYMENTS || (now > early && first.length >= DRIFT_START_LEAST)
  if (!over) return undefined
  const within = first.filter(({ at }) => at <= early)
  return within.length >= DRIFT_START_LEAST ? within : first.slice(0, DRIFT_START_LEAST)
}

function newHost(start: readonly Dealing[], { host }: Asked): Drift[] {
  if (start.some((one) => one.host === host)) return []
  return [{ kind: 'host', value: host, sentence: `The start of this session showed no payment to ${host}.` }]
}

function newCategories(start: readonly Dealing[], { categories }: Asked): Drift[] {
  return categories
    .filter((category) => start.every((one) => !one.categories.includes(category)))
    .map((category) => ({ kind: 'category', value: category, sentence: `The start of this session showed no payment for ${category}.` }))
}

/** As many payments as the start has are compared with it, this one included. */
function fasterPace(start: readonly Dealing[], { latest, now }: { readonly latest: Conduct['latest']; readonly now: number }): Drift[] {
  const [first, last] = [start[0], start.at(-1)]
  const since = latest[start.length - 2]
  if (!first || !last || !since) return []
  const usual_ms = last.at - first.at
  const steps = start.length - 1
  if (usual_ms < steps * DRIFT_STEADY_MS || (now - since.at) * DRIFT_PACE_FACTOR >= usual_ms) return []
  return [{ kind: 'pace', value: '', sentence: `This session now pays more than ${DRIFT_PACE_FACTOR} times as fast as it began.` }]
}
