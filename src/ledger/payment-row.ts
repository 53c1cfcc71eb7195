/** A payment's row: what operators see of it, and what only the ledger knows. */
import * as z from 'zod'
import { CODES } from '../errors.ts'
import { PURCHASE_LEASE_MS } from '../limits.ts'
import type { Delivery } from '../session/exchange.ts'
import type { Dealing, Trust } from '../session/history.ts'
import type { Events } from '../telemetry/events.ts'
import { budgetOf } from './charges.ts'
import { contextColumn, readContext } from './context-row.ts'
import type { Dispute, Evidence } from './findings.ts'
import type { Attempt, Payment, PaymentState, ReserveRequest, StoredAuthorization, Terms } from './ledger.ts'
import { pricedKindOf, priceKeyOf } from './price-key.ts'
import { flag, int, json, maybeInt, maybeJson, maybeText, money, type Row, RowError, text, toJson, word } from './rows.ts'
import type { Bucket, Entry } from './tables.ts'

/** A payment with what never leaves the ledger by the operators' doors. */
export interface PaymentRecord {
  readonly payment: Payment
  /** Place in the order of writing. */
  readonly seq: bigint
  /** The run that reserved it, and alone may sign it or take it back. */
  readonly runId: string
  /** Secret. */
  readonly authorization: StoredAuthorization | undefined
  readonly signature: string | null
  /** Where it counts, to be taken back with it. */
  readonly charges: Charges
  /** A conclusion was written; whatever comes later is an amendment. */
  readonly concluded: boolean
  /** The attempt left it unknown: the server had its say, or none. */
  readonly denied: boolean
  /** Milliseconds since 1970: when it turned out that the agent had not got its answer after all. */
  readonly reopenedAt: number | null
}

/** What is told of a payment that enters a state. */
export type Facts = Omit<Parameters<Events['paymentEntered']>[0], 'state'>

export interface Charges {
  readonly buckets: readonly Bucket[]
  readonly entries: readonly Entry[]
  /** What the buckets count, in millionths, where it is not the whole amount. */
  readonly counts?: bigint
}

export const STATES: readonly PaymentState[] = [
  'denied',
  'awaiting_veto',
  'awaiting_approval',
  'reserved',
  'signed',
  'sent',
  'settled',
  'void',
  'unknown',
  'expired',
]

const EVIDENCE: readonly Evidence[] = ['claimed', 'confirmed', 'operator']
const DISPUTES: readonly Dispute[] = ['settled_though_denied', 'settled_not_delivered', 'taken_otherwise']
const TRUST: readonly Trust[] = ['verified', 'known', 'unknown']

const words = z.array(z.string())
const deliverySchema: z.ZodType<Delivery> = z.strictObject({ status: z.int(), bytes: z.int(), complete: z.boolean() })
const chargesSchema: z.ZodType<Charges> = z.strictObject({
  buckets: z.array(z.strictObject({ sessionId: z.string(), bucket: z.string() })),
  entries: z.array(z.strictObject({ series: z.string(), ordinal: z.int() })),
  counts: z
    .string()
    .regex(/^[0-9]{1,19}$/)
    .transform((digits) => BigInt(digits))
    .exactOptional(),
})

export function readRecord(row: Row): PaymentRecord {
  const validBefore_s = maybeInt(row, 'valid_before')
  const headers = maybeJson(row, 'headers', words)
  return {
    payment: readPayment(row),
    seq: money(row, 'seq'),
    runId: text(row, 'run_id'),
    authorization: headers && validBefore_s !== null ? { headers, validBefore_s } : undefined,
    signature: maybeText(row, 'signature'),
    charges: maybeJson(row, 'charges', chargesSchema) ?? { buckets: [], entries: [] },
    concluded: flag(row, 'concluded'),
    denied: flag(row, 'denied'),
    reopenedAt: maybeInt(row, 'reopened_at'),
  }
}

/** What is told of the payment in this row: needs only the columns id, tier, network, scheme, amount and currency. */
export function readFacts(row: Row): Facts {
  return {
    paymentId: text(row, 'id'),
    tier: text(row, 'tier'),
    network: text(row, 'network'),
    scheme: wayOf(row).scheme,
    amount: budgetOf({ ...wayOf(row), amount: amount(row, 'amount') }),
    currency: text(row, 'currency'),
  }
}

