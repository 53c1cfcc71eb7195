import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { isProven } from '../../src/identity/identity.ts'
import { createVerify } from '../../src/identity/verify.ts'
import { testClock } from '../clock.ts'
import { claimsAt, ISSUER, issuerOf, type Key, newKey, SUBJECT } from './issuer.ts'

async function fileOf(...keys: Key[]) {
  const folder = await mkdtemp(join(tmpdir(), 'purser-verify-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const path = join(folder, 'jwks.json')
  await writeFile(path, JSON.stringify({ keys: keys.map(({ jwk }) => jwk) }))
  return { from: 'file', path } as const
}

describe('a token', () => {
  it('is verified with the keys of the issuer that it names, and of no other', async () => {
    const clock = testClock()
    const [one, other] = [await newKey('k1'), await newKey('k1')]
    const issuers = [issuerOf(await fileOf(one)), issuerOf(await fileOf(other), { issuer: 'https://other.example' })]
    const verify = createVerify(issuers, { clock })
    expect(await verify(await one.sign(claimsAt(clock)))).toEqual({ issuer: ISSUER, subject: SUBJECT })
    expect(await verify(await other.sign(claimsAt(clock)))).toEqual({ why: 'its signature does not hold' })
    expect(await verify(await one.sign(claimsAt(clock, { iss: 'https://third.example' })))).toEqual({
      why: 'its issuer is not configured here',
    })
  })

  it('may be for any of the audiences that its issuer is configured with', async () => {
    const clock = testClock()
    const key = await newKey('k1')
    const keys = await fileOf(key)
    const verify = createVerify([issuerOf(keys, { audience: 'first' }), issuerOf(keys, { audience: 'second' })], { clock })
    expect(isProven(await verify(await key.sign(claimsAt(clock, { aud: 'second' }))))).toBe(true)
    expect(isProven(await verify(await key.sign(claimsAt(clock, { aud: 'third' }))))).toBe(false)
  })

  it('of any other form proves nothing, and never throws', async () => {
    const verify = createVerify([issuerOf(await fileOf(await newKey('k1')))], { clock: testClock() })
    const part = fc.oneof(
      fc.stringMatching(/^[A-Za-z0-9_-]{0,40}$/),
      fc.json().map((text) => Buffer.from(text).toString('base64url')),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string(),
          fc.tuple(part, part, part).map((parts) => parts.join('.')),
        ),
        async (token) => {
          expect(isProven(await verify(token))).toBe(false)
        },
      ),
    )
    expect(await verify(`a.${'b'.repeat(9_000)}.c`)).toEqual({ why: 'it is no token of three parts, or too long' })
  })
})
