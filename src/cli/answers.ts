/** What the admin API answers, as far as the command line shows it. Amounts are decimal strings of the session's currency. */
import { z } from 'zod'

const Amount = z.string().regex(/^-?[0-9]+(\.[0-9]+)?$/)

export const SessionAnswer = z.looseObject({
  id: z.string(),
  agent: z.string(),
  purpose: z.string(),
  currency: z.string(),
  cap: Amount,
  spent: Amount,
  held: Amount,
  remaining: Amount,
  expiresAt: z.string(),
  state: z.string(),
  payments: z.number().optional(),
  singleUse: z.boolean().optional(),
  limits: z.looseObject({ payments: z.number().nullish() }).optional(),
  parent: z.string().nullish(),
  outerCeiling: z.looseObject({ free: Amount, warning: z.string().nullish() }).optional(),
  refill: z.looseObject({ amount: Amount, every: z.string(), max: Amount }).nullish(),
  refillsAt: z.string().nullish(),
})
export type SessionAnswer = z.infer<typeof SessionAnswer>

/** What closing and revoking answer; only closing sums up. */
export const EndedSession = SessionAnswer.extend({ summary: z.looseObject({ freed: Amount }).optional() })

/** The one answer that shows a session's token. */
export const OpenedSession = SessionAnswer.extend({
  token: z.string(),
  proxyUrl: z.string(),
  wallet: z.looseObject({ address: z.string() }),
})

export const PaymentAnswer = z.looseObject({
  id: z.string(),
  sessionId: z.string(),
  agent: z.string(),
  state: z.string(),
  code: z.string().nullish(),
  method: z.string(),
  url: z.string(),
  host: z.string().nullish(),
  tier: z.string(),
  rule: z.string().nullish(),
  reason: z.string(),
  amount: Amount.nullish(),
  currency: z.string().nullish(),
  delivered: z.boolean(),
  refunded: Amount.nullish(),
  evidence: z.string().nullish(),
  dispute: z.string().nullish(),
})
export type PaymentAnswer = z.infer<typeof PaymentAnswer>

export const ReceiptAnswer = z.looseObject({
  id: z.string(),
  kind: z.string(),
  number: z.number(),
  at: z.string(),
  sessionId: z.string(),
  paymentId: z.string(),
  state: z.string(),
  code: z.string().nullish(),
  amount: Amount.nullish(),
  currency: z.string().nullish(),
  resource: z.string(),
})
export type ReceiptAnswer = z.infer<typeof ReceiptAnswer>

/** One page of a list. */
export function pageOf<T>(item: z.ZodType<T>): z.ZodType<{ items: T[]; next: string | null }> {
  return z.object({ items: z.array(item), next: z.string().nullable() })
}

export const VerificationAnswer = z.looseObject({
  ok: z.boolean(),
  count: z.number(),
  chains: z.number(),
  brokenAt: z.looseObject({ sessionId: z.string(), number: z.number(), id: z.string(), why: z.string() }).nullable(),
  checkpoints: z.number(),
  sealed: z.looseObject({ number: z.number(), at: z.string(), hash: z.string(), ledgerId: z.string(), publicKey: z.string() }).nullable(),
  unsealed: z.number(),
})

export const ReceiptKeyAnswer = z.looseObject({ algorithm: z.string(), publicKey: z.string() })

const Holding = z.looseObject({ network: z.string(), asset: z.string(), amount: z.string(), free: z.string() })
export const WalletAnswer = z.looseObject({
  address: z.string().regex(/^0x[0-9a-fA-F]{40}$/),
  solana: z.string().optional(),
  balance: z.array(Holding).optional(),
})
export const TokenAnswer = z.looseObject({ id: z.string(), token: z.string() })
export const TokenListing = z.looseObject({
  id: z.string(),
  role: z.string(),
  person: z.string().nullish(),
  label: z.string(),
  createdAt: z.string(),
  revokedAt: z.string().nullable(),
})
/** An answer of which only the success counts. */
export const AnyAnswer = z.unknown()
