/**
 * Views: the one place where sessions, payments and receipts become JSON. Amounts are decimal strings in the session's
 * currency, atomic amounts stand beside them as strings, times are ISO 8601, absent things are null.
 */

import { z } from '@hono/zod-openapi'
import { contextSchema } from '../audit/parse.ts'
import { shownScheme } from '../channel-terms.ts'
import { receiptContext } from '../ledger/context.ts'
import type { Payment } from '../ledger/ledger.ts'
import { formatAmount } from '../money.ts'
import { formatDuration } from '../session/duration.ts'
import { nextRefill } from '../session/refill.ts'
import { remainingOf, type Session, type SessionLimits, stateOf } from '../session/session.ts'
import { FundingView } from './funding-view.ts'

const Amount = z.string().openapi({ example: '4.999', description: 'Decimal amount in the currency of the session' })
const Time = z.iso.datetime()
const maybe = <T extends z.ZodType>(schema: T) => schema.nullable()
const Amounts = z.record(z.string(), Amount)
const Names = z.array(z.string()).readonly()

const LimitsView = z.object({
  perPayment: Amount.optional(),
  payments: z.int().optional(),
  perRecipient: Amounts.optional(),
  perCategory: Amounts.optional(),
  perTool: Amounts.optional(),
  perUser: Amounts.optional(),
  perWindow: z.array(z.object({ max: Amount, per: z.string() })).optional(),
  perTask: z.object({ payments: z.int().optional(), requests: z.int().optional() }).optional(),
})

const ScopeView = z.object({
  hosts: Names.optional(),
  methods: Names.optional(),
  paths: Names.optional(),
  categories: Names.optional(),
  tools: Names.optional(),
  enforce: z.enum(['payments', 'all']).optional(),
  onDrift: z.enum(['report', 'escalate', 'deny']).optional(),
})

export const HoldingView = z
  .object({ network: z.string(), asset: z.string(), amount: z.string(), free: z.string() })
  .openapi({ description: 'What the wallet holds of a token, and what of it no payment may still take' })
export type HoldingView = z.infer<typeof HoldingView>

export const OuterCeilingView = z.object({ free: Amount, warning: maybe(z.string()) }).openapi({
  description:
    'What the session’s wallet has free of all that it may pay with, and where that is less than remains of the cap, a sentence on it',
})

export const SessionView = z
  .object({
    id: z.string(),
    name: maybe(z.string()),
    agent: z.string(),
    purpose: z.string(),
    currency: z.string(),
    cap: Amount,
    spent: Amount,
    held: Amount,
    remaining: Amount,
    state: z.enum(['open', 'exhausted', 'closing', 'closed', 'expired', 'revoked']),
    createdAt: Time,
    expiresAt: Time,
    payments: z.int().openapi({ description: 'Payments that were reserved and not voided' }),
    limits: LimitsView,
    scope: ScopeView,
    networks: Names,
    assets: Names,
    wallet: z.object({ name: maybe(z.string()), address: maybe(z.string()), balance: z.array(HoldingView).readonly().optional() }),
    outerCeiling: OuterCeilingView.optional(),
    funding: FundingView.optional(),
    owner: z.string(),
    parent: maybe(z.string()),
    singleUse: z.boolean(),
    labels: z.record(z.string(), z.string()),
    refill: maybe(z.object({ amount: Amount, every: z.string(), max: Amount })),
    refillsAt: maybe(Time).openapi({ description: 'When the next refill falls due' }),
  })
  .openapi('Session')
export type SessionView = z.infer<typeof SessionView>

const PaymentFields = {
  id: z.string(),
  sessionId: z.string(),
  state: z.enum(['denied', 'awaiting_veto', 'awaiting_approval', 'reserved', 'signed', 'sent', 'settled', 'void', 'unknown', 'expired']),
  code: maybe(z.string()),
  delivered: z.boolean(),
  method: z.string(),
  url: z.string(),
  tool: maybe(z.string()),
  task: maybe(z.string()),
  tier: z.string(),
  rule: z.string(),
  reason: z.string(),
  amount: maybe(Amount),
  currency: maybe(z.string()),
  refunded: Amount.openapi({ description: 'What came back of it' }),
  count: z.int().openapi({ description: 'How many identical refusals this entry stands for; 1 for everything else' }),
}

