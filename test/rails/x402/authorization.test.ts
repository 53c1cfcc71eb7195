import { decodePaymentSignatureHeader } from '@x402/core/http'
import { x402ResourceServer } from '@x402/core/server'
import type { PaymentPayload, PaymentRequirements } from '@x402/core/types'
import { ExactEvmScheme } from '@x402/evm/exact/facilitator'
import { ExactEvmSchemeV1 } from '@x402/evm/exact/v1/facilitator'
import { describe, expect, it } from 'vitest'
import { MAX_PAYMENT_HEADER_BYTES } from '../../../src/limits.ts'
import type { Authorization, AuthorizeRequest, Challenge, Offer } from '../../../src/rails/rail.ts'
import type { TransferSigner } from '../../../src/wallet/wallet.ts'
import {
  ENTRY_V1,
  ENTRY_V2,
  NETWORK,
  NONCE,
  offered,
  PAY_TO,
  REQUIRED_V1,
  REQUIRED_V2,
  RESOURCE,
  rail,
  USDC,
  WINDOW,
  wallet,
} from './challenges.ts'

const PAYER = await wallet.address(null)

function requestFor(required: unknown, more: Partial<AuthorizeRequest> = {}): AuthorizeRequest {
  return { ...offered(required), nonce: NONCE, ...WINDOW, walletName: null, ...more }
}

const sign = (required: unknown, more: Partial<AuthorizeRequest> = {}) => rail.authorize(requestFor(required, more), wallet)

function payloadOf({ headers }: Authorization): PaymentPayload {
  return decodePaymentSignatureHeader(headers[1] ?? '')
}

describe('an authorization', () => {
  const transfer = {
    domain: { name: 'USDC', version: '2', chainId: 84532, verifyingContract: USDC },
    from: PAYER,
    to: PAY_TO,
    value: 10_000n,
    validAfter: BigInt(WINDOW.validAfter_s),
    validBefore: BigInt(WINDOW.validBefore_s),
    nonce: NONCE,
  }
  const authorization = {
    from: PAYER,
    to: PAY_TO,
    value: '10000',
    validAfter: `${WINDOW.validAfter_s}`,
    validBefore: `${WINDOW.validBefore_s}`,
    nonce: NONCE,
  }

  it('of version 2 carries exactly the decided transfer, the offer and the resource', async () => {
    const signed = await sign(REQUIRED_V2)
    expect(signed).toMatchObject({ payer: PAYER, payTo: PAY_TO, nonce: NONCE, ...WINDOW, transfer })
    expect(signed.headers).toEqual(['PAYMENT-SIGNATURE', expect.any(String)])
    const { signature } = signed
    expect(payloadOf(signed)).toEqual({ x402Version: 2, resource: RESOURCE, accepted: ENTRY_V2, payload: { signature, authorization } })
  })

  it('of version 1 carries the transfer under the scheme and network name that the server used', async () => {
    const signed = await sign(REQUIRED_V1)
    expect(signed).toMatchObject({ payer: PAYER, transfer })
    expect(signed.headers).toEqual(['X-PAYMENT', expect.any(String)])
    const { signature } = signed
    expect(payloadOf(signed)).toEqual({ x402Version: 1, scheme: 'exact', network: 'base-sepolia', payload: { signature, authorization } })
  })

  it('made twice is the same to the byte', async () => {
    expect(await sign(REQUIRED_V2)).toEqual(await sign(REQUIRED_V2))
  })

  it('echoes the offer to the letter, odd numbers and member order included', async () => {
    const raw = `{"payTo":"${PAY_TO}", "scheme":"exact","network":"${NETWORK}","amount":"10000","asset":"${USDC.toLowerCase()}","maxTimeoutSeconds":6e1,"extra":{"10":1.0,"2":12345678901234567890,"name":"USDC"}}`
    const { headers } = await sign(`{"x402Version":2,"accepts":[${raw}]}`)
    expect(Buffer.from(headers[1] ?? '', 'base64').toString('utf8')).toContain(`"accepted":${raw}`)
  })

  it('leaves out a resource that the protocol’s schema does not take', async () => {
    const signed = await sign({ ...REQUIRED_V2, resource: { url: '', tags: 'x' } })
    expect(payloadOf(signed)).not.toHaveProperty('resource')
  })
})

