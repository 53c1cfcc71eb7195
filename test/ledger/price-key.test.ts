import { describe, expect, it } from 'vitest'
import { randomIds } from '../../src/clock.ts'
import { pricedKindOf, priceKeyOf } from '../../src/ledger/price-key.ts'
import { fixtures, usd } from './fixtures.ts'

const KIND = { agent: 'researcher', origin: 'https://api.example.com', method: 'GET', path: '/orders/17', currency: 'USD' }

describe('priceKeyOf', () => {
  it('is the same for what prices are compared within', () => {
    expect(priceKeyOf({ ...KIND, method: 'get', path: '/orders/8812?x=1' })).toBe(priceKeyOf(KIND))
    expect(priceKeyOf(KIND)).toMatch(/^[0-9a-f]{32}$/)
  })

  it.each([{ agent: 'other' }, { origin: 'https://b.example' }, { method: 'POST' }, { path: '/invoices/17' }, { currency: 'EUR' }])(
    'is another one for %j',
    (other) => {
      expect(priceKeyOf({ ...KIND, ...other })).not.toBe(priceKeyOf(KIND))
    },
  )
})

describe('pricedKindOf', () => {
  it('takes from an attempt what the query is asked with', () => {
    const made = fixtures(randomIds, () => 0).request('ses_1', usd(1)).attempt
    const { agent, origin, method, url } = made
    expect(pricedKindOf(made)).toEqual({ agent, origin, method, path: new URL(url).pathname, currency: 'USD' })
  })
})
