/** The text of an entry that is hashed: its canonical JSON, written by what an entry has rather than by sorting each. */
import { canonicalJson } from './canonical.ts'
import type { ReceiptBody, ReceiptContext } from './receipt.ts'

/**
 * The very text of `canonicalJson`.
 * @throws CanonicalError for what has no canonical JSON.
 */
export function receiptText(entry: ReceiptBody): string {
  const text = JSON.stringify(inOrder(entry))
  return isPlain(entry, text) ? text : canonicalJson(entry)
}

/** Nothing in it that JSON would print another way, or that has no canonical JSON: a lone surrogate leaves as an escape. */
function isPlain({ number, count, asset, delivery }: ReceiptBody, text: string): boolean {
  const numbers = [number, count, asset?.decimals ?? 0, delivery?.status ?? 0, delivery?.bytes ?? 0]
  return numbers.every(Number.isSafeInteger) && !text.includes('\\ud')
}

/** Members in the order of their names, by UTF-16 code units. */
function inOrder(entry: ReceiptBody): ReceiptBody {
  return {
    agent: entry.agent,
    amount: entry.amount,
    amountAtomic: entry.amountAtomic,
    asset: entry.asset && { address: entry.asset.address, decimals: entry.asset.decimals, symbol: entry.asset.symbol },
    at: entry.at,
    block: entry.block,
    categories: entry.categories,
    challengeDigest: entry.challengeDigest,
    code: entry.code,
    context: entry.context && contextInOrder(entry.context),
    count: entry.count,
    currency: entry.currency,
    delivered: entry.delivered,
    delivery: entry.delivery && { bytes: entry.delivery.bytes, complete: entry.delivery.complete, status: entry.delivery.status },
    dispute: entry.dispute,
    evidence: entry.evidence,
    id: entry.id,
    justification: entry.justification,
    kind: entry.kind,
    method: entry.method,
    network: entry.network,
    nonce: entry.nonce,
    number: entry.number,
    payer: entry.payer,
    paymentId: entry.paymentId,
    paymentRequestId: entry.paymentRequestId,
    policyVersion: entry.policyVersion,
    previousHash: entry.previousHash,
    rail: entry.rail,
    reason: entry.reason,
    recipient: entry.recipient,
    refunded: entry.refunded,
    resource: entry.resource,
    rule: entry.rule,
    scheme: entry.scheme,
    sessionId: entry.sessionId,
    settlement: entry.settlement,
    signature: entry.signature,
    signatureDigest: entry.signatureDigest,
    state: entry.state,
    task: entry.task,
    tier: entry.tier,
    times: timesInOrder(entry.times),
    tool: entry.tool,
    transaction: entry.transaction,
    trust: entry.trust,
    user: entry.user,
    validBefore: entry.validBefore,
    wouldBe: entry.wouldBe,
  }
}

function timesInOrder({ challenged, concluded, decided, delivered, reserved, sent, signed }: ReceiptBody['times']): ReceiptBody['times'] {
  return { challenged, concluded, decided, delivered, reserved, sent, signed }
}

function contextInOrder(context: ReceiptContext): ReceiptContext {
  const { alternatives, approval, auditId, evidence, facts, onBehalfOf, trace, workload } = context
  return {
    ...(alternatives && { alternatives }),
    ...(approval && { approval: approvalInOrder(approval) }),
    ...(auditId !== undefined && { auditId }),
    ...(evidence && { evidence }),
    ...(facts && { facts }),
    ...(onBehalfOf && { onBehalfOf }),
    ...(trace !== undefined && { trace }),
    ...(workload && { workload: { issuer: workload.issuer, subject: workload.subject } }),
  }
}

type Approval = NonNullable<ReceiptContext['approval']>

function approvalInOrder({ digest, id, votes }: Approval): Approval {
  return { digest, id, votes: votes.map(({ at, channel, person, reason }) => ({ at, channel, person, reason })) }
}
