import type { Context } from 'hono'
import { describe, expect, it } from 'vitest'
import { adminKey, KeyHeader } from '../../src/admin/idempotency.ts'
import type { AdminEnv } from '../../src/admin/router.ts'
import { createRouter } from '../../src/admin/router.ts'
import type { AdminKey } from '../../src/ledger/administration.ts'

async function keyOf(asked: { path?: string; caller?: string; body?: string; key?: string }): Promise<AdminKey | undefined> {
  let found: AdminKey | undefined
  const app = createRouter({ faulted: () => {} })
  app.post('*', async (context: Context<AdminEnv>) => {
    context.set('caller', { id: asked.caller ?? 'tok_1', person: 'tok', role: 'operator' })
    found = await adminKey(context, 'key' in asked ? asked.key : 'k1')
    return context.body(null)
  })
  await app.request(asked.path ?? '/v1/sessions', { method: 'POST', body: asked.body ?? '{}' })
  return found
}

describe('idempotency', () => {
  it('no key, no promise', async () => {
    const asked: { key?: string } = { key: undefined as never }
    expect(await keyOf(asked)).toBeUndefined()
  })

  it('the same request under the same key is the same, and nothing of it is readable', async () => {
    const [first, again] = [await keyOf({}), await keyOf({})]
    expect(again).toEqual(first)
    expect(first?.key).toMatch(/^[0-9a-f]{64}$/)
    expect(first?.digest).toMatch(/^[0-9a-f]{64}$/)
  })

  it('another path or body has another digest; another caller or key has another key', async () => {
    const first = await keyOf({})
    for (const other of [await keyOf({ path: '/v1/sessions/x/topup' }), await keyOf({ body: '{"cap":1}' })]) {
      expect(other?.key).toBe(first?.key)
      expect(other?.digest).not.toBe(first?.digest)
    }
    for (const other of [await keyOf({ caller: 'tok_2' }), await keyOf({ key: 'k2' })]) expect(other?.key).not.toBe(first?.key)
  })

  it('a key is printable, without blanks, and bounded', () => {
    for (const key of ['', 'a b', 'ä', 'x'.repeat(256)]) expect(KeyHeader.safeParse({ 'idempotency-key': key }).success, key).toBe(false)
    expect(KeyHeader.safeParse({ 'idempotency-key': 'x'.repeat(255) }).success).toBe(true)
    expect(KeyHeader.safeParse({}).success).toBe(true)
  })
})
