/**
 * The ledger's port: sessions, reservations, purchases, receipts. The only place where caps and limits are enforced,
 * atomically, and where it is written down what may still move.
 *
 * reservation: money set aside before anything is signed; resolved once, by post or void, and held while it is unknown.
 * spent + held ≤ cap holds after every commit, for the session and each of its ancestors.
 * Every method rejects with PurserError `ledger_unavailable` when the store cannot be read or written.
 */
import type { Receipt, ReceiptFilter, Verification } from '../audit/receipt.ts'
import type { Code, Refusal } from '../errors.ts'
import type { Authorization, Settlement } from '../rails/rail.ts'
import type { Delivery } from '../session/exchange.ts'
import type { FrequencyBound, History, Trust } from '../session/history.ts'
import type { Session, SessionLimits, SessionScope } from '../session/session.ts'

export type PaymentState =
  | 'denied'
  | 'awaiting_veto'
  | 'awaiting_approval'
  | 'reserved'
  | 'signed'
  | 'sent'
  | 'settled'
  | 'void'
  | 'unknown'
  | 'expired'

/** What was asked for and what was decided; complete for a reservation, as far as known for a refusal. */
export interface Attempt {
  readonly sessionId: string
  readonly agent: string
  /** Id of the exchange whose 402 this is. */
  readonly paymentRequestId: string
  readonly method: string
  readonly url: string
  /** scheme://host[:port] */
  readonly origin: string
  readonly host: string
  readonly challengeDigest: string
  readonly tool: string | null
  readonly task: string | null
  readonly user: string | null
  readonly justification: string | null
  readonly tier: string
  readonly rule: string
  readonly reason: string
  readonly policyVersion: string
  readonly wouldBe: string | null
  readonly categories: readonly string[]
  readonly trust: Trust | null
  /** Milliseconds since 1970. */
  readonly challengedAt: number
  readonly decidedAt: number
  readonly terms: Terms | null
}

/** The terms of the chosen offer, with its price. */
export interface Terms {
  readonly rail: string
  readonly protocolVersion: number
  readonly scheme: string
  readonly network: string
  readonly asset: { readonly symbol: string; readonly address: string; readonly decimals: number }
  readonly amountAtomic: bigint
  /** Millionths of `currency`. */
  readonly amount: bigint
  readonly currency: string
  readonly payTo: string
  readonly payer: string
  readonly flow: 'authorization' | 'upfront'
}

/** Identity of a purchase (rule R1). Both digests are SHA-256 in hex. */
export interface PurchaseIdentity {
  readonly sessionId: string
  /** Of session, method, URL, body digest and the digests of the headers that choose the answer. */
  readonly fingerprint: string
  /** Of session, origin and `Idempotency-Key`, where the agent sent one. */
  readonly keyDigest: string | null
}

export interface ReserveRequest {
  readonly purchase: PurchaseIdentity
  readonly purchaseId: string
  readonly paymentId: string
  /** Derived from the purchase id; unique for ever. */
  readonly nonce: `0x${string}`
  readonly attempt: Attempt & { readonly terms: Terms }
  readonly frequency: FrequencyBound | null
  /** Pin this recipient for host and network, if none is pinned. */
  readonly pin: boolean
}

export type ReserveResult =
  | { readonly kind: 'reserved'; readonly reservation: Reservation }
  /** Recorded, durable, with the payment id set. */
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  /** The frequency or the pin changed since the decision: decide once more. */
  | { readonly kind: 'decide_again'; readonly why: string }
  | { readonly kind: 'in_progress'; readonly purchaseId: string }
  | { readonly kind: 'key_reused' }

export type ResumeResult =
  | { readonly kind: 'none' }
  /** This purchase is ours now; its authorization, if any, is to be presented again. */
  | { readonly kind: 'repeat'; readonly reservation: Reservation }
  | { readonly kind: 'in_progress'; readonly purchaseId: string }
  | { readonly kind: 'key_reused' }

/** Why a reservation may be voided: nothing was ever signed, or it is certain that no byte of it left this process. */
export interface VoidProof {
  readonly kind: 'never_signed' | 'never_sent'
  readonly reason: string
  readonly code: Code
}

/** A handle on money set aside: nobody can resolve what they did not reserve or take over. */
export interface Reservation {
  readonly purchaseId: string
  readonly paymentId: string
  readonly nonce: `0x${string}`
  /** As of now: own writes are seen. */
  payment(): Promise<Payment>
  /** What was signed earlier, where this is a repeat. Secret. */
  readonly authorization: StoredAuthorization | undefined
  /** reserved → signed, by compare-and-set on state and owner. Resolves when reservation and authorization are durable. */
  record(authorization: Authorization): Promise<void>
  /** signed → sent; rides with the next commit, because a stranger reads signed as unknown anyway. */
  sent(): void
  /** → settled: held becomes spent. Posting what is settled already changes nothing but adds better evidence. */
  post(settlement: Settlement): Promise<void>
  /** → void: held is freed. Refused unless this very run signed it or it was never signed. */
  void(proof: VoidProof): Promise<void>
  /** → unknown: stays held. */
  leaveUnknown(reason: string): Promise<void>
  /** Records how the agent got its answer; a complete 2xx ends the purchase. */
  delivered(delivery: Delivery): Promise<void>
  /** The requester is gone, but the attempt still runs: an identical request must join instead of buying its own. */
  orphan(): void
  /** The attempt is over: the next identical request may take the purchase over, if it is not delivered. */
  release(): void
}

