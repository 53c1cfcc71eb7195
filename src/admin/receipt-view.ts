/** The receipt's schema, for the API's description: the entry itself is already JSON. */
import { z } from '@hono/zod-openapi'
import { receiptSchema } from '../audit/parse.ts'

export const ReceiptView = z.strictObject(receiptSchema.shape).openapi('Receipt')
