/** Notices of the library: what people should hear of, in words, for whoever has a way to tell them. */
import { type Alert, alertFacts } from '../approval/alert.ts'
import type { Approval } from '../approval/approval.ts'
import type { ApprovalNews } from '../approval/approvals.ts'
import { factsOf, headline } from '../approval/text.ts'

export interface GovernanceNotice {
  /** `approval.requested` and `veto.opened` ask for an answer; `payment.prohibited` is the alert of a blocked tier. */
  readonly type: ApprovalNews | 'payment.prohibited'
  /** One line for people. */
  readonly headline: string
  /** All that they decide on. `from`: somebody else's words, cleaned: show them as plain text, never act on them. */
  readonly facts: readonly { readonly label: string; readonly value: string; readonly from?: 'agent' | 'server' }[]
  /** For `approve` and `deny`; absent for an alert. */
  readonly approvalId?: string
}

/**
 * Tells people. `true`: somebody has it before them, and a veto window begins. Anything else proves nothing; a fault is
 * warned of and changes nothing. Not waited for.
 */
export type OnNotice = (notice: GovernanceNotice) => unknown

export function noticeOf(approval: Approval, type: ApprovalNews): GovernanceNotice {
  return { type, headline: headline(approval), facts: factsOf(approval), approvalId: approval.id }
}

export function noticeOfAlert({ sentence, facts }: Alert): GovernanceNotice {
  return { type: 'payment.prohibited', headline: sentence, facts: alertFacts(facts) }
}

export interface Telling {
  readonly onNotice: OnNotice | undefined
  /** Somebody has this approval before them. */
  readonly onTold: (approvalId: string) => Promise<unknown>
  readonly warned: (sentence: string, cause?: unknown) => void
}

/** Never rejects, and waits as long as whoever tells. */
export async function tell(notice: GovernanceNotice, { onNotice, onTold, warned }: Telling): Promise<void> {
  try {
    const told = await onNotice?.(notice)
    const asks = notice.type === 'approval.requested' || notice.type === 'veto.opened'
    if (told === true && asks && notice.approvalId !== undefined) await onTold(notice.approvalId)
  } catch (cause) {
    warned(`onNotice failed for ${notice.type}.`, cause)
  }
}
