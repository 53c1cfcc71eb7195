import fc from 'fast-check'
import { createLocalJWKSet, jwtVerify, SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { createSessionJwts } from '../../src/session/jwt.ts'
import { NOW, session } from './fixtures.ts'

const SEED = new Uint8Array(32).fill(9)
const jwts = await createSessionJwts(SEED)
const others = await createSessionJwts(new Uint8Array(32).fill(8))
const later = NOW + 60_000

describe('session tokens as JWTs', () => {
  it('say whose session it is, what it may spend, where, and until when, to whoever has the public key alone', async () => {
    const token = await jwts.mint(session({ scope: { hosts: ['api.example.com'] }, singleUse: true, parent: 'ses_0' }), { now: NOW })
    const set = createLocalJWKSet({ keys: [...jwts.keys.keys] })
    const { payload, protectedHeader } = await jwtVerify(token, set, {
      currentDate: new Date(later),
      issuer: 'purser',
      audience: 'purser-proxy',
    })
    expect(payload).toMatchObject({ sub: 'ses_1', agent: 'reporter', cap: '10.00', currency: 'USD', parent: 'ses_0', single_use: true })
    expect(payload).toMatchObject({ iat: NOW / 1000, exp: NOW / 1000 + 3600, scope: { hosts: ['api.example.com'] } })
    expect(protectedHeader).toMatchObject({ alg: 'EdDSA', typ: 'purser-session+jwt' })
    expect(JSON.stringify(jwts.keys)).not.toContain('"d"')
  })

  it('are the same each time for the same session and times, so that a replayed creation shows the same one', async () => {
    expect(await jwts.mint(session(), { now: NOW })).toBe(await jwts.mint(session(), { now: later }))
  })

  it('are URL-safe, and no longer than a head takes, whatever the scope is', async () => {
    const hosts = Array.from({ length: 1_000 }, (_, at) => `host-${at}.example.com`)
    const token = await jwts.mint(session({ scope: { hosts } }), { now: NOW })
    expect(token).toMatch(/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/)
    expect(token.length).toBeLessThan(4_000)
    expect(await jwts.verify(token, NOW)).toEqual({ sessionId: 'ses_1', expired: false, expiresAt: NOW + 3_600_000 })
  })

  it('end with their session, or sooner where that was asked for, and never later', async () => {
    const [short, long] = [await jwts.mint(session(), { now: NOW, ttl_ms: 60_000 }), await jwts.mint(session(), { now: NOW, ttl_ms: 9e9 })]
    expect(await jwts.verify(short, later - 1)).toMatchObject({ expired: false })
    expect(await jwts.verify(short, later)).toMatchObject({ expired: true })
    expect(await jwts.verify(long, NOW + 3_600_000)).toMatchObject({ sessionId: 'ses_1', expired: true })
  })

  it('are known only where this very key signed them, also when they were seen before', async () => {
    const token = await jwts.mint(session(), { now: NOW })
    expect(await others.verify(token, NOW)).toBeUndefined()
    for (let look = 0; look < 2; look++) expect(await jwts.verify(token, NOW)).toMatchObject({ sessionId: 'ses_1' })
    const [head = '', , signature = ''] = token.split('.')
    const forged = Buffer.from(JSON.stringify({ sub: 'ses_2', iss: 'purser', aud: 'purser-proxy', exp: 9e9 })).toString('base64url')
    expect(await jwts.verify(`${head}.${forged}.${signature}`, NOW)).toBeUndefined()
  })

  it.each([
    ['another type', { typ: 'JWT' }, {}],
    ['another issuer', {}, { iss: 'somebody' }],
    ['another audience', {}, { aud: 'elsewhere' }],
    ['no end', {}, { exp: null }],
    ['no session', {}, { sub: null }],
  ])('are not what the same key signed with %s', async (_, head, claims) => {
    const { createPrivateKey } = await import('node:crypto')
    const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), SEED])
    const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    const all = { iss: 'purser', aud: 'purser-proxy', sub: 'ses_1', exp: later, ...claims }
    const said = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null))
    const token = await new SignJWT(said).setProtectedHeader({ alg: 'EdDSA', typ: 'purser-session+jwt', ...head }).sign(key)
    expect(await jwts.verify(token, NOW)).toBeUndefined()
  })

  it('are not what says that it needs no signature, or one by a shared secret', async () => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const claims = part({ iss: 'purser', aud: 'purser-proxy', sub: 'ses_1', exp: later })
    expect(await jwts.verify(`${part({ alg: 'none', typ: 'purser-session+jwt' })}.${claims}.`, NOW)).toBeUndefined()
    const publicKey = Buffer.from(jwts.keys.keys[0]?.x ?? '', 'base64url')
    const shared = await new SignJWT({ iss: 'purser', aud: 'purser-proxy', sub: 'ses_1', exp: later })
      .setProtectedHeader({ alg: 'HS256', typ: 'purser-session+jwt' })
      .sign(publicKey)
    expect(await jwts.verify(shared, NOW)).toBeUndefined()
  })

  it('nothing else is a token, and nothing else gets out than that', async () => {
    const token = await jwts.mint(session(), { now: NOW })
    const changed = fc
      .tuple(fc.nat(token.length - 1), fc.constantFrom(...'abcXYZ019-_.'))
      .map(([at, letter]) => token.slice(0, at) + letter + token.slice(at + 1))
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.base64String(), changed), async (text) => {
        const vouched = await jwts.verify(text, NOW)
        // The last letter of a signature has bits that mean nothing.
        if (vouched) expect([text.slice(0, -1), vouched.sessionId]).toEqual([token.slice(0, -1), 'ses_1'])
      }),
      { numRuns: 300 },
    )
  })

  it('need a seed of 32 bytes', async () => {
    await expect(createSessionJwts(new Uint8Array(31))).rejects.toThrow('32 bytes')
  })
})
