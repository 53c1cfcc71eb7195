/** Reading receipts back: text from a file or a store becomes a receipt here, or it is an error that says where. */
import * as z from 'zod'
import { canonicalJson } from './canonical.ts'
import type { Checkpoint } from './checkpoint.ts'
import type { Receipt } from './receipt.ts'

/** Thrown when text is not a receipt. */
export class ReceiptFormatError extends Error {
  override readonly name = 'ReceiptFormatError'
}

const text = z.string()
const maybe = z.string().nullable()
const count = z.int().nonnegative()

const words = z.array(text).readonly()
export const contextSchema = z.strictObject({
  approval: z
    .strictObject({
      id: text,
      digest: text,
      votes: z.array(z.strictObject({ person: text, channel: text, at: text, reason: text })).readonly(),
    })
    .exactOptional(),
  onBehalfOf: words.exactOptional(),
  trace: text.exactOptional(),
  workload: z.strictObject({ issuer: text, subject: text }).exactOptional(),
  facts: words.exactOptional(),
  evidence: words.exactOptional(),
  alternatives: words.exactOptional(),
  auditId: text.exactOptional(),
})

const bodySchema = z.strictObject({
  id: text,
  kind: z.enum(['refusal', 'conclusion', 'amendment']),
  number: z.int().positive(),
  at: text,
  sessionId: text,
  paymentId: text,
  paymentRequestId: text,
  state: text,
  code: maybe,
  agent: text,
  tool: maybe,
  task: maybe,
  user: maybe,
  justification: maybe,
  tier: text,
  rule: text,
  reason: text,
  policyVersion: text,
  wouldBe: maybe,
  categories: z.array(text).readonly(),
  trust: maybe,
  context: contextSchema.nullable(),
  amount: maybe,
  currency: maybe,
  amountAtomic: maybe,
  asset: z.strictObject({ symbol: text, address: text, decimals: count }).nullable(),
  network: maybe,
  rail: maybe,
  scheme: maybe,
  payer: maybe,
  recipient: maybe,
  resource: text,
  method: text,
  challengeDigest: text,
  nonce: maybe,
  validBefore: maybe,
  times: z.strictObject({
    challenged: maybe,
    decided: maybe,
    reserved: maybe,
    signed: maybe,
    sent: maybe,
    concluded: maybe,
    delivered: maybe,
  }),
  signature: maybe,
  signatureDigest: maybe,
  transaction: maybe,
  settlement: maybe,
  evidence: maybe,
  block: maybe,
  dispute: maybe,
  refunded: text,
  delivery: z.strictObject({ status: count, bytes: count, complete: z.boolean() }).nullable(),
  delivered: z.boolean(),
  count: z.int().positive(),
  previousHash: text,
})
/** A receipt as it is exported, every member and no other. */
export const receiptSchema = z.strictObject({ ...bodySchema.shape, hash: text })

const hash = z.string().regex(/^[0-9a-f]{64}$/)
const checkpointBodySchema = z.strictObject({
  kind: z.literal('checkpoint'),
  ledgerId: text,
  number: z.int().positive(),
  at: text,
  heads: z.array(z.strictObject({ sessionId: text, number: z.int().positive(), hash })).readonly(),
  previousHash: hash,
  publicKey: hash,
})
/** A checkpoint as it is exported, every member and no other. */
export const checkpointSchema = z.strictObject({ ...checkpointBodySchema.shape, signature: z.string().regex(/^[0-9a-f]{128}$/) })

/**
 * Reads one receipt from its JSON text. Unknown members are refused: what the hash does not know is not evidence.
 * @throws ReceiptFormatError where the text is not JSON or not a receipt.
 */
export function parseReceipt(json: string): Receipt {
  return parse(json, receiptSchema, 'receipt')
}

/**
 * Reads a receipt from the text that was hashed, with its hash beside it.
 * @throws ReceiptFormatError where the text is not JSON or not a receipt without its hash.
 */
export function parseEntry(json: string, hash: string): Receipt {
  return { ...parse(json, bodySchema, 'receipt'), hash }
}

/**
 * Reads one checkpoint from its JSON text. Its signature is not looked at.
 * @throws ReceiptFormatError where the text is not JSON or not a checkpoint.
 */
export function parseCheckpoint(json: string): Checkpoint {
  return parse(json, checkpointSchema, 'checkpoint')
}

/**
 * Reads a checkpoint from the text that was signed, with its signature beside it.
 * @throws ReceiptFormatError where the text is not a checkpoint, or not its canonical JSON.
 */
export function parseSignedCheckpoint(json: string, signature: string): Checkpoint {
  const body = parse(json, checkpointBodySchema, 'checkpoint')
  if (canonicalJson(body) !== json) throw new ReceiptFormatError('not a checkpoint: it is not in the form that was signed')
  return { ...body, signature }
}

type Kind = 'receipt' | 'checkpoint'

function parse<T>(json: string, schema: z.ZodType<T>, kind: Kind): T {
  const parsed = schema.safeParse(readJson(json, kind))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new ReceiptFormatError(`not a ${kind}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'unreadable'}`, { cause: parsed.error })
}

function readJson(json: string, kind: Kind): unknown {
  try {
    return JSON.parse(json)
  } catch (cause) {
    throw new ReceiptFormatError(`not a ${kind}: the text is not JSON`, { cause })
  }
}
