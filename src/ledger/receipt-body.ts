/** What a receipt says of a payment. Pure. */
import { sha256 } from '../audit/digest.ts'
import type { ReceiptBody, ReceiptKind } from '../audit/receipt.ts'
import { shownScheme } from '../channel-terms.ts'
import { EXPIRY_GRACE_MS } from '../limits.ts'
import { formatAmount } from '../money.ts'
import { receiptContext } from './context.ts'
import type { Payment, Terms } from './ledger.ts'
import type { PaymentRecord } from './payment-row.ts'

/** The body of a new entry, as it stands before it is linked into its session's chain. */
export type Unlinked = Omit<ReceiptBody, 'number' | 'previousHash'>

export interface EntryStamp {
  readonly id: string
  readonly kind: ReceiptKind
  /** Milliseconds since 1970. */
  readonly at: number
}

/**
 * The entry for a payment as it is now. The signature is shown only of a settled payment that nobody can take any more:
 * until then it is a bearer instrument, and its digest stands for it.
 */
export function receiptBody({ payment, signature }: PaymentRecord, stamp: EntryStamp): Unlinked {
  const { delivery, terms } = payment
  return {
    ...stamp,
    at: iso(stamp.at),
    sessionId: payment.sessionId,
    paymentId: payment.id,
    paymentRequestId: payment.paymentRequestId,
    state: payment.state,
    code: payment.code,
    agent: payment.agent,
    ...claimsOf(payment),
    ...verdictOf(payment),
    context: receiptContext(payment.context),
    ...moneyOf(terms),
    resource: payment.url,
    method: payment.method,
    challengeDigest: payment.challengeDigest,
    nonce: payment.nonce,
    validBefore: payment.validBefore_s === null ? null : iso(payment.validBefore_s * 1_000),
    times: timesOf(payment),
    signature: payment.state === 'settled' && !isLive(payment, stamp.at) ? signature : null,
    signatureDigest: signature === null ? null : sha256(signature),
    transaction: payment.transaction,
    settlement: payment.settlement,
    evidence: payment.evidence,
    block: payment.block,
    dispute: payment.dispute,
    refunded: formatAmount(payment.refunded),
    delivery: delivery && { status: delivery.status, bytes: delivery.bytes, complete: delivery.complete },
    delivered: payment.delivered,
    count: payment.count,
  }
}

/** A server's word, and a person's, may be wrong: then the authorization can be taken until its window has closed. */
function isLive({ evidence, validBefore_s }: Payment, now: number): boolean {
  return evidence !== 'confirmed' && now < (validBefore_s ?? 0) * 1_000 + EXPIRY_GRACE_MS
}

function claimsOf({ tool, task, user, justification }: Payment) {
  return { tool, task, user, justification }
}

function verdictOf({ tier, rule, reason, policyVersion, wouldBe, categories, trust }: Payment) {
  return { tier, rule, reason, policyVersion, wouldBe, categories, trust }
}

function moneyOf(terms: Terms | null) {
  return {
    amount: terms ? formatAmount(terms.amount) : null,
    currency: terms?.currency ?? null,
    amountAtomic: terms?.amountAtomic.toString() ?? null,
    asset: terms?.asset ?? null,
    network: terms?.network ?? null,
    rail: terms?.rail ?? null,
    scheme: terms && shownScheme(terms),
    payer: terms?.payer ?? null,
    recipient: terms?.payTo ?? null,
  }
}

function timesOf(payment: Payment): ReceiptBody['times'] {
  return {
    challenged: iso(payment.challengedAt),
    decided: iso(payment.decidedAt),
    reserved: maybeIso(payment.reservedAt),
    signed: maybeIso(payment.signedAt),
    sent: maybeIso(payment.sentAt),
    concluded: maybeIso(payment.concludedAt),
    delivered: maybeIso(payment.deliveredAt),
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}

function maybeIso(ms: number | null): string | null {
  return ms === null ? null : iso(ms)
}
