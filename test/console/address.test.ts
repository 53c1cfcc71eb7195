import { describe, expect, it } from 'vitest'
import { href, idUnder, placeOf } from '../../src/console/address.ts'

describe('the place in the console', () => {
  it('a link leads where it says, whatever the values are', () => {
    const place = placeOf(href('/payments', { state: 'settled', agent: 'a&b=c#?', tool: undefined, tier: '' }))
    expect(place.path).toBe('/payments')
    expect(Object.fromEntries(place.query)).toEqual({ state: 'settled', agent: 'a&b=c#?' })
  })

  it('nothing said is the overview, and a jump inside the page is too', () => {
    for (const hash of ['', '#', '#main', '#javascript:alert(1)']) expect(placeOf(hash).path).toBe('/')
  })

  it('an id is what stands below its list, and broken escapes name nothing', () => {
    expect(idUnder(`/payments/${encodeURIComponent('pay/1')}`, '/payments')).toBe('pay/1')
    expect(idUnder('/payments', '/payments')).toBeUndefined()
    expect(idUnder('/payments/', '/payments')).toBeUndefined()
    expect(idUnder('/paymentsx/1', '/payments')).toBeUndefined()
    expect(idUnder('/payments/%E0%A4%A', '/payments')).toBeUndefined()
  })
})
