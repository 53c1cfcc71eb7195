/**
 * Sessions: the boundary of authority. One agent, one purpose, a cap, a lifetime, a scope, a wallet; no session, no
 * payment. This folder knows what a session is and how a request names its own; where sessions are kept is the ledger's.
 */
import type { Code } from '../errors.ts'

/** Amounts are millionths of the session's currency. An absent key adds no bound of its own; the cap always binds. */
export interface SessionLimits {
  readonly perPayment?: bigint
  readonly payments?: number
  /** Hosts (patterns) or recipient addresses; `*` is the bound of each one not named; without it the unnamed are refused. */
  readonly perRecipient?: Readonly<Record<string, bigint>>
  readonly perCategory?: Readonly<Record<string, bigint>>
  readonly perTool?: Readonly<Record<string, bigint>>
  readonly perUser?: Readonly<Record<string, bigint>>
  readonly perWindow?: readonly { readonly max: bigint; readonly per_ms: number }[]
  /** Steps of one task, as `Purser-Task` names it; requests that name none are one task together. */
  readonly perTask?: TaskLimits
}

/** A step budget: paid calls, and requests of any kind. */
export interface TaskLimits {
  readonly payments?: number
  readonly requests?: number
}

/** What the session is for. An absent key declares nothing in its dimension; an empty list refuses everything. */
export interface SessionScope {
  readonly hosts?: readonly string[]
  readonly methods?: readonly string[]
  /** Path globs. */
  readonly paths?: readonly string[]
  readonly categories?: readonly string[]
  readonly tools?: readonly string[]
  /** `payments` (default) judges payments only, `all` every request. */
  readonly enforce?: 'payments' | 'all'
  readonly onDrift?: 'report' | 'escalate' | 'deny'
}

/** A recurring budget: `amount` is added to the cap every `every_ms`, as long as no more than `max` remains then. */
export interface Refill {
  /** Millionths. */
  readonly amount: bigint
  readonly every_ms: number
  /** Millionths that may remain after a refill at most. */
  readonly max: bigint
}

export type SessionState = 'open' | 'exhausted' | 'closing' | 'closed' | 'expired' | 'revoked'

/** A session as the ledger has it. Times in milliseconds since 1970. */
export interface Session {
  readonly id: string
  /** Durable name of a session that is resumed by name, e.g. the default session; else null. */
  readonly name: string | null
  readonly agent: string
  readonly purpose: string
  readonly currency: string
  readonly cap: bigint
  readonly spent: bigint
  readonly held: bigint
  /** Payments that were reserved and not voided. */
  readonly payments: number
  readonly createdAt: number
  readonly expiresAt: number
  /** What was decided about it; `stateOf` derives what it is now. */
  readonly status: 'open' | 'closed' | 'revoked'
  readonly limits: SessionLimits
  readonly scope: SessionScope
  /** CAIP-2 names that it may pay on. */
  readonly networks: readonly string[]
  /** Symbols or addresses that it may pay with. */
  readonly assets: readonly string[]
  readonly wallet: string | null
  readonly owner: string
  readonly parent: string | null
  readonly singleUse: boolean
  readonly labels: Readonly<Record<string, string>>
  readonly refill: Refill | null
  /** Periods of `refill` since the opening that have been counted, whether they added something or not. */
  readonly refills: number
}

/** cap − spent − held; never negative. */
export function remainingOf(session: Pick<Session, 'cap' | 'spent' | 'held'>): bigint {
  return session.cap - session.spent - session.held
}

/** What the session is at `now`: expired and closed ones answer `closing` while an outcome is still held. */
export function stateOf(session: Session, now: number): SessionState {
  if (session.status === 'revoked') return 'revoked'
  const held = session.held > 0n
  if (session.status === 'closed') return held ? 'closing' : 'closed'
  if (now >= session.expiresAt) return held ? 'closing' : 'expired'
  return remainingOf(session) === 0n ? 'exhausted' : 'open'
}

/** Why a session in this state cannot make a new payment, or undefined if it can. */
export function paymentBar(session: Session, now: number): { readonly code: Code; readonly detail: string } | undefined {
  if (session.status === 'revoked') return { code: 'session_revoked', detail: `Session ${session.id} was revoked.` }
  if (session.status === 'closed') return { code: 'session_closed', detail: `Session ${session.id} was closed.` }
  if (now >= session.expiresAt)
    return { code: 'session_expired', detail: `Session ${session.id} expired at ${new Date(session.expiresAt).toISOString()}.` }
  if (remainingOf(session) === 0n) return { code: 'session_exhausted', detail: `Nothing remains of the budget of session ${session.id}.` }
  return undefined
}
