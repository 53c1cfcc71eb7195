/**
 * Approvals: what can be done with them. A claim is given to one caller, once, and what it pays is bound by the digest.
 * Nothing here knows payments.
 */
import type { Clock, Ids } from '../clock.ts'
import type { Approval, ApprovalFilter, ApprovalStore, Shown, Vote } from './approval.ts'

export interface ApprovalRequest {
  readonly sessionId: string
  readonly agent: string
  /** The person who asks ahead in the agent’s name. */
  readonly requester?: string
  readonly shown: Shown
  /** How many different people have to say yes. */
  readonly required: number
  /** From now; no longer than its session lasts. */
  readonly timeout_ms: number
}

export interface WindowRequest {
  readonly sessionId: string
  readonly agent: string
  readonly shown: Shown
  /** Of the payment that is reserved. */
  readonly paymentId: string
  readonly length_ms: number
}

/** What people hear of. A window that turned into an approval is requested anew; what is unanswered is requested of one more person. */
export type ApprovalNews = 'approval.requested' | 'approval.unanswered' | 'veto.opened' | 'approval.decided' | 'approval.expired'

export type PageRequest = Parameters<ApprovalStore['approvals']>[1]
export type ApprovalPage = Awaited<ReturnType<ApprovalStore['approvals']>>

/**
 * Every method rejects with PurserError `ledger_unavailable` where the store cannot be read or written, and those that
 * take an id with `not_found` where there is none of that id.
 */
export interface Approvals extends AsyncDisposable {
  /** Marks the oldest claimable one (approved or passed, not expired) as used and returns it; undefined where there is none. One caller wins. */
  claim(sessionId: string, digest: string): Promise<Approval | undefined>
  /** Gives back what `claim` returned: nothing was reserved on it. The next claim of it has another payment id. */
  unclaim(claimed: Pick<Approval, 'id' | 'paymentId'>): Promise<void>
  /**
   * Opens one and tells people, or joins the one of this session and digest that is pending or not yet claimed.
   * @throws PurserError `approval_pending` where the session has `MAX_PENDING_APPROVALS` of them waiting.
   */
  ask(request: ApprovalRequest): Promise<Approval>
  /** Opens a veto window for a reserved payment and tells people. Where there is nobody to tell, the inbox has `INBOX_START_MS` to be read. */
  openWindow(request: WindowRequest): Promise<Approval>
  /**
   * As it stands when it is no longer pending, when `wait_ms` are over, when the signal fires or the service stops,
   * whatever comes first. A window is settled too when its end has come, and when it turned into an approval.
   */
  settled(id: string, wait_ms: number, signal: AbortSignal): Promise<Approval>
  /**
   * The end of a window by compare-and-set. Where `waiting`, the payment goes on only if the answer is `used` under this
   * very payment's id. Where nobody waits it is `passed`, with a new payment id. Vetoed stays vetoed; too early stays pending.
   */
  closeWindow(id: string, waiting: boolean): Promise<Approval>
  /** A window that nobody can be told of: becomes a pending `approval` with a new payment id, or joins the one there is. */
  undeliverable(id: string): Promise<Approval>
  /** @throws PurserError `conflict` where it is decided, `forbidden` for the requester. */
  vote(id: string, vote: Omit<Vote, 'at'>): Promise<Approval>
  /** Somebody has it before them: a window starts, once. */
  noticed(id: string): Promise<void>
  withdraw(id: string): Promise<void>
  /** Withdraws all that no payment rests on: approvals die with their session. */
  sessionEnded(sessionId: string): Promise<void>
  approval(id: string): Promise<Approval | undefined>
  approvals(filter: ApprovalFilter, page: PageRequest): Promise<ApprovalPage>
  /** How many wait for people, over all processes. */
  pending(): Promise<number>
}

export interface RunningApprovals extends Approvals {
  /** Sweeps until `stop`. */
  start(): void
  /** Resolves when the sweep that runs is over. Whoever waits is answered with what stands. */
  stop(): Promise<void>
  /** Ends what is overdue, and returns how many that were; what nobody answers goes on to one more person. */
  sweep(): Promise<number>
}

export interface ApprovalsDeps {
  readonly store: ApprovalStore
  readonly clock: Clock
  readonly ids: Ids
  /** Where an operator reads what went wrong. */
  readonly events: {
    warned(sentence: string, cause?: unknown): void
    /** From the question to what a person said. */
    approvalWaited(duration_ms: number): void
  }
  /** Tells people, durably, and answers how many messages will be tried. */
  readonly notify: (approval: Approval, news: ApprovalNews) => Promise<{ readonly queued: number }>
  /** How long whoever was told has alone; absent: nobody else is told. */
  readonly escalateAfter_ms?: number
  /** Waits; resolves or rejects early when the signal comes. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<unknown>
}
