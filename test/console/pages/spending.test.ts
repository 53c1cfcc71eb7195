import { describe, expect, it } from 'vitest'
import { currenciesOf, drawnIn } from '../../../src/console/pages/spending.ts'

const tiers = [
  { tier: 'autonomous', currency: 'EUR', amounts: ['1'], counts: [1] },
  { tier: 'autonomous', currency: 'USD', amounts: ['0.1', '0.2'], counts: [1, 1] },
  { tier: '*', currency: 'USD', amounts: ['0', '3'], counts: [0, 2] },
]

describe('spending as it is drawn', () => {
  it('currencies are never mixed, and dollars come first', () => {
    expect(currenciesOf(tiers)).toEqual(['USD', 'EUR'])
    expect(drawnIn('EUR', tiers)).toMatchObject([{ label: 'autonomous', total: '1.00', count: 1 }])
  })

  it('what is said of a tier is exact, whatever is drawn', () => {
    expect(drawnIn('USD', tiers)).toMatchObject([
      { label: 'autonomous', total: '0.30', texts: ['0.1', '0.2'], count: 2 },
      { label: 'other tiers', total: '3.00', count: 2 },
    ])
  })
})
