import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Asset, priceOf } from '../../../../src/money.ts'
import {
  type ChannelAccount,
  chargedBy,
  deposited,
  higher,
  nextVoucher,
  stepPrice,
  unvouched,
  vouched,
} from '../../../../src/rails/x402/channels/account.ts'
import { offerOf } from './offers.ts'

const END = 2n ** 128n
const amount = fc.bigInt({ min: 1n, max: 10n ** 12n })
/** Sums in order, as an account has them. */
const account = fc
  .tuple(...([0, 0, 0] as const).map(() => fc.bigInt({ min: 0n, max: 10n ** 12n })))
  .map(([a = 0n, b = 0n, c = 0n]): ChannelAccount => ({ charged: a, signed: a + b, deposited: a + b + c }))

describe('the account of a channel', () => {
  it('vouches for what was charged and one request more, within the deposit', () => {
    const holds = fc.property(account, amount, (before, cost) => {
      const next = nextVoucher(before, cost)
      expect(next.cumulative).toBe(before.charged + cost)
      if (next.kind === 'short') expect(next.missing).toBe(next.cumulative - before.deposited)
      else expect(next.cumulative).toBeLessThanOrEqual(before.deposited)
    })
    fc.assert(holds)
  })

  it('never has more signed than lies in the escrow, whatever is bought, charged or not', () => {
    const step = fc.record({ cost: amount, takes: fc.boolean(), deposit: amount })
    const holds = fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
      let now: ChannelAccount = { deposited: 0n, signed: 0n, charged: 0n }
      for (const { cost, takes, deposit } of steps) {
        const next = nextVoucher(now, cost)
        if (next.kind === 'short') now = deposited(now, higher(next.missing, deposit))
        now = vouched(now, next.cumulative)
        if (takes) now = chargedBy(now, { amount: cost, cumulative: next.cumulative }, next.cumulative) ?? now
        expect(now.charged).toBeLessThanOrEqual(now.signed)
        expect(now.signed).toBeLessThanOrEqual(now.deposited)
        expect(unvouched(now)).toBe(now.deposited - now.signed)
      }
    })
    fc.assert(holds)
  })

  it('keeps the highest voucher, for whoever has it can claim it', () => {
    const before = { deposited: 10_000n, signed: 5_000n, charged: 1_000n }
    expect(vouched(before, 2_000n)).toEqual(before)
    expect(vouched(before, 6_000n)).toEqual({ ...before, signed: 6_000n })
    expect(() => vouched(before, 10_001n)).toThrow('does not add up')
  })

  it('takes a charge up to its voucher, and none that is another sum than ours', () => {
    const before = { deposited: 10_000n, signed: 2_000n, charged: 1_000n }
    expect(chargedBy(before, { amount: 1_000n, cumulative: 2_000n }, 2_000n)).toEqual({ ...before, charged: 2_000n })
    expect(chargedBy(before, { amount: 0n, cumulative: 1_000n }, 2_000n)).toEqual(before)
    expect(chargedBy(before, { amount: 1_001n, cumulative: 2_001n }, 2_000n)).toBeUndefined()
    expect(chargedBy(before, { amount: 500n, cumulative: 2_000n }, 2_000n)).toBeUndefined()
    expect(chargedBy(before, { amount: -1n, cumulative: 999n }, 2_000n)).toBeUndefined()
    expect(chargedBy(before, { amount: 2_000n, cumulative: 3_000n }, 3_000n)).toBeUndefined()
  })

  it('counts in 128 bits, and sells nothing for nothing', () => {
    const full = { deposited: END - 1n, signed: 0n, charged: 0n }
    expect(nextVoucher(full, END - 1n)).toEqual({ kind: 'voucher', cumulative: END - 1n })
    expect(() => nextVoucher(full, END)).toThrow('128 bits')
    expect(() => deposited(full, 1n)).toThrow('does not add up')
    expect(() => nextVoucher(full, 0n)).toThrow('costs something')
    expect(() => nextVoucher({ deposited: 1n, signed: 2n, charged: 0n }, 1n)).toThrow('does not add up')
  })
})

describe('the price of a step', () => {
  const asset = fc
    .record({ decimals: fc.integer({ min: 0, max: 36 }), rate: fc.bigInt({ min: 1n, max: 10n ** 15n }) })
    .map((odd): Asset => ({ ...offerOf().asset, ...odd }))

  it('is rounded in sums alone: all steps together cost what their end costs', () => {
    const holds = fc.property(asset, fc.array(amount, { maxLength: 100 }), (token, costs) => {
      let [sum, price] = [0n, 0n]
      for (const cost of costs) {
        const step = stepPrice(token, { from: sum, to: sum + cost })
        expect(step).toBeGreaterThanOrEqual(0n)
        price += step
        sum += cost
      }
      expect(price).toBe(priceOf(sum, token))
    })
    fc.assert(holds)
  })

  it('of a thousand requests below a millionth is not a thousand millionths', () => {
    const tiny: Asset = { ...offerOf().asset, decimals: 18 }
    const price = Array.from({ length: 1_000 }, (_, i) => stepPrice(tiny, { from: BigInt(i), to: BigInt(i + 1) })).reduce((a, b) => a + b)
    expect(price).toBe(1n)
  })

  it('goes forward only', () => {
    expect(() => stepPrice(offerOf().asset, { from: 2n, to: 1n })).toThrow('only grow')
    expect(() => stepPrice(offerOf().asset, { from: -1n, to: 1n })).toThrow('only grow')
  })
})
