import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Asset } from '../../src/money.ts'
import { chooseOffer, type Means, type Quote } from '../../src/rails/quote.ts'
import type { Challenge, Offer, RejectedOffer } from '../../src/rails/rail.ts'

const NETWORK = 'eip155:84532'
const USDC: Asset = {
  network: NETWORK,
  address: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
  symbol: 'USDC',
  decimals: 6,
  currency: 'USD',
  rate: 1_000_000n,
  eip712: { name: 'USDC', version: '2' },
}
const EURC: Asset = { ...USDC, address: '0x808456652fdb597867f38412077A9182bf77359F', symbol: 'EURC', currency: 'EUR' }
const MEANS: Means = { currency: 'USD', networks: [NETWORK], assets: ['USDC'] }

function offer(change: Partial<Offer> = {}): Offer {
  return {
    rail: 'x402',
    protocolVersion: 2,
    scheme: 'exact',
    network: NETWORK,
    asset: USDC,
    amount: 1_000n,
    payTo: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
    askedWindow_s: 60,
    flow: 'authorization',
    index: 0,
    raw: '{}',
    ...change,
  }
}

function challenge(offers: readonly Offer[], rejected: readonly RejectedOffer[] = []): Challenge {
  return { rail: 'x402', protocolVersion: 2, offers, rejected, digest: '', echo: '{}' }
}

function quoteOf(result: ReturnType<typeof chooseOffer>): Quote {
  if ('code' in result) throw new Error(`refused: ${result.detail}`)
  return result
}

describe('the quote', () => {
  it('is the offer with its price in the session’s currency', () => {
    const [only] = [offer()]
    const asked = challenge([only])
    expect(chooseOffer(asked, MEANS)).toEqual({ challenge: asked, offer: only, amount: 1_000n, currency: 'USD' })
  })

  it('rounds a price up, against the payer', () => {
    const asset = { ...USDC, decimals: 18 }
    expect(quoteOf(chooseOffer(challenge([offer({ asset, amount: 1n })]), MEANS)).amount).toBe(1n)
  })

  it('is of equally cheap ones the one that needs no allowance', () => {
    const offers = [offer({ method: 'permit2' }), offer({ index: 1, scheme: 'upto', method: 'permit2' }), offer({ index: 2 })]
    expect(quoteOf(chooseOffer(challenge(offers), MEANS)).offer.index).toBe(2)
    expect(quoteOf(chooseOffer(challenge([...offers, offer({ index: 3, amount: 900n, method: 'permit2' })]), MEANS)).offer.index).toBe(3)
  })

  it('is the cheapest, and of equal ones the server’s first', () => {
    const offers = [offer({ amount: 3_000n }), offer({ index: 1, amount: 2_000n }), offer({ index: 2, amount: 2_000n })]
    expect(quoteOf(chooseOffer(challenge(offers), MEANS)).offer.index).toBe(1)
  })

  it('is one that is settled after serving, even where paying upfront is cheaper', () => {
    const offers = [offer({ amount: 1n, flow: 'upfront' }), offer({ index: 1, amount: 2_000n })]
    expect(quoteOf(chooseOffer(challenge(offers), MEANS)).offer.index).toBe(1)
    expect(quoteOf(chooseOffer(challenge(offers.slice(0, 1)), MEANS)).offer.flow).toBe('upfront')
  })

  it('takes an asset by symbol or by address, whatever the case', () => {
    for (const named of ['USDC', USDC.address, USDC.address.toLowerCase()]) {
      expect(quoteOf(chooseOffer(challenge([offer()]), { ...MEANS, assets: [named] })).offer.asset).toBe(USDC)
    }
  })

  it('is never one that these means do not cover', () => {
    const any = fc.record({
      network: fc.constantFrom(NETWORK, 'eip155:8453'),
      asset: fc.constantFrom(USDC, EURC),
      amount: fc.bigInt({ min: 1n, max: 10n ** 30n }),
      flow: fc.constantFrom<Offer['flow']>('authorization', 'upfront'),
    })
    fc.assert(
      fc.property(fc.array(any), (changes) => {
        const offers = changes.map((change, index) => offer({ ...change, index }))
        const result = chooseOffer(challenge(offers), MEANS)
        const payable = offers.filter(({ network, asset }) => network === NETWORK && asset === USDC)
        if ('code' in result) expect(payable).toEqual([])
        else expect(payable).toContain(result.offer)
      }),
    )
  })
})

describe('the refusal', () => {
  it('names the network that may not be used', () => {
    expect(chooseOffer(challenge([offer({ network: 'eip155:8453' })]), MEANS)).toEqual({
      code: 'network_not_allowed',
      detail: 'Network eip155:8453 is not among those that may be used (eip155:84532).',
    })
    expect(chooseOffer(challenge([offer()]), { ...MEANS, networks: [] })).toMatchObject({ detail: expect.stringContaining('(none)') })
  })

  it('names the currency or the asset that does not fit', () => {
    expect(chooseOffer(challenge([offer({ asset: EURC })]), MEANS)).toEqual({
      code: 'asset_unknown',
      detail: 'EURC is priced in EUR, the session in USD.',
    })
    expect(chooseOffer(challenge([offer()]), { ...MEANS, assets: [] })).toEqual({
      code: 'asset_unknown',
      detail: 'USDC is not among the assets of this session (none).',
    })
  })

  it('names the obstacle that is nearest to being payable', () => {
    const reasons: RejectedOffer[] = [
      { index: 0, code: 'challenge_invalid', reason: 'broken' },
      { index: 1, code: 'scheme_not_supported', reason: 'scheme' },
      { index: 2, code: 'asset_unknown', reason: 'asset' },
      { index: 3, code: 'network_not_allowed', reason: 'network' },
    ]
    for (let length = 1; length <= reasons.length; length++) {
      expect(chooseOffer(challenge([], reasons.slice(0, length)), MEANS)).toMatchObject({ code: reasons[length - 1]?.code })
    }
  })

  it('of a challenge that lists nothing says so', () => {
    expect(chooseOffer(challenge([]), MEANS)).toEqual({ code: 'challenge_invalid', detail: 'The challenge lists no way to pay.' })
  })
})
