/** Refills: what a recurring budget has grown by until now. Pure, and exact however rarely somebody looks. */
import { MAX_CAP } from '../limits.ts'
import { remainingOf, type Session } from '../session/session.ts'

/**
 * The session with all refills that were due by `now` (milliseconds since 1970), or the very same one where none was.
 * Refills fall due every `every_ms` from the opening on while the session is open and has not expired; a period that has
 * been counted is never counted again, whatever the clock does. Whoever changes what remains applies them first: a refill
 * looks at what remained when it fell due.
 */
export function refilled(session: Session, now: number): Session {
  const { refill, expiresAt, refills } = session
  if (!refill || session.status !== 'open') return session
  const periods = periodsAt(session, Math.min(now, expiresAt - 1))
  if (periods <= refills) return session
  return { ...session, cap: session.cap + additionOf(session, refill, periods - refills), refills: periods }
}

/** How many periods have ended by then; none without a refill. */
export function periodsAt({ createdAt, refill }: Pick<Session, 'createdAt' | 'refill'>, at: number): number {
  return refill ? Math.max(0, Math.floor((at - createdAt) / refill.every_ms)) : 0
}

/** When the next refill falls due (milliseconds since 1970), or undefined where none will. */
export function nextRefill(session: Session): number | undefined {
  const { refill, createdAt, refills, expiresAt, status } = session
  if (!refill || status !== 'open') return undefined
  const at = createdAt + (refills + 1) * refill.every_ms
  return at < expiresAt ? at : undefined
}

function additionOf(session: Session, { amount, max }: NonNullable<Session['refill']>, periods: number): bigint {
  const room = smaller(max - remainingOf(session), MAX_CAP - session.cap)
  return room > 0n ? smaller(amount * BigInt(periods), room) : 0n
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}
