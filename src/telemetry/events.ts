/**
 * Telemetry: one function for each business event, which counts it and, where it is worth a line, logs it. Rooms get
 * this port; what counts (metrics) and what writes (log) are behind it. No event carries a secret or a body.
 */
import type { Code } from '../errors.ts'

export type ExchangeOutcome = 'passed' | 'paid' | 'refused' | 'failed' | 'aborted' | 'tunnelled' | 'upgraded'
export type Phase = 'quote' | 'decide' | 'approve' | 'reserve' | 'sign' | 'retry' | 'conclude'

/** The one canonical line of an exchange, also when it failed. */
export interface ExchangeLine {
  readonly exchangeId: string
  readonly mode: 'forward' | 'tunnel' | 'intercept' | 'reverse'
  readonly outcome: ExchangeOutcome
  readonly method: string
  /** scheme://host[:port]/path without query or fragment. */
  readonly target: string
  readonly status: number
  readonly duration_ms: number
  readonly bytes: number
  readonly sessionId?: string
  readonly agent?: string
  readonly code?: Code
  /** Trace id of the W3C `traceparent`; with traces on, of the exchange's own where the agent sent none. */
  readonly trace?: string
  /** What the payment flow added: paymentId, tier, amount, money, phases. */
  readonly extra?: Readonly<Record<string, string | number>>
}

/**
 * Runs an exchange, so that what is told while it runs is known to be its own. `traceparent`: the agent's, and what goes
 * upstream in its place, if anything does.
 */
export type TraceExchange = (traceparent: string | undefined, run: (traceparent: string | undefined) => void) => void

export interface Events {
  /** There only where traces are kept. */
  readonly traceExchange?: TraceExchange
  exchangeEnded(line: ExchangeLine): void
  challengeSeen(seen: {
    readonly rail: string
    readonly version: number
    readonly outcome: 'payable' | 'invalid' | 'unpayable' | 'not_a_challenge'
  }): void
  decided(decision: { readonly tier: string; readonly decision: 'allow' | 'notify' | 'ask' | 'deny'; readonly code?: Code }): void
  /** A payment entered this state. `amount` in millionths of a dollar. */
  paymentEntered(payment: {
    readonly paymentId: string
    readonly network: string
    readonly scheme: string
    readonly state: string
    readonly tier: string
    readonly amount: bigint
    readonly currency: string
  }): void
  /** A session passed this percentage of its cap, spent and held together. Once for each crossing. */
  thresholdReached(session: {
    readonly sessionId: string
    readonly agent: string
    readonly percent: number
    readonly spent: bigint
    readonly held: bigint
    readonly cap: bigint
    readonly currency: string
  }): void
  /** What the chain, an expiry or a person decided about a payment after its exchange was over. */
  reconciled(finding: { readonly paymentId: string; readonly outcome: 'settled' | 'void' | 'expired' | 'disputed' | 'refunded' }): void
  /** Money of a treasury came to a session's address or back, or never will. */
  fundingEnded(funding: {
    readonly fundingId: string
    readonly sessionId: string
    readonly kind: 'fund' | 'topup' | 'sweep'
    readonly network: string
    /** Symbol. */
    readonly asset: string
    readonly amountAtomic: bigint
    readonly state: 'done' | 'failed'
    readonly transaction: string | null
    readonly reason: string | null
  }): void
  phaseTook(phase: Phase, duration_ms: number): void
  ledgerTook(operation: 'reserve' | 'record' | 'post' | 'void' | 'unknown' | 'refuse' | 'commit', duration_ms: number): void
  receiptWritten(): void
  /** Entries have left the ledger's tables for the archive. */
  archived(left: { readonly kind: 'receipts' | 'payments'; readonly entries: number }): void
  /** All that was old enough has left by now (milliseconds since 1970). */
  retentionPassed(now: number): void
  /** Money moved or may have, and the agent did not get a complete 2xx. */
  undelivered(paymentId: string): void
  upstreamConnections(change: 1 | -1): void
  /** A request waited so long for people, whatever they said. */
  approvalWaited(duration_ms: number): void
  /** One attempt to tell somebody; `dead`: there will be no other; `not_needed`: what it asked for is over. */
  noticeEnded(notice: {
    readonly channel: 'webhook' | 'slack' | 'email'
    readonly outcome: 'delivered' | 'failed' | 'dead' | 'not_needed'
  }): void
  /** Nobody could be told of it at any address. */
  approvalUndelivered(approval: { readonly approvalId: string; readonly kind: 'approval' | 'veto' }): void
  /** A price far above what the agent is used to, and what the policy makes of it. */
  priceDrifted(drift: {
    readonly sessionId: string
    readonly agent: string
    readonly host: string
    readonly kind: 'sudden' | 'slow'
    readonly consequence: 'report' | 'escalate' | 'deny'
    /** Our own words. */
    readonly sentence: string
  }): void
  /** Payments to this host are paused after failures, tried once, or made again. */
  circuitTurned(turn: { readonly host: string; readonly state: 'open' | 'half_open' | 'closed' }): void
  /** An agent asks the same again and again although it is refused or fails; once for each loop. */
  loopDetected(loop: { readonly sessionId: string; readonly agent: string; readonly method: string; readonly host: string }): void
  /** A payment channel was opened, or its closing went on. Sums in atomic units, since it was opened. */
  channelStepped(channel: {
    readonly channelId: string
    readonly sessionId: string
    readonly network: string
    /** `given_back`: the receiver says so; `refused`: it did not; the chain shows what is `closed`. */
    readonly step: 'opened' | 'given_back' | 'refused' | 'withdrawal_begun' | 'withdrawal_ending' | 'closed'
    readonly deposited: bigint
    readonly charged: bigint
    readonly returned: bigint
    readonly transaction: string | null
    /** Our own words. */
    readonly reason?: string
  }): void
  /** A session pays otherwise than it began, and what its scope makes of it. */
  sessionDrifted(drift: {
    readonly sessionId: string
    readonly agent: string
    readonly host: string
    readonly kind: 'host' | 'category' | 'pace'
    readonly consequence: 'report' | 'escalate' | 'deny'
    /** Our own words. */
    readonly sentence: string
  }): void
  /** A worker is gone, and another one takes its place; `how` is its signal or exit code. */
  workerEnded(worker: { readonly worker: number; readonly how: string }): void
  /** So many workers serve by now. */
  workersUp(count: number): void
  /**
   * A payment that left with the first attempt: it was taken, the route asked again, or it was not asked for at all.
   */
  preempted(outcome: 'hit' | 'miss' | 'waste'): void
  /** A login was sent where something was paid for before. */
  signedIn(outcome: 'let_in' | 'not_let_in'): void
  /** Something that an operator should read: the sentence, and the fault behind it. */
  warned(sentence: string, cause?: unknown): void
  /** A fault of ours. */
  faulted(where: string, cause: unknown): void
}
