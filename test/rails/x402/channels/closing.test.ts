import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Closing, nextClosingStep, returnable } from '../../../../src/rails/x402/channels/closing.ts'

const OPEN: Closing = {
  account: { charged: 2_000n, signed: 3_000n },
  chain: { balance: 50_000n, claimed: 1_000n, withdrawal: undefined },
  ...{ time_s: 1_000_000, withdrawDelay_s: 900, refused: false },
}
const begun = (initiatedAt_s: number): Closing => ({ ...OPEN, refused: true, chain: { ...OPEN.chain, withdrawal: { initiatedAt_s } } })

describe('closing a channel', () => {
  it('asks the receiver first, then withdraws without it', () => {
    expect(nextClosingStep(OPEN)).toEqual({ kind: 'ask', amount: 48_000n })
    expect(nextClosingStep({ ...OPEN, refused: true })).toEqual({ kind: 'initiate', amount: 47_000n })
  })

  it('asks even for what was vouched for, where it was not charged', () => {
    expect(nextClosingStep({ ...OPEN, chain: { ...OPEN.chain, balance: 3_000n } })).toEqual({ kind: 'ask', amount: 1_000n })
  })

  it('ends a withdrawal when the chain’s time is up, and not before', () => {
    expect(nextClosingStep(begun(999_101))).toEqual({ kind: 'wait', until_s: 1_000_001 })
    expect(nextClosingStep(begun(999_100))).toEqual({ kind: 'finalize' })
  })

  it('is done where nothing is left but what was vouched for', () => {
    expect(nextClosingStep({ ...OPEN, refused: true, chain: { ...OPEN.chain, balance: 3_000n } })).toEqual({ kind: 'closed' })
    expect(nextClosingStep({ ...OPEN, chain: { ...OPEN.chain, balance: 2_000n } })).toEqual({ kind: 'closed' })
    expect(nextClosingStep({ ...OPEN, chain: { ...OPEN.chain, balance: 0n, claimed: 0n } })).toEqual({ kind: 'closed' })
  })

  it('never asks back what a voucher lets the receiver claim, nor what it claimed', () => {
    const sum = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n })
    const holds = fc.property(sum, sum, sum, (balance, claimed, signed) => {
      const back = returnable({ balance, claimed }, { signed })
      expect(back).toBeGreaterThanOrEqual(0n)
      if (back > 0n) expect(balance - back >= signed && balance - back >= claimed).toBe(true)
    })
    fc.assert(holds)
  })
})