export interface StoredAuthorization {
  /** [name, value, …]; secret until settled or dead. */
  readonly headers: readonly string[]
  readonly validBefore_s: number
}

/** A payment as operators see it. Amounts in millionths of `currency`; times in milliseconds since 1970. */
export interface Payment extends Attempt {
  readonly id: string
  readonly purchaseId: string | null
  readonly state: PaymentState
  readonly code: Code | null
  readonly delivered: boolean
  readonly delivery: Delivery | null
  readonly nonce: string | null
  readonly validBefore_s: number | null
  readonly transaction: string | null
  readonly settlement: string | null
  readonly reservedAt: number | null
  readonly signedAt: number | null
  readonly sentAt: number | null
  readonly concludedAt: number | null
  readonly deliveredAt: number | null
  /** How often an identical refusal was counted into this one. */
  readonly count: number
}

export interface PaymentFilter {
  readonly session?: string
  readonly agent?: string
  readonly tool?: string
  readonly task?: string
  readonly recipient?: string
  readonly state?: PaymentState
  readonly tier?: string
  readonly since?: number
  readonly until?: number
}

export interface PageRequest {
  readonly limit: number
  /** Opaque, from the page before. */
  readonly cursor?: string
}

export interface Page<T> {
  readonly items: readonly T[]
  readonly next: string | null
}

export interface NewSession {
  readonly id: string
  readonly tokenHash: string
  readonly name: string | null
  readonly agent: string
  readonly purpose: string
  readonly currency: string
  readonly cap: bigint
  readonly createdAt: number
  readonly expiresAt: number
  readonly limits: SessionLimits
  readonly scope: SessionScope
  readonly networks: readonly string[]
  readonly assets: readonly string[]
  readonly wallet: string | null
  readonly owner: string
  readonly parent: string | null
  readonly singleUse: boolean
  readonly labels: Readonly<Record<string, string>>
}

/** An `Idempotency-Key` of the admin door with the digest of what was asked under it. */
export interface AdminKey {
  readonly key: string
  readonly digest: string
}

export type AdminRole = 'all' | 'operator' | 'approver' | 'auditor'

export interface AdminToken {
  readonly id: string
  readonly role: AdminRole
  readonly label: string
  readonly createdAt: number
  readonly revokedAt: number | null
}

/** What is stopped. `value` is the agent, session or recipient; empty for all. */
export interface Halt {
  readonly scope: 'all' | 'agent' | 'session' | 'recipient'
  readonly value: string
  readonly reason: string
  readonly at: number
}

export interface HistoryQuery {
  readonly agent: string
  readonly origin: string
  readonly host: string
  readonly network: string
  readonly payTo: string
  readonly tiers: readonly FrequencyBound[]
}

export interface Totals {
  /** Held by all sessions, in millionths, by currency. */
  readonly exposure: Readonly<Record<string, bigint>>
  /** Counted by `stateOf`. */
  readonly sessions: Readonly<Record<string, number>>
}

export interface Ledger extends AsyncDisposable {
  /** @throws PurserError `conflict` where the key was used for another request. Same key, same request: the first session. */
  openSession(session: NewSession, key?: AdminKey): Promise<Session>
  session(id: string): Promise<Session | undefined>
  sessionByName(name: string): Promise<Session | undefined>
  /** `tokenHash`: SHA-256 of the token, hex. */
  sessionByToken(tokenHash: string): Promise<Session | undefined>
  sessions(page: PageRequest): Promise<Page<Session>>
  /** Adds to the cap and, where given, to the lifetime. Refused for closed and revoked sessions (`conflict`). */
  topUp(id: string, by: { readonly amount: bigint; readonly extend_ms: number }, key?: AdminKey): Promise<Session>
  /** Stops new reservations and voids what was never signed by a run that is gone. Idempotent. */
  close(id: string): Promise<Session>
  /** As close; moreover the session forwards nothing any more. Covers its descendants. */
  revoke(id: string): Promise<Session>

  resume(purchase: PurchaseIdentity): Promise<ResumeResult>
  /** `reserved` means decided, not yet durable: `record` waits for that. A refusal is durable when this resolves. */
  reserve(request: ReserveRequest): Promise<ReserveResult>
  /** Writes a refusal down and returns it with its payment id and the session's balance. */
  refuse(attempt: Attempt, refusal: Refusal): Promise<Refusal>
  history(query: HistoryQuery): Promise<History>

  payment(id: string): Promise<Payment | undefined>
  payments(filter: PaymentFilter, page: PageRequest): Promise<Page<Payment>>
  /** Payments of a task of this session that are settled or may be. */
  countInTask(sessionId: string, task: string): Promise<number>

  receipt(id: string): Promise<Receipt | undefined>
  receipts(filter: ReceiptFilter, page: PageRequest): Promise<Page<Receipt>>
  verifyReceipts(): Promise<Verification>

  halt(halt: Halt): Promise<void>
  resumePayments(halt: Pick<Halt, 'scope' | 'value'>): Promise<void>
  halts(): Promise<readonly Halt[]>

  createToken(token: AdminToken, hash: string): Promise<void>
  revokeToken(id: string): Promise<boolean>
  tokenByHash(hash: string): Promise<AdminToken | undefined>
  tokens(): Promise<readonly AdminToken[]>

  totals(): Promise<Totals>
  /** Why payments cannot be made now; empty when they can. */
  readiness(): Promise<readonly string[]>
}
