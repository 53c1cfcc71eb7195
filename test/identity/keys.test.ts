import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createJwtVerifier } from '../../src/identity/jwt.ts'
import { createKeys } from '../../src/identity/keys.ts'
import { testClock } from '../clock.ts'
import { claimsAt, issuerOf, type Key, newKey, serve } from './issuer.ts'

async function remote(...first: Key[]) {
  const clock = testClock()
  const state = { keys: first.map(({ jwk }) => jwk), status: 200 }
  const { url, heard } = await serve(() => ({ status: state.status, body: { keys: state.keys } }))
  const source = { from: 'url', url } as const
  const verify = createJwtVerifier({ issuer: issuerOf(source), keys: createKeys(source, { clock }), clock })
  return { clock, state, heard, verify }
}

describe('the keys of an issuer', () => {
  it('are asked for once, however many tokens come at the same time', async () => {
    const key = await newKey('k1')
    const { clock, heard, verify } = await remote(key)
    const token = await key.sign(claimsAt(clock))
    const proofs = await Promise.all(Array.from({ length: 10 }, () => verify(token)))
    expect(proofs.every((proof) => 'subject' in proof)).toBe(true)
    expect(heard).toHaveLength(1)
  })

  it('are asked for anew once, however many tokens name keys that nobody knows, or come when the kept ones are too old', async () => {
    const [key, stranger] = [await newKey('k1'), await newKey('k2')]
    const { clock, heard, verify } = await remote(key)
    await verify(await key.sign(claimsAt(clock)))
    clock.advance(30_000)
    const unknown = await stranger.sign(claimsAt(clock))
    await Promise.all(Array.from({ length: 10 }, () => verify(unknown)))
    expect(heard).toHaveLength(2)
    clock.advance(10 * 60_000)
    const token = await key.sign(claimsAt(clock))
    const proofs = await Promise.all(Array.from({ length: 10 }, () => verify(token)))
    expect(proofs.every((proof) => 'subject' in proof)).toBe(true)
    expect(heard).toHaveLength(3)
  })

  it('of a SPIFFE bundle are those of its JWT-SVIDs, and never those of its X.509-SVIDs', async () => {
    const [svid, authority] = [await newKey('k1'), await newKey('k2')]
    const { clock, state, verify } = await remote()
    state.keys = [
      { ...svid.jwk, use: 'jwt-svid' },
      { ...authority.jwk, use: 'x509-svid' },
    ]
    expect(await verify(await svid.sign(claimsAt(clock)))).toHaveProperty('subject')
    expect(await verify(await authority.sign(claimsAt(clock)))).toEqual({ why: 'its key is not known' })
  })

  it('are asked for anew when a token names a new one, at most every 30 seconds', async () => {
    const [old, fresh] = [await newKey('k1'), await newKey('k2')]
    const { clock, state, heard, verify } = await remote(old)
    await verify(await old.sign(claimsAt(clock)))
    state.keys = [fresh.jwk]
    const token = await fresh.sign(claimsAt(clock))
    expect(await verify(token)).toEqual({ why: 'its key is not known' })
    expect(heard).toHaveLength(1)
    clock.advance(30_000)
    expect(await verify(token)).toHaveProperty('subject')
    expect(await verify(await old.sign(claimsAt(clock)))).toEqual({ why: 'its key is not known' })
    expect(heard).toHaveLength(2)
  })

  it('that were taken back are believed for ten minutes at most', async () => {
    const key = await newKey('k1')
    const { clock, state, verify } = await remote(key)
    const token = await key.sign(claimsAt(clock))
    expect(await verify(token)).toHaveProperty('subject')
    state.keys = []
    clock.advance(10 * 60_000)
    expect(await verify(token)).toHaveProperty('why')
  })

  it('that cannot be had are a fault and no refusal, and are asked for again', async () => {
    const key = await newKey('k1')
    const { clock, state, verify } = await remote(key)
    const token = await key.sign(claimsAt(clock))
    state.status = 503
    await expect(verify(token)).rejects.toThrow('answered 503')
    state.status = 200
    expect(await verify(token)).toHaveProperty('subject')
  })

  it('may stand in a file, which is read anew when a token names one that was not there', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'purser-keys-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const path = join(folder, 'jwks.json')
    const [old, fresh] = [await newKey('k1'), await newKey('k2', 'EdDSA')]
    const clock = testClock()
    const source = { from: 'file', path } as const
    const verify = createJwtVerifier({ issuer: issuerOf(source), keys: createKeys(source, { clock }), clock })
    await writeFile(path, JSON.stringify({ keys: [old.jwk] }))
    expect(await verify(await old.sign(claimsAt(clock)))).toHaveProperty('subject')
    await writeFile(path, JSON.stringify({ keys: [old.jwk, fresh.jwk] }))
    clock.advance(30_000)
    expect(await verify(await fresh.sign(claimsAt(clock)))).toHaveProperty('subject')
  })
})
