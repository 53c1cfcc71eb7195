import { generateKeyPairSync } from 'node:crypto'
import { createOfferEIP712, createOfferJWS, createReceiptEIP712, createReceiptJWS } from '@x402/extensions/offer-receipt'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { describe, expect, it } from 'vitest'
import { OFFER_RECEIPT, readSignedOffers, readSignedReceipt } from '../../../../src/rails/x402/extensions/offer-receipt.ts'
import { challengeOf, ENTRY_V2, headOf, PAY_TO, REQUIRED_V2, RESOURCE, rail } from '../challenges.ts'
import { jwsSigner } from './signers.ts'

const account = privateKeyToAccount(generatePrivateKey())
const jws = jwsSigner(generateKeyPairSync('ed25519'))
const DEARER = { ...ENTRY_V2, amount: '20000' }
const signTyped = (data: object) => account.signTypedData(data as never)
const signedFor = (entry: typeof ENTRY_V2, acceptIndex: number) => createOfferEIP712(RESOURCE.url, { ...entry, acceptIndex }, signTyped)
const extensionOf = (...offers: unknown[]) => ({ info: { offers }, schema: {} })
const detect = (accepts: unknown[], ...offers: unknown[]) =>
  challengeOf(rail.detect(headOf({ ...REQUIRED_V2, accepts, extensions: { [OFFER_RECEIPT]: extensionOf(...offers) } }), undefined))

describe('a signed offer', () => {
  it('that says what its entry says leaves it payable, and is kept beside it', async () => {
    const challenge = detect([ENTRY_V2, DEARER], await signedFor(ENTRY_V2, 0), await signedFor(DEARER, 1))
    expect(challenge.offers).toHaveLength(2)
    expect(challenge.said?.signedOffers).toMatchObject([
      { index: 0, verdict: 'verified', signer: account.address, agrees: true },
      { index: 1, verdict: 'verified', agrees: true },
    ])
  })

  it.each([
    ['another price', DEARER],
    ['another recipient', { ...ENTRY_V2, payTo: account.address }],
    ['another token', { ...ENTRY_V2, asset: PAY_TO }],
    ['another network', { ...ENTRY_V2, network: 'eip155:8453' }],
    ['another scheme', { ...ENTRY_V2, scheme: 'upto' }],
  ])('for %s than its entry asks makes the entry none that is paid', async (_, other) => {
    for (const offer of [await signedFor(other, 0), await createOfferJWS(RESOURCE.url, { ...other, acceptIndex: 0 }, jws)]) {
      const challenge = detect([ENTRY_V2], offer)
      expect(challenge.offers).toEqual([])
      expect(challenge.rejected).toMatchObject([
        { index: 0, code: 'challenge_invalid', reason: 'Offer 1 asks for other terms than were signed for it.' },
      ])
    }
  })

  it('with the place of another entry spoils that one alone', async () => {
    const challenge = detect([ENTRY_V2, DEARER], await signedFor(ENTRY_V2, 1))
    expect(challenge.offers.map(({ index }) => index)).toEqual([0])
  })

  it('without a usable place is about the entry that it describes, or the only one', async () => {
    const placed = (offer: object, acceptIndex?: unknown) => ({ ...offer, acceptIndex })
    const fitting = await signedFor(DEARER, 0)
    for (const index of [undefined, 7, -1, 'x']) {
      expect(detect([ENTRY_V2, DEARER], placed(fitting, index)).said?.signedOffers).toMatchObject([{ index: 1, agrees: true }])
      expect(detect([ENTRY_V2], placed(fitting, index)).offers).toEqual([])
    }
    const neither = await signedFor({ ...ENTRY_V2, amount: '1' }, 9)
    expect(detect([ENTRY_V2, DEARER], neither).offers).toHaveLength(2)
  })

  it('whose signature is nobody’s pins nothing, and what is no offer is left out', async () => {
    const broken = { ...(await signedFor(DEARER, 0)), signature: `0x${'00'.repeat(65)}` }
    const challenge = detect([ENTRY_V2], broken, null, {}, { format: 'jws', signature: 'a.b.c' })
    expect(challenge.offers).toHaveLength(1)
    expect(challenge.said?.signedOffers).toMatchObject([{ verdict: 'broken' }])
  })

  it('without an end has none, and not more of them are read than bounded', async () => {
    const offer = await createOfferEIP712(RESOURCE.url, { ...ENTRY_V2, acceptIndex: 0 }, signTyped)
    const payload = { ...offer.payload, validUntil: 0 }
    expect(readSignedOffers(extensionOf({ ...offer, payload }), [ENTRY_V2])).toMatchObject([{ validUntil_s: undefined }])
    expect(readSignedOffers(extensionOf(...Array(40).fill(offer)), [ENTRY_V2])).toHaveLength(16)
  })
})

describe('a signed receipt', () => {
  const input = { resourceUrl: RESOURCE.url, payer: account.address, network: 'eip155:84532', transaction: `0x${'ab'.repeat(32)}` }

  it('is read with whose it is', async () => {
    expect(readSignedReceipt({ info: { receipt: await createReceiptEIP712(input, signTyped) } })).toMatchObject({
      ...input,
      ...{ verdict: 'verified', signer: account.address },
    })
    const { transaction: _, ...bare } = input
    const read = readSignedReceipt({ info: { receipt: await createReceiptJWS(bare, jws) } })
    expect(read).toMatchObject({ ...bare, verdict: 'verified', signer: jws.kid })
    expect(read).not.toHaveProperty('transaction')
  })

  it('is none where it is none', () => {
    for (const value of [undefined, null, {}, { info: {} }, { info: { receipt: 'x' } }]) expect(readSignedReceipt(value)).toBeUndefined()
  })
})
