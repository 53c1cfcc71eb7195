/**
 * The ledger's port: sessions, reservations, purchases, receipts. The only place where caps and limits are enforced,
 * atomically, and where it is written down what may still move.
 *
 * reservation: money set aside before anything is signed; resolved once, by post or void, and held while it is unknown.
 * spent + held ≤ cap holds after every commit, for the session and each of its ancestors.
 * Every method rejects with PurserError `ledger_unavailable` when the store cannot be read or written.
 */
import type { ApprovalStore } from '../approval/approval.ts'
import type { Checkpoint, CheckpointSigner } from '../audit/checkpoint.ts'
import type { Receipt, ReceiptFilter, Verification } from '../audit/receipt.ts'
import type { Code, Refusal } from '../errors.ts'
import type { Authorization, Settlement } from '../rails/rail.ts'
import type { Delivery } from '../session/exchange.ts'
import type { FrequencyBound, History, Trust } from '../session/history.ts'
import type { Refill, Session, SessionLimits, SessionScope } from '../session/session.ts'
import type { AdminKey, AdminToken, Halt, PolicyRecord } from './administration.ts'
import type { ChannelStore, Counting } from './channels.ts'
import type { Context } from './context.ts'
import type { Correction, Dispute, Evidence, Finding, Provable, RecipientRecord, Refund, Succession } from './findings.ts'
import type { InsightStore } from './insight.ts'
import type { ReportStore } from './kept-reports.ts'
import type { NonceSource } from './nonce-source.ts'
import type { Past, RetentionStore } from './retention.ts'
import type { ToldStore } from './told.ts'

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
  /** What stands around the payment; null where nothing does. */
  readonly context: Context | null
}

/** The terms of the chosen offer, with its price: of `upto` the most, until the chain has shown what was taken. By permit2 nonces are others than the token’s; `deposit` and `voucher` are of a channel. */
export interface Terms {
  readonly rail: string
  readonly protocolVersion: number
  readonly scheme: string
  readonly method?: 'permit2' | 'deposit' | 'voucher'
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

export interface ReserveRequest extends NonceSource, Counting {
  readonly purchase: PurchaseIdentity
  readonly purchaseId: string
  readonly paymentId: string
  /** Unique for ever and ours, or of another source; or of what is out and is replaced. */
  readonly nonce: `0x${string}`
  readonly replaces?: string
  readonly attempt: Attempt & { readonly terms: Terms }
  readonly frequency: FrequencyBound | null
  /** Pin this recipient for origin and network, if none is pinned. */
  readonly pin: boolean
  /** Milliseconds since 1970 from which on the approval behind it cannot be used: reserving then is `decide_again`. */
  readonly notAfter?: number
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

/** Why a reservation may be voided: never signed, certainly never sent, or a voucher that others stand for. */
export interface VoidProof {
  readonly kind: 'never_signed' | 'never_sent' | 'not_charged'
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
  /** Resolves when the reservation is on disk: nobody is told of it before (rule R6). */
  durable(): Promise<void>
  /** reserved → signed, by compare-and-set on state and owner. Resolves when reservation and authorization are durable. */
  record(authorization: Authorization): Promise<void>
  /** signed → sent; rides with a later commit, because a stranger reads signed as unknown anyway. */
  sent(): void
  /** → settled: held becomes spent; what is settled already gets better evidence. `decided` may be called before it is durable. */
  post(settlement: Settlement, decided?: () => void): Promise<void>
  /** → void: held is freed. Refused unless this very run signed it or it was never signed. */
  void(proof: VoidProof): Promise<void>
  /** → unknown: stays held. `denied`, unless told otherwise: the server had its say, or none. */
  leaveUnknown(reason: string, why?: { readonly denied: boolean }): Promise<void>
  /** Records how the agent got its answer; a complete 2xx ends the purchase. Durable before anything that is decided later. */
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

export type Corrected =
  /** A second person has to say the same. */
  { readonly kind: 'proposed'; readonly correction: Correction } | { readonly kind: 'applied'; readonly payment: Payment }

/** An answer that was paid for, sealed by whoever keeps it here. */
export interface KeptAnswer {
  readonly sealed: Uint8Array
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

/** Something that other processes on the same ledger changed and that must be known here within a second. */
export type Change =
  | { readonly kind: 'session_ended'; readonly sessionId: string }
  | { readonly kind: 'halts' }
  | { readonly kind: 'tokens' }
  | { readonly kind: 'approval'; readonly approvalId: string }
  | { readonly kind: 'policy'; readonly version: string }

/** A payment as operators see it. Amounts in millionths of `currency`; times in milliseconds since 1970. */
export interface Payment extends Attempt, Succession, Provable {
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
  readonly evidence: Evidence | null
  /** Decimal. */
  readonly block: string | null
  readonly dispute: Dispute | null
  /** Millionths that came back. */
  readonly refunded: bigint
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
  /** Somebody in `Purser-On-Behalf-Of`. */
  readonly onBehalfOf?: string
  /** Trace id. */
  readonly trace?: string
  /** True: only those under dispute. */
  readonly disputed?: boolean
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
  readonly refill: Refill | null
}

export interface HistoryQuery {
  readonly agent: string
  readonly sessionId: string
  readonly origin: string
  readonly network: string
  readonly payTo: string
  readonly tiers: readonly FrequencyBound[]
  /** Asks for past prices of this kind of resource, so far back. */
  readonly price?: { readonly method: string; readonly path: string; readonly currency: string; readonly over_ms: number }
  /** Asks how the session has paid so far. */
  readonly conduct?: true
}

export interface Totals {
  /** Held by all sessions, in millionths, by currency. */
  readonly exposure: Readonly<Record<string, bigint>>
  /** Counted by `stateOf`. */
  readonly sessions: Readonly<Record<string, number>>
  /** Payments under dispute. */
  readonly disputes: number
  /** Payments whose outcome is unknown. */
  readonly unresolved: number
}

export interface Ledger extends AsyncDisposable {
  /** Kept with the payments that rest on them. */
  readonly approvals: ApprovalStore
  readonly reports: ReportStore
  readonly insight: InsightStore
  readonly told: ToldStore
  readonly retention: RetentionStore
  readonly channels: ChannelStore
  /** @throws PurserError `conflict` where the key was used for another request. Same key, same request: the first session. */
  openSession(session: NewSession, key?: AdminKey): Promise<Session>
  /** What was opened under this key, whatever became of it since. @throws PurserError `conflict` where the key was used otherwise. */
  openedWith(key: AdminKey): Promise<Session | undefined>
  session(id: string): Promise<Session | undefined>
  sessionByName(name: string): Promise<Session | undefined>
  /** `tokenHash`: SHA-256 of the token, hex. */
  sessionByToken(tokenHash: string): Promise<Session | undefined>
  /** `parent`: only its direct children. */
  sessions(page: PageRequest, filter?: { readonly parent?: string }): Promise<Page<Session>>
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
  verifyReceipts(past?: Past): Promise<Verification>
  halt(halt: Halt): Promise<void>
  resumePayments(halt: Pick<Halt, 'scope' | 'value'>): Promise<void>
  halts(): Promise<readonly Halt[]>

