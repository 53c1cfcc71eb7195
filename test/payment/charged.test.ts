import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Terms } from '../../src/ledger/ledger.ts'
import { chargedBy } from '../../src/payment/charged.ts'
import type { Settlement } from '../../src/rails/rail.ts'
import { termsOf } from '../ledger/fixtures.ts'

const UPTO = termsOf(1_000n, { scheme: 'upto', method: 'permit2' })
const claimed = (charged?: bigint): Settlement => {
  return {
    kind: 'claimed',
    transaction: `0x${'ab'.repeat(32)}`,
    network: 'eip155:84532',
    reason: 'Settled.',
    ...(charged !== undefined && { charged }),
  }
}

describe('what a server says that it took', () => {
  it('is what the agent is told that it cost, and is written down', () => {
    const { terms, settlement, over } = chargedBy(UPTO, claimed(250n))
    expect([terms.amountAtomic, terms.amount, over]).toEqual([250n, 250n, false])
    expect(settlement.reason).toBe('The server says that it took 0.00025 USDC of up to 0.001 USDC and names the transaction.')
  })

  it('beyond the most that may be taken is told as the most, and said aloud', () => {
    const { terms, settlement, over } = chargedBy(UPTO, claimed(1_001n))
    expect([terms, over]).toEqual([UPTO, true])
    expect(settlement.reason).toBe('The server says that it took 0.001001 USDC, which is more than the 0.001 USDC that were signed for.')
  })

  it.each<[string, Terms, Settlement]>([
    ['a payment of an exact amount', termsOf(1_000n), claimed(250n)],
    ['nothing said of an amount', UPTO, claimed()],
    ['a word that proves nothing', UPTO, { ...claimed(250n), kind: 'unproven' }],
  ])('changes nothing for %s', (_, terms, settlement) => {
    expect(chargedBy(terms, settlement)).toEqual({ settlement, terms, over: false })
  })

  it('is never told as more than was set aside, nor as less than it costs', () => {
    const amounts = fc.tuple(
      fc.bigInt({ min: 1n, max: 10n ** 30n }),
      fc.bigInt({ min: 1n, max: 10n ** 15n }),
      fc.bigInt({ min: 0n, max: 2n ** 256n }),
    )
    fc.assert(
      fc.property(amounts, ([amountAtomic, amount, charged]) => {
        const { terms } = chargedBy({ ...UPTO, amountAtomic, amount }, claimed(charged))
        expect(terms.amount <= amount).toBe(true)
        if (charged <= amountAtomic) expect(terms.amount * amountAtomic >= amount * charged).toBe(true)
      }),
    )
  })
})
