import { expect, it } from 'vitest'
import { createNonces } from '../../src/mandate/nonces.ts'
import { type Answer, startFixture } from './fixture.ts'

const nonces = createNonces(new Uint8Array(32).fill(4))
const mandates = { nonces, audience: 'purser', read: async () => ({ why: 'not read here' }) }

it('operators get a nonce of ours for a proof of possession, and nobody else', async () => {
  await using fixture = await startFixture({ mandates })
  const answer = await fixture.ask('/v1/mandates/nonce', { method: 'POST' })
  const { nonce, audience, expiresAt }: Answer = await answer.json()
  expect([answer.status, audience]).toEqual([201, 'purser'])
  expect(nonces.expiryOf(nonce, fixture.clock.now())).toBe(Date.parse(expiresAt))
  for (const role of ['approver', 'auditor'] as const) {
    expect((await fixture.ask('/v1/mandates/nonce', { method: 'POST', token: await fixture.token(role) })).status).toBe(403)
  }
})