  createToken(token: AdminToken, hash: string): Promise<void>
  revokeToken(id: string): Promise<boolean>
  tokenByHash(hash: string): Promise<AdminToken | undefined>
  tokens(): Promise<readonly AdminToken[]>

  totals(): Promise<Totals>
  /**
   * Settles what runs that have ended left behind: what was reserved is voided, what was signed or sent is unknown.
   * Returns how many payments. At start it has been done once already.
   */
  takeOver(): Promise<number>
  /**
   * Payments to look into now, oldest due first, and nobody else's for `PROOF_LEASE_MS`: unknown ones, those that expired
   * or that settled on a server's word where their network is among `networks`, whose chain can be asked. Of vouchers, which
   * are on no chain, only the unknown ones.
   */
  claimUnproven(query: { readonly networks: readonly string[]; readonly limit: number }): Promise<readonly Payment[]>
  /** Lets go of a claim; nobody looks into the payment before `until` (milliseconds since 1970). */
  putOff(paymentId: string, until: number): Promise<void>
  /**
   * Applies what is certain by now: unknown, expired or settled on a server's word become settled, void or expired, with
   * balances, limits, memory and receipt. What is final already and agrees changes nothing.
   * @throws PurserError `conflict` where it contradicts what is final, `not_found`.
   */
  resolve(paymentId: string, finding: Finding): Promise<Payment>
  /** Tracks what came back; limits do not grow by it. Undefined where this refund is known already. */
  refund(refund: Refund): Promise<Payment | undefined>
  /** Corrects an expired or unknown payment on evidence that two people have seen. @throws PurserError `conflict`, `not_found`. */
  correct(correction: Correction): Promise<Corrected>
  /** The last block (inclusive) in which transfers back to this wallet were looked for. */
  scannedTo(network: string, wallet: string): Promise<bigint | undefined>
  scanned(network: string, wallet: string, block: bigint): Promise<void>
  /** The settled payments to this recipient in this token, newest first: what a transfer back may be for. */
  settledTo(recipient: { readonly network: string; readonly token: string; readonly payTo: string }): Promise<readonly Payment[]>
  recipients(page: PageRequest): Promise<Page<RecipientRecord>>
  /** What payments of this wallet (by permits alone) may still take of this token, atomic units: all that is reserved, signed, sent or unknown. */
  heldBy(wallet: { readonly network: string; readonly token: string; readonly payer: string; readonly method?: 'permit2' }): Promise<bigint>

  /** Bounded by `KEPT_ANSWERS_BYTES` in all; the oldest go first. */
  keepAnswer(paymentId: string, answer: KeptAnswer): Promise<void>
  keptAnswer(paymentId: string): Promise<KeptAnswer | undefined>
  /** The agent did not get its answer after all: the purchase can be repeated again. */
  reopen(paymentId: string): Promise<void>

  /** Signs the heads of all chains that grew since the last checkpoint; undefined where none did. `sign` gets the text and answers with an Ed25519 signature in hex. */
  checkpoint(sign: CheckpointSigner): Promise<Checkpoint | undefined>
  /** Oldest first, from `after` (a checkpoint's number) on. */
  checkpoints(after: number, limit: number): Promise<readonly Checkpoint[]>

  /**
   * What belongs to this ledger alone: its id, and the fingerprints of the secrets that all its replicas share.
   * @throws PurserError `conflict` where a fingerprint differs from the one of whoever came first (rule R21).
   */
  claimIdentity(fingerprints: Readonly<Record<string, string>>): Promise<{ readonly ledgerId: string }>
  /** Tells what changes on the ledger, whoever changed it, until the returned function is called. */
  watch(listener: (change: Change) => void): () => void
  /** Tells the other processes which policy is in force here, and keeps its text, so that decisions can be read by it later. */
  announcePolicy(version: string, text?: string): Promise<void>
  /** The policy of this version, where its text was announced. */
  policyRecord(version: string): Promise<PolicyRecord | undefined>
  /** The policies that were announced with their texts, newest first; the last `MAX_PAGE` of them. */
  policyRecords(): Promise<readonly PolicyRecord[]>
  /** Why payments cannot be made now; empty when they can. */
  readiness(): Promise<readonly string[]>
}
