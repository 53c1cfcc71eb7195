import { describe, expect, it } from 'vitest'
import { dealtAfter, nameOfDealt, pageOfDealt, readActivity, readDealt } from '../../src/ledger/insight-row.ts'

const SUMS = { tier: 'a', state: 'settled', code: null, currency: 'USD', payments: 2n, whole: 3n, rest: 1_500_000n }
const DEALT = { name: 'n', origin: 'https://a.example', network: 'eip155:1', pay_to: '0xA', agents: 2n, payment_id: 'pay_1' }
const UNPINNED = { ...DEALT, pinned: null, pinned_at: null, uses: null }

describe('rows of sums', () => {
  it('are put together of wholes and rests', () => {
    expect(readActivity(SUMS, 7)).toEqual({ at: 7, tier: 'a', state: 'settled', code: null, currency: 'USD', count: 2, amount: 4_500_000n })
  })

  it('a state that nobody knows is no state', () => {
    expect(() => readActivity({ ...SUMS, state: 'lost' }, 7)).toThrow('state')
  })
})

describe('rows of recipients', () => {
  it('have a pin or none', () => {
    const read = { origin: 'https://a.example', network: 'eip155:1', payTo: '0xA', agents: 2, lastPaymentId: 'pay_1' }
    expect(readDealt(UNPINNED)).toEqual({ ...read, pin: null })
    expect(readDealt({ ...DEALT, pinned: '0xB', pinned_at: 5n, uses: 1n })).toEqual({ ...read, pin: { payTo: '0xB', at: 5, uses: 1 } })
  })

  it('go on behind the last one of a page only where there are more', () => {
    const rows = ['a', 'b'].map((name) => ({ ...UNPINNED, name }))
    expect(pageOfDealt(rows, 2).next).toBeNull()
    const { items, next } = pageOfDealt(rows, 1)
    expect([items.length, dealtAfter(next ?? '')]).toEqual([1, 'a'])
    expect(dealtAfter(undefined)).toBe('')
  })

  it('are named by origin, network and address, whatever its case', () => {
    expect(nameOfDealt({ origin: 'o', network: 'n', payTo: '0xAB' })).toBe('o\nn\n0xab')
  })
})
