/** The schemas of receipts and checkpoints, for the API's description: the entries themselves are already JSON. */
import { z } from '@hono/zod-openapi'
import { checkpointSchema, receiptSchema } from '../audit/parse.ts'

export const ReceiptView = z.strictObject(receiptSchema.shape).openapi('Receipt')

export const CheckpointView = z.strictObject(checkpointSchema.shape).openapi('Checkpoint')

export const VerificationView = z
  .object({
    ok: z.boolean(),
    count: z.int(),
    chains: z.int(),
    brokenAt: z.object({ sessionId: z.string(), number: z.int(), id: z.string(), why: z.string() }).nullable(),
    checkpoints: z.int(),
    sealed: z.object({ number: z.int(), at: z.string(), hash: z.string(), ledgerId: z.string(), publicKey: z.string() }).nullable(),
    unsealed: z.int(),
  })
  .openapi('Verification')
export type VerificationView = z.infer<typeof VerificationView>
