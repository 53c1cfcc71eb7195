/**
 * Approval: people between a decision and a payment. A tier may want people to say yes before anything is set aside, or
 * give them time to say no while the money is set aside. This folder keeps what was asked, of whom, and what they said;
 * how it reaches them is the channels'. It declares the store that it needs; the ledgers implement it.
 *
 * An approval allows one payment with exactly its digest (rule R15), once, for a while, and dies with its session.
 */

/** `approval`: nothing happens without a yes. `veto`: the payment is made unless somebody says no in time. */
export type ApprovalKind = 'approval' | 'veto'

export type ApprovalState =
  /** Waits for people; a veto window runs, or waits for its first delivered notice. */
  | 'pending'
  /** Enough people said yes: the same request may claim it, once, until it expires. */
  | 'approved'
  /** The window ran out unheard by the agent: the same request may claim it, once, until it expires. */
  | 'passed'
  /** A payment rests on it. */
  | 'used'
  | 'denied'
  | 'vetoed'
  /** Nobody decided in time, or nobody came for it in time. */
  | 'expired'
  /** The session ended first, or the payment was given up. */
  | 'withdrawn'

/** How a person said it. */
export type Channel = 'api' | 'cli' | 'console' | 'link' | 'slack'

export interface Vote {
  /** Id of the person or of the token; never the requesting agent. */
  readonly person: string
  readonly verdict: 'approve' | 'deny'
  readonly reason: string
  readonly channel: Channel
  /** Milliseconds since 1970. */
  readonly at: number
}

/** Exactly what people are shown, and what will be signed. Amounts in atomic units and in millionths of `currency`. */
export interface Shown {
  readonly method: string
  /** The resource, as asked upstream. */
  readonly url: string
  readonly host: string
  readonly bodyDigest: string
  readonly rail: string
  readonly scheme: string
  readonly flow: 'authorization' | 'upfront'
  readonly network: string
  readonly asset: { readonly symbol: string; readonly address: string; readonly decimals: number }
  readonly amountAtomic: bigint
  readonly amount: bigint
  readonly currency: string
  readonly payTo: string
  /** The session’s. */
  readonly purpose: string
  readonly owner: string
  /** The agent’s own words. */
  readonly justification: string | null
  readonly tool: string | null
  readonly task: string | null
  readonly categories: readonly string[]
  readonly trust: string
  readonly tier: string
  /** Why the policy asks. */
  readonly reason: string
  readonly policyVersion: string
  /** Millionths that are left of the session before this payment. */
  readonly remaining: bigint
  /** What differs from the last payment to this host; sentences of ours. Empty where nothing does, or nothing was paid yet. */
  readonly changes: readonly string[]
  /** Of the authorization ahead (`POST /v1/authorize`) that asked for it. */
  readonly auditId?: string
  /** Text of the paid server: to be shown as plain text and marked as such, never trusted. Control and bidi characters are gone. */
  readonly untrusted: string | null
}

export interface Window {
  readonly length_ms: number
  /** Set by the first proof that a notice was delivered. Milliseconds since 1970. */
  readonly startedAt: number | null
}

/** Times in milliseconds since 1970. */
export interface Approval {
  readonly id: string
  readonly kind: ApprovalKind
  readonly state: ApprovalState
  readonly sessionId: string
  readonly agent: string
  /** The person who asked for it ahead, in the agent’s name: they cannot approve it. */
  readonly requester?: string
  /** SHA-256 (hex) of session, method, URL, body, rail, scheme, network, asset, amount, recipient and flow. */
  readonly digest: string
  /** The id that the payment has or will have. */
  readonly paymentId: string
  readonly shown: Shown
  /** How many different people have to say yes. */
  readonly required: number
  readonly votes: readonly Vote[]
  readonly createdAt: number
  /** Pending: refuses itself then. Approved and passed: cannot be claimed from then on. */
  readonly expiresAt: number
  /** Of a veto window. */
  readonly window: Window | null
  /** When a notice was first known to have reached somebody. */
  readonly noticedAt: number | null
  /** Pending: when one more person is told, if nobody has decided until then. */
  readonly escalateAt: number | null
  readonly decidedAt: number | null
  /** Used: since when. */
  readonly usedAt: number | null
  /** Moves on with every change: who changes it says which one they saw. */
  readonly version: number
}

