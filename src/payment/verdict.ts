/** Verdicts: what people said no to, and for how long a repeat of it hears that instead of asking them once more. */
import type { Approval } from '../approval/approval.ts'
import { plain } from '../approval/text.ts'
import type { Refusal } from '../errors.ts'
import { DENIAL_TOLD_MS, EXPIRY_TOLD_MS } from '../limits.ts'
import { secondsFor } from '../session/duration.ts'
import type { PaymentOutcome } from '../session/exchange.ts'
import { withAlternatives } from './alternatives.ts'
import type { Case } from './case.ts'
import { refuse } from './refuse.ts'

export type Verdict = Refusal & { readonly code: 'approval_denied' | 'approval_expired' | 'vetoed' }

/**
 * The refusal that an approval stands for now; undefined where it stands for none, or not any more. One that was
 * approved and not claimed in time is no refusal: people are asked again.
 */
export function verdictOf(approval: Approval, now: number): Verdict | undefined {
  const { state, kind, votes, required, expiresAt } = approval
  const told = (span_ms: number) => now < (approval.decidedAt ?? expiresAt) + span_ms
  if (state === 'denied')
    return told(DENIAL_TOLD_MS) ? { code: 'approval_denied', detail: `A person refused this payment${because(approval)}` } : undefined
  if (state === 'vetoed') return told(DENIAL_TOLD_MS) ? vetoOf(approval) : undefined
  // Overdue is over, whether or not it was swept yet: a repeat in between must not ask people anew.
  const isOver = state === 'expired' || (state === 'pending' && now >= expiresAt)
  if (!isOver || kind !== 'approval' || votes.length >= required || !told(EXPIRY_TOLD_MS)) return undefined
  const until = (approval.decidedAt ?? expiresAt) + EXPIRY_TOLD_MS
  const detail = `Nobody approved this payment by ${new Date(expiresAt).toISOString()}, so it is refused.`
  return { code: 'approval_expired', detail, retryAfter_s: secondsFor(until - now) }
}

export function vetoOf(approval: Approval): Verdict {
  return { code: 'vetoed', detail: `A person vetoed this payment${because(approval)}` }
}

function because({ votes }: Approval): string {
  const reason = plain(votes.find(({ verdict }) => verdict === 'deny')?.reason ?? '')
  return reason === '' ? '.' : `: ${reason}`
}

/** Refuses with it, on record, with what the agent may do instead. */
export async function refuseAs(matter: Case, approval: Approval, verdict: Verdict): Promise<PaymentOutcome> {
  const told = await withAlternatives({ ...matter, approval }, verdict)
  return refuse(told.matter, told.refusal)
}
