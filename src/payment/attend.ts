/** Attending: what ends a request's waiting for people before they have decided. */
import type { Refusal } from '../errors.ts'
import { barNow, lineageOf } from './bars.ts'
import type { Case } from './case.ts'

export interface Attendance {
  /** Fires when the agent is gone, the process stops, or the session or a halt bars the payment. */
  readonly signal: AbortSignal
  /** Why the payment is barred as things stand now. */
  bar(): Promise<Refusal | undefined>
  /** Stops listening. */
  end(): void
}

/** Listens from now on: what changed before is seen by asking `bar`. */
export async function attend(matter: Case): Promise<Attendance> {
  const { deps, request } = matter
  const barred = new AbortController()
  const line = new Set((await lineageOf(deps.ledger, request.session)).map(({ id }) => id))
  const look = async () => {
    if (await barNow(matter)) barred.abort()
  }
  const unwatch = deps.ledger.watch((change) => {
    const concerned = change.kind === 'halts' || (change.kind === 'session_ended' && line.has(change.sessionId))
    if (concerned) look().catch((fault: unknown) => deps.events.faulted('a change while people were asked', fault))
  })
  return {
    signal: AbortSignal.any([request.signal, deps.people.stopping, barred.signal]),
    bar: () => barNow(matter),
    end: unwatch,
  }
}
