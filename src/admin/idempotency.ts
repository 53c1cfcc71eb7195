/** Idempotency keys (rule R12): a repeated creation or top-up does its work once and answers the first result. */
import { createHash } from 'node:crypto'
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { AdminKey } from '../ledger/administration.ts'
import { MAX_IDEMPOTENCY_KEY_CHARS } from '../limits.ts'
import type { AdminEnv } from './router.ts'

export const KeyHeader = z.object({
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'printable characters without blanks')
    .max(MAX_IDEMPOTENCY_KEY_CHARS)
    .optional(),
})

/** The key of this request, if it has one. Keys of different callers never meet; the digest tells requests apart. */
export async function adminKey(context: Context<AdminEnv>, key: string | undefined): Promise<AdminKey | undefined> {
  if (key === undefined) return undefined
  const { method, path } = context.req
  return { key: digestOf([context.get('caller').id, key]), digest: digestOf([method, path, await context.req.text()]) }
}

function digestOf(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}