export function readPayment(row: Row): Payment {
  return {
    ...readAttempt(row),
    id: text(row, 'id'),
    purchaseId: maybeText(row, 'purchase_id'),
    state: word(row, 'state', STATES),
    code: row.code === null ? null : word(row, 'code', CODES),
    delivered: flag(row, 'delivered'),
    delivery: maybeJson(row, 'delivery', deliverySchema),
    nonce: maybeText(row, 'nonce') ?? maybeText(row, 'reused_nonce'),
    replaces: maybeText(row, 'replaces'),
    replacedBy: maybeText(row, 'replaced_by'),
    validBefore_s: maybeInt(row, 'valid_before'),
    ...authorizedOf(maybeText(row, 'network'), maybeText(row, 'signature')),
    transaction: maybeText(row, 'tx'),
    settlement: maybeText(row, 'settlement'),
    evidence: row.evidence === null ? null : word(row, 'evidence', EVIDENCE),
    block: maybeText(row, 'block'),
    dispute: row.dispute === null ? null : word(row, 'dispute', DISPUTES),
    refunded: money(row, 'refunded'),
    reservedAt: maybeInt(row, 'reserved_at'),
    signedAt: maybeInt(row, 'signed_at'),
    sentAt: maybeInt(row, 'sent_at'),
    concludedAt: maybeInt(row, 'concluded_at'),
    deliveredAt: maybeInt(row, 'delivered_at'),
    count: int(row, 'count'),
  }
}

/** Where a nonce alone does not tell what became of it, its proof is in the place of the signature. */
export function authorizedOf(network: string | null | undefined, signature: string | null): Pick<Payment, 'authorized'> {
  return network?.startsWith('solana:') && signature !== null ? { authorized: signature } : {}
}

function readAttempt(row: Row): Attempt {
  return {
    sessionId: text(row, 'session_id'),
    agent: text(row, 'agent'),
    paymentRequestId: text(row, 'request_id'),
    method: text(row, 'method'),
    url: text(row, 'url'),
    origin: text(row, 'origin'),
    host: text(row, 'host'),
    challengeDigest: text(row, 'challenge_digest'),
    tool: maybeText(row, 'tool'),
    task: maybeText(row, 'task'),
    user: maybeText(row, 'user'),
    justification: maybeText(row, 'justification'),
    tier: text(row, 'tier'),
    rule: text(row, 'rule'),
    reason: text(row, 'reason'),
    policyVersion: text(row, 'policy_version'),
    wouldBe: maybeText(row, 'would_be'),
    categories: json(row, 'categories', words),
    trust: row.trust === null ? null : word(row, 'trust', TRUST),
    challengedAt: int(row, 'challenged_at'),
    decidedAt: int(row, 'decided_at'),
    context: readContext(row),
    terms: row.rail === null ? null : readTerms(row),
  }
}

function readTerms(row: Row): Terms {
  return {
    rail: text(row, 'rail'),
    protocolVersion: int(row, 'protocol_version'),
    ...wayOf(row),
    network: text(row, 'network'),
    asset: { symbol: text(row, 'asset_symbol'), address: text(row, 'asset_address'), decimals: int(row, 'asset_decimals') },
    amountAtomic: amount(row, 'amount_atomic'),
    amount: amount(row, 'amount'),
    currency: text(row, 'currency'),
    payTo: text(row, 'pay_to'),
    payer: text(row, 'payer'),
    flow: word(row, 'flow', ['authorization', 'upfront']),
  }
}

const METHODS: readonly NonNullable<Terms['method']>[] = ['permit2', 'deposit', 'voucher']

/** The column holds the scheme, and after a slash the method where it is not the token's own. */
function wayOf(row: Row): Pick<Terms, 'scheme' | 'method'> {
  const [scheme = '', method, ...more] = text(row, 'scheme').split('/')
  if (method === undefined) return { scheme }
  const known = METHODS.find((one) => one === method)
  if (known === undefined || more.length > 0) throw new RowError('column scheme does not hold a way of paying')
  return { scheme, method: known }
}

function amount(row: Row, column: string): bigint {
  const digits = text(row, column)
  if (!/^[0-9]+$/.test(digits)) throw new RowError(`column ${column} does not hold an amount`)
  return BigInt(digits)
}