describe('extensions', () => {
  const bazaar = { info: { input: { type: 'http', method: 'GET' } }, schema: { type: 'object' } }
  const identifier = (required: boolean) => ({ 'payment-identifier': { info: { required }, schema: { type: 'object' } } })

  it('are echoed unchanged', async () => {
    const signed = await sign({ ...REQUIRED_V2, extensions: { bazaar, ...identifier(false) } })
    expect(payloadOf(signed)).toMatchObject({ extensions: { bazaar, ...identifier(false) } })
  })

  it('get an id of the payment where one is required: stable for a nonce, telling nothing of it', async () => {
    const required = { ...REQUIRED_V2, extensions: identifier(true) }
    const idOf = async (more: Partial<AuthorizeRequest> = {}) => JSON.stringify(payloadOf(await sign(required, more)).extensions)
    expect(await idOf()).toMatch(/"info":\{"required":true,"id":"pay_[0-9a-f]{40}"\}/)
    expect(await idOf()).toBe(await idOf({ validBefore_s: WINDOW.validBefore_s + 1 }))
    expect(await idOf()).not.toBe(await idOf({ nonce: `0x${'01'.repeat(32)}` }))
    expect(await idOf()).not.toContain(NONCE.slice(2, 18))
  })

  it('that would make the header too long for common servers are left out, but not a required id', async () => {
    const long = { ...bazaar, schema: { description: 'x'.repeat(MAX_PAYMENT_HEADER_BYTES) } }
    const signed = await sign({ ...REQUIRED_V2, extensions: { long, ...identifier(true) } })
    expect(signed.headers[1]?.length).toBeLessThan(MAX_PAYMENT_HEADER_BYTES)
    expect(Object.keys(payloadOf(signed).extensions ?? {})).toEqual(['payment-identifier'])
    expect(payloadOf(await sign({ ...REQUIRED_V2, extensions: { long } }))).not.toHaveProperty('extensions')
  })

  it('that ask for approvals or permits get their echo and no signature', async () => {
    const extensions = {
      erc20ApprovalGasSponsoring: { info: { version: '1' }, schema: {} },
      eip2612GasSponsoring: { info: {}, schema: {} },
    }
    const signed = await sign({ ...REQUIRED_V2, extensions })
    expect(payloadOf(signed).extensions).toEqual(extensions)
  })
})

describe('the official parties', () => {
  const now_s = Math.floor(Date.now() / 1000)
  const window = { validAfter_s: now_s - 600, validBefore_s: now_s + 60 }
  /** A chain with the token's contract on it and nothing else; signatures are checked by the facilitator itself. */
  const chain = {
    getAddresses: () => [PAY_TO] as const,
    getCode: async ({ address }: { address: string }) => (address === USDC ? ('0x60' as const) : undefined),
    readContract: async () => undefined,
    verifyTypedData: async () => false,
    writeContract: async () => `0x${'0'.repeat(64)}` as const,
    sendTransaction: async () => `0x${'0'.repeat(64)}` as const,
    waitForTransactionReceipt: async () => ({ status: 'success' }),
  }

  it('the resource server finds its own requirements and its extensions in the payment', async () => {
    const required = {
      ...REQUIRED_V2,
      extensions: { bazaar: { info: { a: [1] }, schema: {} }, 'payment-identifier': { info: { required: true }, schema: {} } },
    }
    const payload = payloadOf(await sign(required))
    const server = new x402ResourceServer()
    const other: PaymentRequirements = { ...ENTRY_V2, network: NETWORK, amount: '10001' }
    const own: PaymentRequirements = { ...ENTRY_V2, network: NETWORK }
    expect(server.findMatchingRequirements([other, own], payload)).toBe(own)
    expect(server.findMatchingRequirements([other], payload)).toBeUndefined()
    expect(
      server.validateExtensions({ x402Version: 2, resource: RESOURCE, accepts: [own], extensions: required.extensions }, payload),
    ).toEqual({ valid: true })
  })

  it('the facilitator of version 2 verifies the payment', async () => {
    const payload = payloadOf(await sign(REQUIRED_V2, window))
    const answer = await new ExactEvmScheme(chain).verify(payload, { ...ENTRY_V2, network: NETWORK })
    expect(answer).toEqual({ isValid: true, payer: PAYER })
  })

  it('the facilitator of version 1 verifies the payment', async () => {
    const payload = payloadOf(await sign(REQUIRED_V1, window))
    // biome-ignore lint/suspicious/noExplicitAny: the official type of this parameter is that of version 2
    const answer = await new ExactEvmSchemeV1(chain).verify(payload, ENTRY_V1 as any)
    expect(answer).toEqual({ isValid: true, payer: PAYER, invalidReason: undefined })
  })
})

