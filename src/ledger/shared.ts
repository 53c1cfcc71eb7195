/**
 * A ledger that one process owns and workers of that process reach through it (rule R7). Each worker is a run of its own,
 * as a replica is: what it holds is nobody else's, and what it signed only it may take back.
 */
import type { Ledger, PurchaseIdentity, ReserveRequest, ReserveResult, ResumeResult } from './ledger.ts'

export interface SharedLedger extends Ledger {
  /** The runs that live. What one held that is taken out of here is nobody's, and is settled by the next `takeOver`. */
  readonly workers: Set<string>
  /** For this run, where one is named. */
  resume(purchase: PurchaseIdentity, run?: string): Promise<ResumeResult>
  /** For this run, where one is named. */
  reserve(request: ReserveRequest, run?: string): Promise<ReserveResult>
}
