/**
 * What a line of an archive file says. Receipts stand there as they are exported, so that whoever verifies exports can
 * read them; payments as operators see them, amounts in decimal. The form outlives the columns of any ledger.
 */
import * as z from 'zod'
import { canonicalJson } from '../../audit/canonical.ts'
import { parseReceipt } from '../../audit/parse.ts'
import type { Receipt } from '../../audit/receipt.ts'
import { CODES } from '../../errors.ts'
import { contextSchema } from '../context-row.ts'
import type { Payment, Terms } from '../ledger.ts'
import { STATES } from '../payment-row.ts'

/** A payment with its place in the order of writing. */
export interface PlacedPayment {
  readonly place: bigint
  readonly payment: Payment
}

export function receiptLine(receipt: Receipt): string {
  return canonicalJson(receipt)
}

/** @throws ReceiptFormatError */
export function readReceiptLine(line: string): Receipt {
  return parseReceipt(line)
}

export function paymentLine({ place, payment }: PlacedPayment): string {
  return JSON.stringify({ place, payment }, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value))
}

/** @throws ZodError or SyntaxError where the line is none of ours. */
export function readPaymentLine(line: string): PlacedPayment {
  return lineSchema.parse(JSON.parse(line))
}

const text = z.string()
const maybe = z.string().nullable()
const time = z.int().nullable()
const units = z
  .string()
  .regex(/^[0-9]{1,100}$/)
  .transform((digits) => BigInt(digits))

/** Every member, the optional ones too: what the type gains has to be read here, or its payments could not be. */
type Members<T> = { readonly [name in keyof Required<T>]: z.ZodType }

const termsMembers = {
  rail: text,
  protocolVersion: z.int(),
  scheme: text,
  method: z.enum(['permit2', 'deposit', 'voucher']).exactOptional(),
  network: text,
  asset: z.strictObject({ symbol: text, address: text, decimals: z.int() }),
  amountAtomic: units,
  amount: units,
  currency: text,
  payTo: text,
  payer: text,
  flow: z.enum(['authorization', 'upfront']),
} satisfies Members<Terms>
const termsSchema: z.ZodType<Terms> = z.strictObject(termsMembers)

const paymentMembers = {
  sessionId: text,
  agent: text,
  paymentRequestId: text,
  method: text,
  url: text,
  origin: text,
  host: text,
  challengeDigest: text,
  tool: maybe,
  task: maybe,
  user: maybe,
  justification: maybe,
  tier: text,
  rule: text,
  reason: text,
  policyVersion: text,
  wouldBe: maybe,
  categories: z.array(text),
  trust: z.enum(['verified', 'known', 'unknown']).nullable(),
  challengedAt: z.int(),
  decidedAt: z.int(),
  terms: termsSchema.nullable(),
  context: contextSchema.nullable(),
  id: text,
  purchaseId: maybe,
  state: z.enum(STATES),
  code: z.enum(CODES).nullable(),
  delivered: z.boolean(),
  delivery: z.strictObject({ status: z.int(), bytes: z.int(), complete: z.boolean() }).nullable(),
  nonce: maybe,
  validBefore_s: time,
  authorized: text.exactOptional(),
  transaction: maybe,
  settlement: maybe,
  evidence: z.enum(['claimed', 'confirmed', 'operator']).nullable(),
  block: maybe,
  dispute: z.enum(['settled_though_denied', 'settled_not_delivered', 'taken_otherwise']).nullable(),
  refunded: units,
  replaces: maybe,
  replacedBy: maybe,
  reservedAt: time,
  signedAt: time,
  sentAt: time,
  concludedAt: time,
  deliveredAt: time,
  count: z.int(),
} satisfies Members<Payment>
const paymentSchema: z.ZodType<Payment> = z.strictObject(paymentMembers)

const lineSchema: z.ZodType<PlacedPayment> = z.strictObject({ place: units, payment: paymentSchema })
