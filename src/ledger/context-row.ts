/** What stands around a payment, in its column and in its receipts. */
import * as z from 'zod'
import type { Context } from './context.ts'
import { maybeJson, type Row } from './rows.ts'

const words = z.array(z.string())
export const contextSchema: z.ZodType<Context> = z.strictObject({
  approval: z
    .strictObject({
      id: z.string(),
      digest: z.string(),
      votes: z.array(z.strictObject({ person: z.string(), channel: z.string(), at: z.int(), reason: z.string() })),
    })
    .exactOptional(),
  onBehalfOf: words.exactOptional(),
  trace: z.string().exactOptional(),
  workload: z.strictObject({ issuer: z.string(), subject: z.string() }).exactOptional(),
  facts: words.exactOptional(),
  evidence: words.exactOptional(),
  alternatives: words.exactOptional(),
  auditId: z.string().exactOptional(),
})

export function readContext(row: Row): Context | null {
  return maybeJson(row, 'context', contextSchema)
}

export function contextColumn(context: Context | null): string | null {
  return context && JSON.stringify(context)
}
