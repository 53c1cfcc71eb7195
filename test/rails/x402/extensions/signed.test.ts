import { generateKeyPairSync } from 'node:crypto'
import { createOfferEIP712, createOfferJWS } from '@x402/extensions/offer-receipt'
import fc from 'fast-check'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type Kind, readSigned } from '../../../../src/rails/x402/extensions/signed.ts'
import { ENTRY_V2 } from '../challenges.ts'
import { didJwk, didKey, jwsSigner } from './signers.ts'

const NAMES = ['resourceUrl', 'scheme', 'network', 'asset', 'payTo', 'amount'] as const
const KIND: Kind<Record<string, unknown>> = {
  schema: z.looseObject({ version: z.int().exactOptional(), validUntil: z.int().exactOptional() }),
  domain: 'x402 offer',
  type: 'Offer',
  members: [
    { name: 'version', type: 'uint256' },
    ...NAMES.map((name) => ({ name, type: 'string' as const })),
    { name: 'validUntil', type: 'uint256' },
  ],
}
const INPUT = { ...ENTRY_V2, acceptIndex: 0 }
const URL_SOLD = 'https://api.example.com/premium-data'
const account = privateKeyToAccount(generatePrivateKey())
const typed = () => createOfferEIP712(URL_SOLD, INPUT, (data) => account.signTypedData(data as never))

describe('a statement by EIP-712', () => {
  it('is signed by whom the signature shows', async () => {
    const offer = await typed()
    const read = readSigned(offer, KIND)
    expect(read).toMatchObject({ verdict: 'verified', signer: account.address, payload: { amount: '10000' } })
    expect(JSON.parse(read?.text ?? '')).toEqual({ format: 'eip712', payload: offer.payload, signature: offer.signature })
  })

  it('that was changed is signed by somebody else, or nobody', async () => {
    const offer = await typed()
    const changed = readSigned({ ...offer, payload: { ...offer.payload, amount: '1' } }, KIND)
    expect(changed?.signer).not.toBe(account.address)
    expect(readSigned({ ...offer, signature: `0x${'00'.repeat(65)}` }, KIND)).toMatchObject({ verdict: 'broken', signer: undefined })
  })
})

describe('a statement by JWS', () => {
  const keys = generateKeyPairSync('ec', { namedCurve: 'secp256k1' })
  const others = generateKeyPairSync('ec', { namedCurve: 'secp256k1' })

  it.each([generateKeyPairSync('ed25519'), generateKeyPairSync('ec', { namedCurve: 'P-256' }), keys])(
    'is signed by the key that its DID holds',
    async (pair) => {
      for (const kid of [didKey(pair.publicKey), `${didJwk(pair.publicKey)}#0`]) {
        const read = readSigned(await createOfferJWS(URL_SOLD, INPUT, jwsSigner(pair, kid)), KIND)
        expect(read).toMatchObject({ verdict: 'verified', signer: kid.split('#')[0], payload: { amount: '10000' } })
      }
    },
  )

  it('of another key than its DID holds is broken', async () => {
    const offer = await createOfferJWS(URL_SOLD, INPUT, jwsSigner(others, didKey(keys.publicKey)))
    expect(readSigned(offer, KIND)).toMatchObject({ verdict: 'broken' })
  })

  it('whose algorithm is not its key’s is broken', async () => {
    for (const algorithm of ['none', 'HS256', 'ES256']) {
      const offer = await createOfferJWS(URL_SOLD, INPUT, { ...jwsSigner(keys), algorithm })
      expect(readSigned(offer, KIND)).toMatchObject({ verdict: 'broken' })
    }
  })

  it('of a name whose key would have to be fetched is not checked, and nothing is fetched', async () => {
    const offer = await createOfferJWS(URL_SOLD, INPUT, jwsSigner(keys, 'did:web:api.example.com#key-1'))
    expect(readSigned(offer, KIND)).toMatchObject({ verdict: 'unchecked', signer: 'did:web:api.example.com' })
  })

  it('whose name holds more than a name is not quoted', async () => {
    const offer = await createOfferJWS(URL_SOLD, INPUT, jwsSigner(keys, 'trusted by the operator'))
    expect(readSigned(offer, KIND)).toMatchObject({ verdict: 'broken', signer: undefined })
  })
})

it('whatever comes instead of a statement is none, and nothing throws', () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => void readSigned(value, KIND)))
  const almost = fc.record({
    format: fc.constantFrom('jws', 'eip712'),
    payload: fc.jsonValue(),
    signature: fc.oneof(
      fc.string(),
      fc.constant(`0x${'ff'.repeat(65)}`),
      fc.tuple(fc.base64String(), fc.string()).map((parts) => parts.join('.')),
    ),
  })
  fc.assert(fc.property(almost, (value) => void readSigned(value, KIND)))
})