type Value = string | number | bigint | null

/** The columns that an attempt fills, by name. */
export function attemptColumns(attempt: Attempt): Record<string, Value> {
  return {
    session_id: attempt.sessionId,
    agent: attempt.agent,
    request_id: attempt.paymentRequestId,
    method: attempt.method,
    url: attempt.url,
    origin: attempt.origin,
    host: attempt.host,
    challenge_digest: attempt.challengeDigest,
    tool: attempt.tool,
    task: attempt.task,
    user: attempt.user,
    justification: attempt.justification,
    tier: attempt.tier,
    rule: attempt.rule,
    reason: attempt.reason,
    policy_version: attempt.policyVersion,
    would_be: attempt.wouldBe,
    context: contextColumn(attempt.context),
    categories: JSON.stringify(attempt.categories),
    trust: attempt.trust,
    challenged_at: attempt.challengedAt,
    decided_at: attempt.decidedAt,
    ...(attempt.terms ? termsColumns(attempt.terms) : NO_TERMS),
  }
}

function termsColumns(terms: Terms): Record<string, Value> {
  return {
    rail: terms.rail,
    protocol_version: terms.protocolVersion,
    scheme: terms.method === undefined ? terms.scheme : `${terms.scheme}/${terms.method}`,
    network: terms.network,
    asset_symbol: terms.asset.symbol,
    asset_address: terms.asset.address,
    asset_decimals: terms.asset.decimals,
    amount_atomic: terms.amountAtomic.toString(),
    amount: terms.amount.toString(),
    currency: terms.currency,
    pay_to: terms.payTo,
    payer: terms.payer,
    flow: terms.flow,
  }
}

const NO_TERMS: Record<string, Value> = {
  rail: null,
  protocol_version: null,
  scheme: null,
  network: null,
  asset_symbol: null,
  asset_address: null,
  asset_decimals: null,
  amount_atomic: null,
  amount: null,
  currency: null,
  pay_to: null,
  payer: null,
  flow: null,
}

export interface OwnColumns {
  readonly runId: string
  readonly charges: Charges
  /** Milliseconds since 1970. */
  readonly now: number
}

/** A payment as far as drift is judged by it. */
export function readDealing(row: Row): Dealing {
  return { host: text(row, 'host'), categories: json(row, 'categories', words), at: int(row, 'reserved_at') }
}

/** The columns of a reservation, by name. Its purchase begins with it, held by its requester. */
export function reservedColumns(request: ReserveRequest, { runId, charges, now }: OwnColumns): Record<string, Value> {
  return {
    ...attemptColumns(request.attempt),
    id: request.paymentId,
    run_id: runId,
    purchase_id: request.purchaseId,
    fingerprint: request.purchase.fingerprint,
    key_digest: request.purchase.keyDigest,
    purchase_open: 1,
    holder: 'live',
    holder_run: runId,
    lease_until: now + PURCHASE_LEASE_MS,
    state: 'reserved',
    code: null,
    ...nonceColumns(request),
    charges: toJson(charges),
    reserved_at: now,
    price_key: priceKeyIn(request.attempt),
  }
}

/** A deposit is no price of anything. */
function priceKeyIn(attempt: ReserveRequest['attempt']): string | null {
  return attempt.terms.method === 'deposit' ? null : priceKeyOf(pricedKindOf(attempt))
}

/** A nonce of its own is unique. */
function nonceColumns({ nonce, replaces }: ReserveRequest): Record<string, Value> {
  if (replaces === undefined) return { nonce, reused_nonce: null, replaces: null }
  return { nonce: null, reused_nonce: nonce, replaces }
}

/** The columns of a refusal, by name. */
export function deniedColumns(attempt: Attempt, denial: { id: string; code: string; runId: string }): Record<string, Value> {
  return {
    ...attemptColumns(attempt),
    ...NO_PURCHASE,
    id: denial.id,
    run_id: denial.runId,
    state: 'denied',
    code: denial.code,
  }
}

const NO_PURCHASE: Record<string, Value> = {
  purchase_id: null,
  fingerprint: null,
  key_digest: null,
  purchase_open: 0,
  holder: 'none',
  holder_run: null,
  lease_until: null,
  nonce: null,
  reused_nonce: null,
  replaces: null,
  charges: null,
  reserved_at: null,
  price_key: null,
}
