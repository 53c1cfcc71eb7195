import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AmountError, type Asset, displayAmount, formatAmount, formatAtomic, least, parseAmount, priceOf } from '../src/money.ts'

const USDC: Asset = {
  network: 'eip155:84532',
  address: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
  symbol: 'USDC',
  decimals: 6,
  currency: 'USD',
  rate: 1_000_000n,
  eip712: { name: 'USDC', version: '2' },
}

describe('parseAmount', () => {
  it.each([
    ['0', 0n],
    ['10', 10_000_000n],
    ['0.05', 50_000n],
    ['25.00', 25_000_000n],
    ['0.000001', 1n],
    [5.5, 5_500_000n],
    [0, 0n],
    ['9999999999999.999999', 9_999_999_999_999_999_999n],
  ])('reads %j exactly', (written, millionths) => {
    expect(parseAmount(written)).toBe(millionths)
  })

  it.each([
    '',
    ' 1',
    '1 ',
    '+1',
    '-1',
    '01',
    '1.',
    '.5',
    '1e3',
    '0x10',
    '1.0000001',
    '1,5',
    '١',
    '12345678901234',
    '1\n',
    'NaN',
    'Infinity',
  ])('refuses %j', (written) => {
    expect(() => parseAmount(written)).toThrow(AmountError)
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY, -1, 1e21, 1e-7, 0.1 + 0.2])('refuses the number %d rather than round it', (written) => {
    expect(() => parseAmount(written)).toThrow(AmountError)
  })

  it('lets only its own error out, whatever the text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.double()), (written) => {
        try {
          expect(parseAmount(written)).toBeGreaterThanOrEqual(0n)
        } catch (error) {
          expect(error).toBeInstanceOf(AmountError)
        }
      }),
    )
  })
})

describe('formatAmount', () => {
  it.each([
    [0n, '0.00'],
    [1n, '0.000001'],
    [4_999_000n, '4.999'],
    [25_000_000n, '25.00'],
    [100_000n, '0.10'],
    [-1_500_000n, '-1.50'],
  ])('writes %d as %s', (millionths, written) => {
    expect(formatAmount(millionths)).toBe(written)
  })

  it('is read back as the same amount', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 9_999_999_999_999_999_999n }), (amount) => parseAmount(formatAmount(amount)) === amount),
    )
  })
})

describe('displayAmount', () => {
  it('puts the sign of the dollar before dollars and the currency behind everything else', () => {
    expect(displayAmount(8_470_000n, 'USD')).toBe('$8.47')
    expect(displayAmount(8_470_000n, 'EUR')).toBe('8.47 EUR')
  })
})

describe('least', () => {
  it('is the smallest of what is there', () => {
    expect(least(3n)).toBe(3n)
    expect(least(3n, undefined, 2n, 5n)).toBe(2n)
    expect(least(0n, -1n, undefined)).toBe(-1n)
  })
})

describe('priceOf', () => {
  it('is one to one for a pegged token with six decimals', () => {
    expect(priceOf(1_000n, USDC)).toBe(1_000n)
  })

  it('rounds up, against the payer, so that a cap never counts less than what leaves', () => {
    const coarse = { ...USDC, decimals: 18 }
    expect(priceOf(1n, coarse)).toBe(1n)
    expect(priceOf(10n ** 12n, coarse)).toBe(1n)
    expect(priceOf(10n ** 12n + 1n, coarse)).toBe(2n)
  })

  it('never prices a part below its share of the whole', () => {
    const asset = fc.record({ decimals: fc.integer({ min: 0, max: 24 }), rate: fc.bigInt({ min: 1n, max: 10n ** 12n }) })
    fc.assert(
      fc.property(asset, fc.bigInt({ min: 0n, max: 10n ** 30n }), ({ decimals, rate }, atomic) => {
        const price = priceOf(atomic, { ...USDC, decimals, rate })
        const exact = atomic * rate
        const unit = 10n ** BigInt(decimals)
        expect(price * unit >= exact && (price - 1n) * unit < exact).toBe(true)
      }),
    )
  })
})

describe('formatAtomic', () => {
  it.each([
    [1_000n, 6, '0.001'],
    [1_000_000n, 6, '1'],
    [0n, 6, '0'],
    [7n, 0, '7'],
    [1n, 18, '0.000000000000000001'],
  ])('writes %d units of a token with %d decimals as %s', (atomic, decimals, written) => {
    expect(formatAtomic(atomic, decimals)).toBe(written)
  })
})
