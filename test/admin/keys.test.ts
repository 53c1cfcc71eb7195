import { createLocalJWKSet, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { createSessionJwts } from '../../src/session/jwt.ts'
import { type Answer, SPEC, startFixture } from './fixture.ts'

const jwts = await createSessionJwts(new Uint8Array(32).fill(3))

describe('GET /v1/keys', () => {
  it('shows the public key to anybody, and with it a token can be verified', async () => {
    await using it = await startFixture({ jwts })
    const answer = await it.ask('/v1/keys', { token: null })
    expect(answer.status).toBe(200)
    const keys: Answer = await answer.json()
    const set = createLocalJWKSet(keys)
    const { id, token, proxyUrl } = await it.open({ tokenFormat: 'jwt' })
    const { payload } = await jwtVerify(token, set, { currentDate: new Date(it.clock.now()) })
    expect(payload).toMatchObject({ sub: id, agent: SPEC.agent, cap: '25.00' })
    expect(proxyUrl).toBe(`http://${id}:${token}@127.0.0.1:4020`)
  })

  it('shows none where there is none, and no JWT is minted then', async () => {
    await using it = await startFixture()
    expect(await (await it.ask('/v1/keys', { token: null })).json()).toEqual({ keys: [] })
    const answer = await it.ask('/v1/sessions', { body: { ...SPEC, tokenFormat: 'jwt' } })
    expect(await answer.json()).toMatchObject({ code: 'request_invalid', detail: expect.stringContaining('tokenFormat') })
    expect((await it.ledger.sessions({ limit: 10 })).items).toEqual([])
  })
})

describe('POST /v1/sessions/{id}/token', () => {
  it('mints a further token for a shorter time, never beyond the session’s end, for operators alone', async () => {
    await using it = await startFixture({ jwts })
    const { id, expiresAt } = await it.open()
    const mint = async (body: object, token?: string) => it.ask(`/v1/sessions/${id}/token`, { body, ...(token ? { token } : {}) })
    const short: Answer = await (await mint({ ttl: '10m' })).json()
    expect(short.expiresAt).toBe(new Date(it.clock.now() + 600_000).toISOString())
    expect(await jwts.verify(short.token, it.clock.now() + 600_000)).toMatchObject({ sessionId: id, expired: true })
    expect(await (await mint({ ttl: '9d' })).json()).toMatchObject({ expiresAt })
    expect((await mint({}, await it.token('auditor'))).status).toBe(403)
    await it.ask(`/v1/sessions/${id}/close`, { method: 'POST' })
    expect(await (await mint({})).json()).toMatchObject({ code: 'conflict' })
  })
})
