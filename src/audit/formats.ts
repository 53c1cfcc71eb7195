/**
 * Record formats: a receipt as those read it who supervise payments. `simplified` says who paid whom how much, when and
 * under which tier; `standard` adds how and why; `enhanced` adds the whole chain behind the decision. Each names the
 * receipt by its hash, so that a record can be held against the chained entry that it was made from.
 */
import * as z from 'zod'
import { AUDIT_DEPTHS, type AuditDepth, type RecordFormat } from './depths.ts'
import type { Receipt } from './receipt.ts'

const text = z.string()
const maybe = z.string().nullable()

const Simplified = {
  record: z.literal('simplified'),
  receipt: z.strictObject({ id: text, hash: text, kind: z.enum(['refusal', 'conclusion', 'amendment']), number: z.int() }),
  at: z.iso.datetime(),
  paymentId: text,
  sessionId: text,
  agent: text,
  state: text.describe('settled, void, unknown, expired or denied'),
  code: maybe.describe('why it was refused or given up'),
  tier: text,
  audit: z.enum(AUDIT_DEPTHS).nullable().describe('of the tier under the policy that decided; null where that policy was not kept'),
  policyVersion: text,
  amount: maybe.describe('decimal, in currency'),
  currency: maybe,
  refunded: text,
  categories: z.array(text),
  recipient: z.strictObject({ host: text, address: maybe }),
  transaction: maybe,
  count: z.int().describe('identical refusals that this entry stands for'),
}

const Standard = {
  ...Simplified,
  record: z.literal('standard'),
  method: text,
  resource: text,
  tool: maybe,
  task: maybe,
  user: maybe,
  justification: maybe.describe('the agent’s own words'),
  rule: text,
  reason: text,
  wouldBe: maybe.describe('in mode open or report: what enforce would have answered'),
  trust: maybe,
  asset: z.strictObject({ symbol: text, address: text, decimals: z.int() }).nullable(),
  amountAtomic: maybe,
  network: maybe,
  rail: maybe,
  scheme: maybe,
  payer: maybe,
  settlement: maybe,
  evidence: maybe.describe('claimed, confirmed or operator'),
  block: maybe,
  dispute: maybe,
  delivered: z.boolean(),
  delivery: z.strictObject({ status: z.int(), bytes: z.int(), complete: z.boolean() }).nullable(),
  times: z.strictObject({
    ...{ challenged: maybe, decided: maybe, reserved: maybe, signed: maybe },
    ...{ sent: maybe, concluded: maybe, delivered: maybe },
  }),
}

const Vote = z.strictObject({ person: text, channel: text, at: text, reason: text })

const Enhanced = {
  ...Standard,
  record: z.literal('enhanced'),
  approval: z
    .strictObject({ id: text, digest: text, votes: z.array(Vote) })
    .nullable()
    .describe('the approval that the payment rests on'),
  onBehalfOf: z.array(text).describe('from the one who planned to the one who pays; untrusted'),
  trace: maybe.describe('trace id of the W3C traceparent'),
  workload: z.strictObject({ issuer: text, subject: text }).nullable().describe('the workload identity that opened the session'),
  facts: z.array(text).describe('what people were shown besides the price'),
  serverEvidence: z
    .array(text)
    .describe('what the server signed or said of itself, and the id it got of the purchase; nothing was decided on it'),
  alternatives: z.array(text).describe('offers and tiers that were considered, with why they were not taken'),
  auditId: maybe.describe('the authorization that it claimed'),
  policy: z.record(text, z.unknown()).nullable().describe('the tier as it was written in the policy that decided'),
  challengeDigest: text,
  nonce: maybe,
  validBefore: maybe,
  signature: maybe,
  signatureDigest: maybe,
  paymentRequestId: text,
  previousHash: text,
}

export const RECORD_SCHEMAS = {
  simplified: z.strictObject(Simplified),
  standard: z.strictObject(Standard),
  enhanced: z.strictObject(Enhanced),
} as const

export type SimplifiedRecord = z.infer<(typeof RECORD_SCHEMAS)['simplified']>
export type StandardRecord = z.infer<(typeof RECORD_SCHEMAS)['standard']>
export type EnhancedRecord = z.infer<(typeof RECORD_SCHEMAS)['enhanced']>
export type PaymentRecord = SimplifiedRecord | StandardRecord | EnhancedRecord

/** JSON Schema (2020-12) of a format; `config/records/` has each as a file. */
export function recordJsonSchema(format: RecordFormat): Record<string, unknown> {
  return { ...z.toJSONSchema(RECORD_SCHEMAS[format]), title: `Payment record of Purser, ${format}` }
}

/** What the receipt itself does not say: the tier as the policy of its version has it. */
export interface PolicyBehind {
  readonly audit: AuditDepth | null
  /** As it is written in the policy; null where that is not kept. */
  readonly tier: Readonly<Record<string, unknown>> | null
}

/** The receipt in this format. Text of agents and servers stays what it was: whoever shows it marks it as untrusted. */
export function toRecord(receipt: Receipt, format: RecordFormat, policy: PolicyBehind): PaymentRecord {
  switch (format) {
    case 'simplified':
      return { record: 'simplified', ...simplified(receipt, policy) }
    case 'standard':
      return { record: 'standard', ...standard(receipt, policy) }
    case 'enhanced':
      return { record: 'enhanced', ...standard(receipt, policy), ...enhanced(receipt, policy) }
  }
}

function simplified(receipt: Receipt, { audit }: PolicyBehind): Omit<SimplifiedRecord, 'record'> {
  const { id, hash, kind, number, at, paymentId, sessionId, agent, state, code, tier } = receipt
  const { policyVersion, amount, currency, refunded, categories, recipient, transaction, count } = receipt
  return {
    receipt: { id, hash, kind, number },
    ...{ at, paymentId, sessionId, agent, state, code, tier, audit, policyVersion, amount, currency, refunded },
    categories: [...categories],
    recipient: { host: hostOf(receipt), address: recipient },
    ...{ transaction, count },
  }
}

function hostOf({ resource }: Receipt): string {
  return URL.canParse(resource) ? new URL(resource).hostname : ''
}

function standard(receipt: Receipt, policy: PolicyBehind): Omit<StandardRecord, 'record'> {
  const { method, resource, tool, task, user, justification, rule, reason, wouldBe, trust, asset, amountAtomic, network } = receipt
  const { rail, scheme, payer, settlement, evidence, block, dispute, delivered, delivery, times } = receipt
  return {
    ...simplified(receipt, policy),
    ...{ method, resource, tool, task, user, justification, rule, reason, wouldBe, trust, asset, amountAtomic, network },
    ...{ rail, scheme, payer, settlement, evidence, block, dispute, delivered, delivery, times: { ...times } },
  }
}

function enhanced(receipt: Receipt, { tier }: PolicyBehind): Omit<EnhancedRecord, keyof StandardRecord> {
  const { challengeDigest, nonce, validBefore, signature, signatureDigest, paymentRequestId, previousHash } = receipt
  const { approval, onBehalfOf = [], trace = null, workload = null, auditId = null } = receipt.context ?? {}
  const { facts = [], evidence = [], alternatives = [] } = receipt.context ?? {}
  return {
    approval: approval ? { ...approval, votes: approval.votes.map((vote) => ({ ...vote })) } : null,
    ...{ onBehalfOf: [...onBehalfOf], trace, workload, facts: [...facts], serverEvidence: [...evidence], alternatives: [...alternatives] },
    auditId,
    policy: tier && { ...tier },
    ...{ challengeDigest, nonce, validBefore, signature, signatureDigest, paymentRequestId, previousHash },
  }
}
