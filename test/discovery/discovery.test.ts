import { describe, expect, it } from 'vitest'
import { discoveryOver, type Listed, listedSentence, noDiscovery, placeIn, priceDifference } from '../../src/discovery/discovery.ts'
import { ALICE } from './listings.ts'

const listed = (url: string, amount: bigint, currency = 'USD'): Listed => ({ url, network: 'eip155:84532', payTo: ALICE, amount, currency })
const LIST = [
  listed('https://a.example/search', 30_000n),
  listed('https://b.example/search', 20_000n),
  listed('https://c.example/search', 10_000n),
  listed('https://d.example/search', 15_000n),
  listed('https://euro.example/search', 1n, 'EUR'),
  listed('https://dear.example/search', 900_000n),
  listed('https://bad.example/search', 1n),
  listed('https://e.example/compute', 1n),
]
const discovery = discoveryOver(
  () => new Map(LIST.map((one) => [placeIn(one.url), one])),
  ({ url }) => ({ category: new URL(url).pathname.slice(1), blocked: url.includes('bad.') }),
)
const wanted = { url: 'https://a.example/search?q=1', categories: ['search'], amount: 50_000n, currency: 'USD' }

describe('known', () => {
  it('finds a listing by origin and path', () => {
    expect(discovery.known('https://a.example/search?q=1#x')).toBe(LIST[0])
    expect(discovery.known('https://a.example/other')).toBeUndefined()
    expect(discovery.known('http://a.example/search')).toBeUndefined()
    expect(discovery.known('what')).toBeUndefined()
  })
})

describe('alternatives', () => {
  it('are of the same category by the operator’s rules, at other hosts, not dearer, not blocked, cheapest first', () => {
    expect(discovery.alternatives(wanted).map(({ url }) => new URL(url).host)).toEqual(['c.example', 'd.example', 'b.example'])
  })

  it('there are none for what has no category', () => {
    expect(discovery.alternatives({ ...wanted, categories: [] })).toEqual([])
    expect(noDiscovery.alternatives(wanted)).toEqual([])
    expect(noDiscovery.known(wanted.url)).toBeUndefined()
  })
})

describe('what people read', () => {
  it('names place and price, and cuts what is long', () => {
    expect(listedSentence(listed('https://a.example/search?q=1', 10_000n))).toBe('A facilitator lists https://a.example/search for $0.01.')
    expect(listedSentence(listed(`https://a.example/${'x'.repeat(200)}`, 10_000n))).toBe('A facilitator lists https://a.example for $0.01.')
  })

  it('says where another price is asked than is listed', () => {
    const one = listed('https://a.example/search', 10_000n)
    expect(priceDifference(one, { amount: 20_000n, currency: 'USD' })).toBe(
      'A facilitator lists this resource for $0.01; it asks for $0.02.',
    )
    expect(priceDifference(one, { amount: 10_000n, currency: 'USD' })).toBeUndefined()
    expect(priceDifference(undefined, { amount: 10_000n, currency: 'USD' })).toBeUndefined()
  })
})