/** What an agent may know of its own payment: nothing that would let it pay elsewhere. */
export const OwnPaymentView = z.object({ ...PaymentFields, decidedAt: Time, concludedAt: maybe(Time) }).openapi('OwnPayment')
export type OwnPaymentView = z.infer<typeof OwnPaymentView>

export const PaymentView = z
  .object({
    ...PaymentFields,
    agent: z.string(),
    purchaseId: maybe(z.string()),
    paymentRequestId: z.string(),
    delivery: maybe(z.object({ status: z.int(), bytes: z.int(), complete: z.boolean() })),
    origin: z.string(),
    host: z.string(),
    challengeDigest: z.string(),
    user: maybe(z.string()),
    justification: maybe(z.string()),
    policyVersion: z.string(),
    wouldBe: maybe(z.string()),
    categories: Names,
    trust: maybe(z.enum(['verified', 'known', 'unknown'])),
    context: maybe(z.strictObject(contextSchema.shape)).openapi({
      description: 'Who allowed it, on whose behalf it was made, in which trace, by which workload, what was odd about it',
    }),
    amountAtomic: maybe(z.string()),
    asset: maybe(z.object({ symbol: z.string(), address: z.string(), decimals: z.int() })),
    network: maybe(z.string()),
    rail: maybe(z.string()),
    protocolVersion: maybe(z.int()),
    scheme: maybe(z.string()),
    flow: maybe(z.string()),
    payer: maybe(z.string()),
    recipient: maybe(z.string()),
    nonce: maybe(z.string()),
    validBefore: maybe(Time),
    transaction: maybe(z.string()),
    settlement: maybe(z.string()),
    evidence: maybe(z.enum(['claimed', 'confirmed', 'operator'])).openapi({
      description: 'How the settlement is known: the server says so, a final block shows it, or two people have seen proof of it',
    }),
    block: maybe(z.string()).openapi({ description: 'The final block that shows it, in decimal' }),
    dispute: maybe(z.enum(['settled_though_denied', 'settled_not_delivered', 'taken_otherwise'])),
    times: z.object({
      challenged: Time,
      decided: Time,
      reserved: maybe(Time),
      signed: maybe(Time),
      sent: maybe(Time),
      concluded: maybe(Time),
      delivered: maybe(Time),
    }),
  })
  .openapi('Payment')
export type PaymentView = z.infer<typeof PaymentView>

interface Moment {
  /** For the state. */
  readonly now: number
  /** That pays for this session, if it is known. */
  readonly address: string | null
  readonly balance?: readonly HoldingView[]
  readonly funding?: FundingView
}

export function sessionView(session: Session, at: Moment): SessionView {
  const { id, name, agent, purpose, currency, payments, scope, networks, assets, owner, parent, singleUse, labels } = session
  return {
    ...{ id, name, agent, purpose, currency },
    cap: formatAmount(session.cap),
    spent: formatAmount(session.spent),
    held: formatAmount(session.held),
    remaining: formatAmount(remainingOf(session)),
    state: stateOf(session, at.now),
    createdAt: isoTime(session.createdAt),
    expiresAt: isoTime(session.expiresAt),
    ...{ payments, limits: limitsView(session.limits), scope, networks, assets },
    wallet: { name: session.wallet, address: at.address, ...(at.balance && { balance: at.balance }) },
    ...(at.funding && { funding: at.funding }),
    ...{ owner, parent, singleUse, labels },
    ...refillView(session),
  }
}

function refillView(session: Session): Pick<SessionView, 'refill' | 'refillsAt'> {
  const { refill } = session
  if (!refill) return { refill: null, refillsAt: null }
  const { amount, every_ms, max } = refill
  return {
    refill: { amount: formatAmount(amount), every: formatDuration(every_ms), max: formatAmount(max) },
    refillsAt: maybeTime(nextRefill(session) ?? null),
  }
}

