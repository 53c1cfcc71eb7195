/** Insight: many payments looked over at once, for people who watch. Nothing is decided by it. */
import type { Page, PageRequest, PaymentState } from './ledger.ts'
import type { LimitUse, LimitUseQuery } from './limit-use.ts'

/** Payments of one kind that were decided in one step of time. */
export interface Activity {
  /** When the step begins, milliseconds since 1970. */
  readonly at: number
  readonly tier: string
  readonly state: PaymentState
  readonly code: string | null
  readonly currency: string | null
  /** Identical refusals each counted. */
  readonly count: number
  /** Millionths; 0 for what was refused. */
  readonly amount: bigint
}

export interface Span {
  /** Milliseconds since 1970; `until` is not part of it. Both are multiples of `step_ms`. */
  readonly since: number
  readonly until: number
  readonly step_ms: number
}

/** A recipient at an origin: one that was paid and served an agent, or one that is pinned there. */
export interface Dealt {
  readonly origin: string
  readonly network: string
  readonly payTo: string
  /** Agents that paid it and were served. */
  readonly agents: number
  /** The newest of those payments; null for one that is only pinned. */
  readonly lastPaymentId: string | null
  /** Who is pinned at this origin and network, whoever it is. */
  readonly pin: { readonly payTo: string; readonly at: number; readonly uses: number } | null
}

/** Every method rejects with PurserError `ledger_unavailable` where the store cannot be read. */
export interface InsightStore {
  /** Oldest step first. Large spans are read in pieces, so that nobody waits for them. */
  activity(span: Span): Promise<readonly Activity[]>
  /** By origin, network and address. */
  dealings(page: PageRequest): Promise<Page<Dealt>>
  dealing(of: Pick<Dealt, 'origin' | 'network' | 'payTo'>): Promise<Dealt | undefined>
  /** The session's own limits, not those of its ancestors. */
  limitUse(query: LimitUseQuery): Promise<readonly LimitUse[]>
  /** Those of these nonces that a payment has, or had, as its own. */
  usedNonces(nonces: readonly string[]): Promise<readonly string[]>
}
