import { describe, expect, it } from 'vitest'
import { MAX_ADMIN_BODY_BYTES } from '../../src/limits.ts'
import { expectProblem, SPEC, startFixture } from './fixture.ts'

const OWN = ['127.0.0.1:4021', '127.0.0.9', 'localhost', 'LOCALHOST:4021', '[::1]:4021', 'purser.internal.example:4021']
const FOREIGN = [
  'evil.example',
  'localhost.evil.example:4021',
  '127.0.0.1.evil.example',
  '10.0.0.7',
  'x@127.0.0.1',
  '127.0.0.1/x',
  '',
  '[::2]',
]

describe('door-guard', () => {
  it.each(OWN)('answers where the Host is its own or a configured one: %s', async (host) => {
    await using fixture = await startFixture({ hosts: ['Purser.internal.example'] })
    expect((await fixture.ask('/v1/sessions', { headers: { host } })).status).toBe(200)
  })

  it.each(FOREIGN)('refuses a rebound name even with a valid token: %j', async (host) => {
    await using fixture = await startFixture()
    for (const path of ['/', '/metrics', '/v1/sessions']) {
      await expectProblem(await fixture.ask(path, { headers: { host } }), 'host_mismatch', 421)
    }
  })

  it.each([
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { origin: 'https://evil.example' },
    { origin: 'http://127.0.0.1:3000' },
    { origin: 'null' },
  ])('refuses what a page of another site made a browser send: %j', async (headers) => {
    await using fixture = await startFixture()
    const detail = await expectProblem(await fixture.ask('/v1/halt', { body: {}, headers }), 'forbidden', 403)
    expect(detail).toBe('Pages of other sites may not ask this listener.')
    expect(await fixture.ledger.halts()).toEqual([])
  })

  it.each([{ 'sec-fetch-site': 'same-origin', origin: 'http://127.0.0.1:4021', host: '127.0.0.1:4021' }, { 'sec-fetch-site': 'none' }])(
    'answers its own pages and typed addresses: %j',
    async (headers) => {
      await using fixture = await startFixture()
      expect((await fixture.ask('/v1/sessions', { headers })).status).toBe(200)
    },
  )

  it('the start page, which holds nothing, may be linked to from anywhere', async () => {
    await using fixture = await startFixture()
    expect((await fixture.ask('/', { token: null, headers: { 'sec-fetch-site': 'cross-site' } })).status).toBe(200)
  })

  it('every answer, refusals included, is neither cached nor framed nor guessed at', async () => {
    await using fixture = await startFixture()
    for (const answer of [
      await fixture.ask('/'),
      await fixture.ask('/v1/sessions'),
      await fixture.ask('/v1/sessions', { token: null }),
      await fixture.ask('/none'),
    ]) {
      expect(answer.headers.get('cache-control')).toBe('no-store')
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
      expect(answer.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
      expect(answer.headers.get('access-control-allow-origin')).toBeNull()
    }
  })

  it('refuses a body beyond the bound, announced or not', async () => {
    await using fixture = await startFixture()
    const purpose = 'x'.repeat(MAX_ADMIN_BODY_BYTES)
    const long = JSON.stringify({ ...SPEC, purpose })
    await expectProblem(
      await fixture.ask('/v1/sessions', { body: long, headers: { 'content-length': String(long.length) } }),
      'request_invalid',
      413,
    )
    await expectProblem(await fixture.ask('/v1/sessions', { body: long }), 'request_invalid', 413)
    expect((await fixture.ledger.sessions({ limit: 1 })).items).toEqual([])
  })

  it('takes JSON only, so that no form of another site is read as a call', async () => {
    await using fixture = await startFixture()
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
      for (const path of ['/v1/halt', '/v1/sessions']) {
        const answer = await fixture.ask(path, { body: '{"scope":"all"}', headers: { 'content-type': type } })
        expect(await expectProblem(answer, 'request_invalid', 415)).toBe('Send the body as JSON, with Content-Type: application/json.')
      }
    }
    expect(await fixture.ledger.halts()).toEqual([])
  })
})
