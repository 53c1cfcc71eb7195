/** What operators leave in the ledger besides sessions: keys of their requests, tokens, policies, halts. */

/** An `Idempotency-Key` of the admin door with the digest of what was asked under it. */
export interface AdminKey {
  readonly key: string
  readonly digest: string
}

export type AdminRole = 'all' | 'operator' | 'approver' | 'auditor'

export interface AdminToken {
  readonly id: string
  readonly role: AdminRole
  /** Whose it is: what is said with it counts as said by this person, whatever other tokens they have. Null: the token stands for itself. */
  readonly person: string | null
  readonly label: string
  readonly createdAt: number
  readonly revokedAt: number | null
}

/** A policy that was in force. `text` is its canonical JSON; `since` is when it was announced first, in milliseconds since 1970. */
export interface PolicyRecord {
  readonly version: string
  readonly text: string
  readonly since: number
}

/** What is stopped. `value` is the agent, session or recipient; empty for all. */
export interface Halt {
  readonly scope: 'all' | 'agent' | 'session' | 'recipient'
  readonly value: string
  readonly reason: string
  readonly at: number
}

/** What readiness says while people have stopped all payments. */
export function haltedReason({ reason }: Pick<Halt, 'reason'>): string {
  return `Payments are halted: ${reason}`
}
