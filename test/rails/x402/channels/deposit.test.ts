import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Asset, priceOf } from '../../../../src/money.ts'
import { atomicWithin, type DepositBounds, decideDeposit } from '../../../../src/rails/x402/channels/deposit.ts'
import { CHANNEL_ENTRY, offerOf } from './offers.ts'

const { asset } = offerOf()
const WISH = { asset, deposited: 0n, missing: 1_000n }
/** A dollar at a time, five in a channel. */
const BOUNDS: DepositBounds = { deposit: 1_000_000n, maxDeposit: 5_000_000n, remaining: 10_000_000n }

describe('a deposit', () => {
  it('is what the operator says', () => {
    expect(decideDeposit(WISH, BOUNDS)).toEqual({ kind: 'deposit', amountAtomic: 1_000_000n, price: 1_000_000n })
  })

  it('is the same whatever minimum the server would like', () => {
    for (const minDeposit of ['1', '10000', '999999999999']) {
      const offer = offerOf({ ...CHANNEL_ENTRY, extra: { ...CHANNEL_ENTRY.extra, minDeposit } })
      expect(decideDeposit({ ...WISH, asset: offer.asset }, BOUNDS)).toMatchObject({ amountAtomic: 1_000_000n })
    }
  })

  it('is more where one request costs more, up to what may lie in the channel', () => {
    expect(decideDeposit({ ...WISH, missing: 3_000_000n }, BOUNDS)).toMatchObject({ amountAtomic: 3_000_000n })
    expect(decideDeposit({ ...WISH, missing: 5_000_001n }, BOUNDS)).toMatchObject({ refusal: { code: 'per_payment_limit_exceeded' } })
    expect(decideDeposit({ ...WISH, deposited: 4_900_000n, missing: 100_001n }, BOUNDS)).toMatchObject({ kind: 'refused' })
  })

  it('is cut to what the session has, and refused where that is too little for the request', () => {
    expect(decideDeposit(WISH, { ...BOUNDS, remaining: 1_000n })).toMatchObject({ amountAtomic: 1_000n })
    expect(decideDeposit(WISH, { ...BOUNDS, remaining: 999n })).toMatchObject({
      refusal: { code: 'spending_limit_exceeded', detail: expect.stringContaining('$0.000999. Nothing was deposited.') },
    })
  })

  it('is cut to what the recipient’s limit leaves', () => {
    expect(decideDeposit(WISH, { ...BOUNDS, recipientLeft: 2_000n })).toMatchObject({ amountAtomic: 2_000n })
    expect(decideDeposit(WISH, { ...BOUNDS, recipientLeft: 0n })).toMatchObject({ refusal: { code: 'recipient_limit_exceeded' } })
  })

  it('of zero by the operator’s bounds is none', () => {
    expect(decideDeposit(WISH, { ...BOUNDS, maxDeposit: 0n })).toMatchObject({ kind: 'refused' })
    expect(decideDeposit(WISH, { ...BOUNDS, deposit: 0n })).toMatchObject({ amountAtomic: 1_000n })
    expect(() => decideDeposit({ ...WISH, missing: 0n }, BOUNDS)).toThrow(RangeError)
  })

  it('never costs more than any bound, and always covers the request, whatever the token', () => {
    const money = fc.bigInt({ min: 0n, max: 10n ** 15n })
    const token = fc.record({ decimals: fc.integer({ min: 0, max: 36 }), rate: fc.bigInt({ min: 1n, max: 10n ** 15n }) })
    const bounds = fc.record({ deposit: money, maxDeposit: money, remaining: money, recipientLeft: money })
    const atomic = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n })
    const needed = fc.oneof(fc.bigInt({ min: 1n, max: 10_000n }), fc.bigInt({ min: 1n, max: 2n ** 128n - 1n }))
    const lying = fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 10_000n }), atomic)
    const holds = fc.property(token, bounds, lying, needed, (odd, limits, deposited, missing) => {
      const kind: Asset = { ...asset, ...odd }
      const decided = decideDeposit({ asset: kind, deposited, missing }, limits)
      if (decided.kind === 'refused') return
      expect(decided.amountAtomic).toBeGreaterThanOrEqual(missing)
      expect(decided.price).toBe(priceOf(decided.amountAtomic, kind))
      expect(decided.price <= limits.remaining && decided.price <= limits.recipientLeft).toBe(true)
      expect(priceOf(deposited + decided.amountAtomic, kind)).toBeLessThanOrEqual(limits.maxDeposit)
      expect(deposited + decided.amountAtomic).toBeLessThan(2n ** 128n)
    })
    fc.assert(holds)
  })
})

it('what an amount buys costs no more than it, and a unit more would', () => {
  const holds = fc.property(
    fc.bigInt({ min: 0n, max: 10n ** 15n }),
    fc.integer({ min: 0, max: 36 }),
    fc.bigInt({ min: 1n, max: 10n ** 15n }),
    (amount, decimals, rate) => {
      const kind: Asset = { ...asset, decimals, rate }
      const atomic = atomicWithin(amount, kind)
      expect(priceOf(atomic, kind)).toBeLessThanOrEqual(amount)
      expect(priceOf(atomic + 1n, kind)).toBeGreaterThan(amount)
    },
  )
  fc.assert(holds)
})
