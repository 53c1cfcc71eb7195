/** Recurring budgets: when the next refill falls due. How much a refill adds is the ledger's to say. */
import type { Session } from './session.ts'

/** When the next refill falls due (milliseconds since 1970), or undefined where none will. */
export function nextRefill(session: Pick<Session, 'refill' | 'createdAt' | 'refills' | 'expiresAt' | 'status'>): number | undefined {
  const { refill, createdAt, refills, expiresAt, status } = session
  if (!refill || status !== 'open') return undefined
  const at = createdAt + (refills + 1) * refill.every_ms
  return at < expiresAt ? at : undefined
}