describe('nothing is signed', () => {
  /** Counts what it is asked to sign. */
  function watched(): { wallet: TransferSigner; asked: () => number } {
    let asked = 0
    const watching: TransferSigner = {
      address: (name) => wallet.address(name),
      signTransfer: (name, data) => {
        asked++
        return wallet.signTransfer(name, data)
      },
      signPermit: (name, data) => {
        asked++
        return wallet.signPermit(name, data)
      },
    }
    return { wallet: watching, asked: () => asked }
  }

  const offerWith = (change: Partial<Offer>) => {
    const { challenge, offer } = offered(REQUIRED_V2)
    return { challenge, offer: { ...offer, ...change } }
  }

  it.each<[string, { challenge: Challenge; offer: Offer }]>([
    ['amount', offerWith({ amount: 9_999n })],
    ['recipient', offerWith({ payTo: '0x1111111111111111111111111111111111111111' })],
    ['network', offerWith({ network: 'eip155:8453' })],
    ['version', offerWith({ protocolVersion: 1 })],
    ['place', offerWith({ index: 1 })],
    ['window', offerWith({ askedWindow_s: 61 })],
    ['flow', offerWith({ flow: 'upfront' })],
    ['scheme', offerWith({ scheme: 'upto', method: 'permit2', facilitator: '0x1111111111111111111111111111111111111111' })],
    ['method', offerWith({ method: 'permit2' })],
    ['token', offerWith({ asset: { ...offered(REQUIRED_V2).offer.asset, eip712: { name: 'USD Coin', version: '2' } } })],
    ['text', offerWith({ raw: JSON.stringify({ ...ENTRY_V2, amount: '1' }) })],
    ['text, which is broken', offerWith({ raw: '{' })],
  ])('where the offer’s %s is not the challenge’s', async (_, changed) => {
    const { wallet: watching, asked } = watched()
    const outcome = rail.authorize({ ...requestFor(REQUIRED_V2), ...changed }, watching)
    await expect(outcome).rejects.toMatchObject({
      refusal: { code: 'internal_error', detail: 'The offer is not one of the challenge. Nothing was signed.' },
    })
    expect(asked()).toBe(0)
  })

  it('where the challenge itself was changed after it was read', async () => {
    const { challenge, offer } = offered(REQUIRED_V2)
    const cheaper = { ...offer, amount: 1n }
    const changed = { challenge: { ...challenge, offers: [cheaper] }, offer: cheaper }
    const outcome = rail.authorize({ ...requestFor(REQUIRED_V2), ...changed }, wallet)
    await expect(outcome).rejects.toMatchObject({ refusal: { code: 'internal_error' } })
  })

  it('where the payment would go to the paying wallet itself', async () => {
    const { wallet: watching, asked } = watched()
    const required = { ...REQUIRED_V2, accepts: [{ ...ENTRY_V2, payTo: PAYER }] }
    await expect(rail.authorize(requestFor(required), watching)).rejects.toMatchObject({
      refusal: { code: 'challenge_invalid', detail: `The challenge asks to pay ${PAYER}, which is the paying wallet itself.` },
    })
    expect(asked()).toBe(0)
  })

  it.each([
    { validAfter_s: WINDOW.validBefore_s },
    { validAfter_s: -1 },
    { validBefore_s: Number.NaN },
    { validBefore_s: Number.POSITIVE_INFINITY },
    { validBefore_s: WINDOW.validBefore_s + 0.5 },
  ])('for a window that is none: %j', async (window) => {
    const { wallet: watching, asked } = watched()
    await expect(rail.authorize(requestFor(REQUIRED_V2, window), watching)).rejects.toMatchObject({
      refusal: { code: 'internal_error', detail: 'The window is no window. Nothing was signed.' },
    })
    expect(asked()).toBe(0)
  })

  it.each(['0x', `0x${'5E'.repeat(32)}`, `0x${'5e'.repeat(31)}`] as const)('with a nonce that is not 32 bytes: %s', async (nonce) => {
    await expect(sign(REQUIRED_V2, { nonce })).rejects.toMatchObject({
      refusal: { detail: 'The nonce is not 32 bytes. Nothing was signed.' },
    })
  })

  it('by a wallet that the session does not have', async () => {
    await expect(sign(REQUIRED_V2, { walletName: 'treasury' })).rejects.toMatchObject({ refusal: { code: 'not_found' } })
  })
})
