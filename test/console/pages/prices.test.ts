/** Prices over time. */
import { describe, expect, it } from 'vitest'
import { pricesOf } from '../../../src/console/pages/prices.ts'

const paid = (second: number, amount: string, currency = 'USD') => ({ at: new Date(second * 1_000).toISOString(), amount, currency })

describe('prices of a recipient', () => {
  it('run forward in time, of the newest currency alone, and the extremes stay exact', () => {
    const prices = pricesOf([paid(30, '0.000003'), paid(20, '9', 'EUR'), paid(10, '0.10')])
    expect(prices).toEqual({
      ...{ at_s: [10, 30], prices: [0.1, 0.000003], texts: ['$0.10', '$0.000003'] },
      ...{ currency: 'USD', count: 2, lowest: '0.000003', highest: '0.10' },
    })
  })

  it('of several in one second the dearest counts, so that the plot never goes backwards; the extremes are of all', () => {
    expect(pricesOf([paid(10.9, '1'), paid(10.5, '3'), paid(10.1, '2')])).toMatchObject({
      at_s: [10],
      prices: [3],
      count: 3,
      lowest: '1',
      highest: '3',
    })
  })

  it('none are none', () => {
    expect(pricesOf([])).toMatchObject({ at_s: [], lowest: '0', highest: '0' })
  })
})