/** `not_needed`: what it asked for was over before it reached anybody. */
export type NoticeState = 'waiting' | 'delivered' | 'dead' | 'not_needed'

/** One message to one address of one person, or to a channel that is nobody's in particular. */
export interface Notice {
  readonly id: string
  /** Of an approval, or null for an event. */
  readonly approvalId: string | null
  /** Event type, e.g. `approval.requested`, `payment.prohibited`. */
  readonly type: string
  readonly person: string
  readonly channel: 'webhook' | 'slack' | 'email'
  /** Name of the configured address, never its secret. */
  readonly target: string
  /** JSON, as it is sent. */
  readonly payload: string
  readonly state: NoticeState
  readonly attempts: number
  /** Of the next attempt. */
  readonly dueAt: number
  readonly createdAt: number
  readonly deliveredAt: number | null
  readonly lastError: string | null
}

export interface ApprovalFilter {
  readonly state?: ApprovalState
  readonly kind?: ApprovalKind
  readonly session?: string
  readonly agent?: string
  readonly digest?: string
}

interface PageOf<T> {
  readonly items: readonly T[]
  readonly next: string | null
}
type PageRequest = { readonly limit: number; readonly cursor?: string }

/**
 * Where approvals and notices are kept, for all processes on one ledger. Every write is durable when it resolves.
 * Every method rejects with PurserError `ledger_unavailable` when the store cannot be read or written.
 */
export interface ApprovalStore {
  /** False where a pending one of kind `approval` with the same session and digest is there already. */
  insertApproval(approval: Approval): Promise<boolean>
  /** By compare-and-set: writes it where the stored version is one less; false where it is not. */
  replaceApproval(approval: Approval): Promise<boolean>
  approval(id: string): Promise<Approval | undefined>
  approvalOfPayment(paymentId: string): Promise<Approval | undefined>
  /** Those of this session and digest that are pending, approved or passed, oldest first. */
  liveApprovals(sessionId: string, digest: string): Promise<readonly Approval[]>
  /** Newest first. */
  approvals(filter: ApprovalFilter, page: PageRequest): Promise<PageOf<Approval>>
  /** Pending, approved or passed ones whose `expiresAt`, window end or `escalateAt` lies at or before `now`; oldest first. */
  overdueApprovals(now: number, limit: number): Promise<readonly Approval[]>
  pendingApprovals(): Promise<number>

  /** Those whose id is there already are left as they are. */
  queueNotices(notices: readonly Notice[]): Promise<void>
  /** Waiting ones that are due, and nobody else's until `leaseUntil`. */
  claimNotices(now: number, leaseUntil: number, limit: number): Promise<readonly Notice[]>
  updateNotice(notice: Notice): Promise<void>
  notice(id: string): Promise<Notice | undefined>
  notices(filter: { readonly state?: NoticeState; readonly approvalId?: string }, page: PageRequest): Promise<PageOf<Notice>>

  /** How many notices are `dead`. */
  deadLetters(): Promise<number>
  /** Of the oldest `limit` notices, removes those that were written before `before` and wait no longer; answers how many. */
  forgetNotices(before: number, limit: number): Promise<number>

  /** Single-use marks (tokens of links, identifiers of signed credentials): true for the first to use it. Forgotten after `expiresAt`. */
  useOnce(mark: string, expiresAt: number): Promise<boolean>
  /** Ids of approvals that changed, whoever changed them, until the returned function is called. Within a second over all processes. */
  watchApprovals(listener: (approvalId: string) => void): () => void
}
