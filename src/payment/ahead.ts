/** Authorizing ahead: its words. */
import type { Alert } from '../approval/alert.ts'
import type { Approvals } from '../approval/approvals.ts'
import type { Clock, Ids } from '../clock.ts'
import type { Code } from '../errors.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Trust } from '../session/history.ts'
import type { Session } from '../session/session.ts'
import type { AuditIds } from './audit-ids.ts'
import type { Policy } from './deps.ts'

export interface AheadDeps {
  readonly ledger: Ledger
  readonly approvals: Pick<Approvals, 'claim' | 'unclaim' | 'ask' | 'openWindow' | 'closeWindow' | 'approvals'>
  readonly policy: () => Policy
  readonly clock: Clock
  readonly ids: Ids
  readonly auditIds: AuditIds
  /** Tells owners of what their tier prohibits, where it says so. Never rejects. */
  readonly alert: (alert: Alert) => Promise<unknown>
  /**
   * True where no payment comes after it (the library): repeating the same request claims what people decided, veto
   * windows are opened here, and what was authorized counts in the tiers' frequencies.
   */
  readonly standalone: boolean
}

/** The amount in millionths of `currency`. */
export interface AheadRequest {
  readonly session: Session
  readonly amount: bigint
  readonly category: string
  /** A host or an address. */
  readonly recipient: string
  /** Taken at its word; without it listings and the past decide. */
  readonly recipientTrust?: Trust
  readonly justification: string | null
  /** CAIP-2. */
  readonly network: string
  /** The person who asks in the agent’s name: they cannot approve it. Absent for an agent that asks for itself. */
  readonly requester?: string
  readonly dryRun?: boolean
}

export type AheadStatus = 'approved' | 'awaiting_veto' | 'awaiting_approval' | 'blocked' | 'refused'

export interface Authorized {
  /** Empty where none applies. */
  readonly tier: string
  readonly status: AheadStatus
  /** Like `aud-2026-06-27-001`; null for a dry run. */
  readonly auditId: string | null
  readonly reason: string
  /** Why not, where it is blocked or refused. */
  readonly code?: Code
  readonly approvalId?: string
  readonly policyVersion: string
}

export type AuthorizeAhead = (request: AheadRequest) => Promise<Authorized>
