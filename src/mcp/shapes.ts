/** What the tools give back as data. Each schema reads the door's answer, and lets nothing through that it does not name. */
import { z } from 'zod'

const amount = z.string().describe('Decimal amount in the currency of the session')
const amounts = z.record(z.string(), amount)

const limits = z.object({
  perPayment: amount.optional(),
  payments: z.int().optional(),
  perRecipient: amounts.optional(),
  perCategory: amounts.optional(),
  perTool: amounts.optional(),
  perUser: amounts.optional(),
  perWindow: z.array(z.object({ max: amount, per: z.string() })).optional(),
  perTask: z.object({ payments: z.int().optional(), requests: z.int().optional() }).optional(),
})

const limitUsed = z.object({
  limit: z.string().describe('Name of the limit, as in limits'),
  of: z.string().nullable().describe('Which recipient, category, tool, user, window of time or task; null where there is only one'),
  max: z.string().describe('Decimal amount; a whole number for payments and perTask, which are counted'),
  used: z.string().nullable().describe('Spent or held; null for perPayment, of which nothing is used up'),
  left: z.string().describe('Of this limit; the budget may have less'),
})
export type LimitUsed = z.infer<typeof limitUsed>

export const balance = z.object({
  id: z.string(),
  purpose: z.string(),
  currency: z.string(),
  cap: amount,
  spent: amount,
  held: amount.describe('Set aside for payments whose outcome is not known yet'),
  remaining: amount,
  state: z.string(),
  expiresAt: z.string(),
  payments: z.int().describe('How many have been made'),
  available: amount.describe('What payments can still take: the smallest remainder of this session and of the budgets above it'),
  limits: limits.describe('Bounds beside the cap; what is not named is bounded by the cap alone'),
  limitsUsed: z.array(limitUsed).describe('Each limit of this session with what is used of it'),
  refillsAt: z.string().nullable(),
  owner: z.string().describe('Who can add to it'),
})
export type Balance = z.infer<typeof balance>

export const payment = z.object({
  id: z.string(),
  state: z.string(),
  code: z.string().nullable(),
  delivered: z.boolean(),
  method: z.string(),
  url: z.string(),
  tool: z.string().nullable(),
  task: z.string().nullable(),
  tier: z.string(),
  rule: z.string(),
  reason: z.string(),
  amount: amount.nullable(),
  currency: z.string().nullable(),
  refunded: amount,
  count: z.int(),
  decidedAt: z.string(),
  concludedAt: z.string().nullable(),
})
export type Payment = z.infer<typeof payment>

export const payments = z.object({ items: z.array(payment), next: z.string().nullable() })
export type Payments = z.infer<typeof payments>

export const refusal = z.object({
  payment,
  title: z.string().describe('What the code means'),
  nextAction: z.string(),
  retrySafe: z.boolean().describe('Whether the very same request may be repeated'),
})
export type Refusal = z.infer<typeof refusal>

export const quote = z.object({
  payable: z.boolean(),
  amount: amount.optional(),
  currency: z.string().optional(),
  asset: z.string().optional(),
  network: z.string().optional(),
  recipient: z.string().optional(),
  tier: z.string().optional(),
  decision: z.string().optional(),
  reason: z.string(),
  code: z.string().optional(),
})
export type Quote = z.infer<typeof quote>

export const approval = z.object({
  tier: z.string(),
  status: z.string().describe('approved, awaiting_veto, awaiting_approval, blocked or refused'),
  auditId: z.string().nullable(),
  reason: z.string(),
  code: z.string().optional(),
  approvalId: z.string().optional(),
})
export type Approval = z.infer<typeof approval>

export const topup = z.object({ status: z.string().describe('asked or nobody_told'), reason: z.string() })
