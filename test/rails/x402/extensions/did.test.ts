import { generateKeyPairSync, sign, verify } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keyOf } from '../../../../src/rails/x402/extensions/did.ts'
import { didJwk, didKey } from './signers.ts'

const KINDS = [
  ['Ed25519', 'EdDSA', generateKeyPairSync('ed25519')],
  ['P-256', 'ES256', generateKeyPairSync('ec', { namedCurve: 'P-256' })],
  ['secp256k1', 'ES256K', generateKeyPairSync('ec', { namedCurve: 'secp256k1' })],
] as const

describe('a DID that holds its key', () => {
  it.each(KINDS)('gives it: %s', (_, algorithm, { publicKey, privateKey }) => {
    for (const did of [didKey(publicKey), didJwk(publicKey), `${didKey(publicKey)}#fragment`]) {
      const found = keyOf(did)
      expect(found).toMatchObject({ kind: 'key', algorithm })
      const hash = algorithm === 'EdDSA' ? null : 'sha256'
      if (found.kind === 'key') expect(verify(hash, Buffer.from('x'), found.key, sign(hash, Buffer.from('x'), privateKey))).toBe(true)
    }
  })

  it('that the protocol’s specification of did:key names is read', () => {
    expect(keyOf('did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK')).toMatchObject({ kind: 'key', algorithm: 'EdDSA' })
  })
})

describe('a DID that does not', () => {
  it.each(['did:web:example.com', 'did:pkh:eip155:1:0xabc', '', 'key', `did:key:z${'1'.repeat(600)}`])(
    'names a key elsewhere: %s',
    (did) => {
      expect(keyOf(did)).toEqual({ kind: 'elsewhere' })
    },
  )

  it.each([
    'did:key:',
    'did:key:z',
    'did:key:z0OIl',
    'did:key:fabc',
    'did:key:z6Mkha',
    'did:jwk:e30',
    `did:jwk:${Buffer.from('{"kty":"oct","k":"AA"}').toString('base64url')}`,
    `did:jwk:${Buffer.from('{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}').toString('base64url')}`,
  ])('is broken: %s', (did) => {
    expect(keyOf(did)).toEqual({ kind: 'broken' })
  })

  it('never throws', () => {
    fc.assert(fc.property(fc.constantFrom('', 'did:key:', 'did:key:z', 'did:jwk:'), fc.string(), (head, tail) => void keyOf(head + tail)))
  })
})
