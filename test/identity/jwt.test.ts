import { createLocalJWKSet } from 'jose'
import { describe, expect, it } from 'vitest'
import { createJwtVerifier } from '../../src/identity/jwt.ts'
import { testClock } from '../clock.ts'
import { claimsAt, ISSUER, issuerOf, newKey, SUBJECT } from './issuer.ts'

const KEYS = { from: 'file', path: 'unused' } as const

async function rig(changes: Parameters<typeof issuerOf>[1] = {}) {
  const clock = testClock()
  const key = await newKey('k1')
  const verify = createJwtVerifier({ issuer: issuerOf(KEYS, changes), keys: createLocalJWKSet({ keys: [key.jwk] }), clock })
  return { clock, key, verify }
}

describe('a signed token', () => {
  it('proves who its subject is, as often as it is presented while it lives', async () => {
    const { clock, key, verify } = await rig()
    const token = await key.sign(claimsAt(clock))
    for (let time = 0; time < 2; time++) expect(await verify(token)).toEqual({ issuer: ISSUER, subject: SUBJECT })
  })

  it.each([
    ['another audience', { aud: 'other' }, 'its claim aud is not what is wanted here'],
    ['no audience', { aud: undefined }, 'its claim aud is not what is wanted here'],
    ['another issuer', { iss: 'https://evil.example' }, 'its claim iss is not what is wanted here'],
    ['no end', { exp: undefined }, 'its claim exp is not what is wanted here'],
    ['no subject', { sub: undefined }, 'its claim sub is not what is wanted here'],
    ['an empty subject', { sub: '' }, 'its subject is empty or too long'],
    ['an endless subject', { sub: 'x'.repeat(501) }, 'its subject is empty or too long'],
  ])('with %s proves nothing', async (_name, claims, why) => {
    const { clock, key, verify } = await rig()
    expect(await verify(await key.sign(claimsAt(clock, claims)))).toEqual({ why })
  })

  it('is taken for 30 seconds beyond its end and before its beginning, because clocks differ, and no longer', async () => {
    const { clock, key, verify } = await rig()
    const now = Math.floor(clock.now() / 1000)
    const token = await key.sign(claimsAt(clock, { exp: now + 10 }))
    clock.advance(39_000)
    expect(await verify(token)).toMatchObject({ subject: SUBJECT })
    clock.advance(2_000)
    expect(await verify(token)).toEqual({ why: 'it has expired' })
    const early = await key.sign(claimsAt(clock, { nbf: Math.floor(clock.now() / 1000) + 32 }))
    expect(await verify(early)).toEqual({ why: 'its claim nbf is not what is wanted here' })
  })

  it('signed by another key, or changed, proves nothing', async () => {
    const { clock, verify } = await rig()
    const stranger = await newKey('k1')
    expect(await verify(await stranger.sign(claimsAt(clock)))).toEqual({ why: 'its signature does not hold' })
    const unknown = await newKey('k2')
    expect(await verify(await unknown.sign(claimsAt(clock)))).toEqual({ why: 'its key is not known' })
  })

  it('is taken in the algorithms of the list only; never unsigned, never with a shared secret', async () => {
    const { clock, key, verify } = await rig({ algorithms: ['RS256'] })
    expect(await verify(await key.sign(claimsAt(clock)))).toEqual({ why: 'its algorithm is not allowed' })
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    for (const alg of ['none', 'HS256']) {
      expect(await verify(`${part({ alg })}.${part(claimsAt(clock))}.`)).toHaveProperty('why')
    }
  })

  it('that is an SVID names its trust domain in its subject', async () => {
    const { clock, key, verify } = await rig({ kind: 'spiffe', issuer: 'spiffe://example.org' })
    const subject = 'spiffe://example.org/ns/research/sa/planner'
    expect(await verify(await key.sign(claimsAt(clock, { sub: subject, iss: undefined })))).toEqual({
      issuer: 'spiffe://example.org',
      subject,
    })
    for (const sub of ['spiffe://example.org.evil/a', 'spiffe://other.org/a', 'spiffe://example.org']) {
      expect(await verify(await key.sign(claimsAt(clock, { sub })))).toEqual({ why: 'its subject is not in the trust domain' })
    }
  })
})
