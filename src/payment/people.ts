/** People, as the payment flow needs them: whom it asks, how long it lets an agent wait for them, and where they look. */
import type { Alert } from '../approval/alert.ts'
import type { Approvals } from '../approval/approvals.ts'

export interface People {
  readonly approvals: Pick<Approvals, 'claim' | 'unclaim' | 'ask' | 'openWindow' | 'settled' | 'closeWindow' | 'withdraw' | 'approvals'>
  /** How long a request waits for an approval, and for a veto window, before it is answered `approval_pending`. */
  readonly hold_ms: number
  readonly vetoHold_ms: number
  /** Where it can be seen and decided on; undefined where there is no such place for an agent to name. */
  approvalUrl(approvalId: string): string | undefined
  /** Fires when the process is about to stop: whoever waits for people is answered at once. */
  readonly stopping: AbortSignal
  /** Tells the owner, who decides nothing about it. Rejects where it could not be written down that somebody is to be told. */
  alert(alert: Alert): Promise<unknown>
}