function limitsView({ perPayment, perWindow, perTask, payments, ...maps }: SessionLimits): z.infer<typeof LimitsView> {
  return {
    ...(perPayment === undefined ? {} : { perPayment: formatAmount(perPayment) }),
    ...(payments === undefined ? {} : { payments }),
    ...(perTask === undefined ? {} : { perTask }),
    ...Object.fromEntries(Object.entries(maps).map(([name, bounds]) => [name, amountsOf(bounds)])),
    ...(perWindow === undefined
      ? {}
      : { perWindow: perWindow.map(({ max, per_ms }) => ({ max: formatAmount(max), per: formatDuration(per_ms) })) }),
  }
}

/** Millionths by name as decimals by name. */
export function amountsOf(bounds: Readonly<Record<string, bigint>>): Record<string, string> {
  return Object.fromEntries(Object.entries(bounds).map(([name, bound]) => [name, formatAmount(bound)]))
}

export function paymentView(payment: Payment): PaymentView {
  const { agent, purchaseId, paymentRequestId, delivery, origin, host, challengeDigest, user, justification } = payment
  const { policyVersion, wouldBe, categories, trust, nonce, transaction, settlement, evidence, block, dispute } = payment
  return {
    ...fieldsOf(payment),
    ...{ agent, purchaseId, paymentRequestId, delivery, origin, host, challengeDigest, user, justification },
    ...{ policyVersion, wouldBe, categories, trust, nonce, transaction, settlement, evidence, block, dispute },
    ...termsOf(payment),
    context: receiptContext(payment.context),
    validBefore: payment.validBefore_s === null ? null : isoTime(payment.validBefore_s * 1000),
    times: timesOf(payment),
  }
}

export function ownPaymentView(payment: Payment): OwnPaymentView {
  return { ...fieldsOf(payment), decidedAt: isoTime(payment.decidedAt), concludedAt: maybeTime(payment.concludedAt) }
}

function fieldsOf(payment: Payment): z.infer<z.ZodObject<typeof PaymentFields>> {
  const { id, sessionId, state, code, delivered, method, url, tool, task, tier, rule, reason, terms, count } = payment
  const amount = terms ? formatAmount(terms.amount) : null
  return {
    id,
    sessionId,
    state,
    code,
    delivered,
    method,
    url,
    tool,
    task,
    tier,
    rule,
    reason,
    amount,
    currency: terms?.currency ?? null,
    refunded: formatAmount(payment.refunded),
    count,
  }
}

type TermsView = Pick<
  PaymentView,
  'amountAtomic' | 'asset' | 'network' | 'rail' | 'protocolVersion' | 'scheme' | 'flow' | 'payer' | 'recipient'
>

const NO_TERMS: TermsView = {
  amountAtomic: null,
  asset: null,
  network: null,
  rail: null,
  protocolVersion: null,
  scheme: null,
  flow: null,
  payer: null,
  recipient: null,
}

function termsOf({ terms }: Payment): TermsView {
  if (!terms) return NO_TERMS
  const { asset, network, rail, protocolVersion, flow, payer } = terms
  const scheme = shownScheme(terms)
  return { amountAtomic: terms.amountAtomic.toString(), asset, network, rail, protocolVersion, scheme, flow, payer, recipient: terms.payTo }
}

function timesOf(payment: Payment): PaymentView['times'] {
  return {
    challenged: isoTime(payment.challengedAt),
    decided: isoTime(payment.decidedAt),
    reserved: maybeTime(payment.reservedAt),
    signed: maybeTime(payment.signedAt),
    sent: maybeTime(payment.sentAt),
    concluded: maybeTime(payment.concludedAt),
    delivered: maybeTime(payment.deliveredAt),
  }
}

/** Milliseconds since 1970 as ISO 8601. */
export function isoTime(at: number): string {
  return new Date(at).toISOString()
}

function maybeTime(at: number | null): string | null {
  return at === null ? null : isoTime(at)
}
