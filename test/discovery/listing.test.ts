import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ListingError, readListing } from '../../src/discovery/listing.ts'
import { ALICE, entry, page, USDC } from './listings.ts'

const read = (items: readonly unknown[]) => [...readListing(JSON.stringify(page(items)), [USDC]).listed.values()]
const PLACE = 'https://api.example.com/search'

describe('readListing', () => {
  it('keeps of an entry where it is, whom it pays, on which network and at what price, and none of its text', () => {
    const listed = { url: PLACE, network: 'eip155:84532', payTo: ALICE, amount: 10_000n, currency: 'USD' }
    expect(read([entry(`${PLACE}#top`, 10_000)])).toEqual([listed])
    const older = {
      ...entry(PLACE, 1),
      accepts: [{ scheme: 'exact', network: 'base-sepolia', asset: USDC.address.toLowerCase(), payTo: ALICE, maxAmountRequired: '10000' }],
    }
    expect(read([older])).toEqual([listed])
  })

  it('keeps the cheapest of several prices', () => {
    expect(read([entry(PLACE, 30_000), entry(`${PLACE}?q=1`, 20_000), entry(PLACE, 25_000)])).toMatchObject([{ amount: 20_000n }])
  })

  it.each<[string, unknown]>([
    ['another token', entry(PLACE, 1, { asset: ALICE })],
    ['another network', entry(PLACE, 1, { network: 'eip155:1' })],
    ['another scheme', entry(PLACE, 1, { scheme: 'upto' })],
    ['a price that is none', entry(PLACE, 1, { amount: '-1' })],
    ['a price of nothing', entry(PLACE, 0)],
    ['a price beyond all tokens', entry(PLACE, 1, { amount: (2n ** 256n).toString() })],
    ['a recipient that is none', entry(PLACE, 1, { payTo: 'alice.eth' })],
    ['a URL with credentials', entry('https://a:b@api.example.com/', 1)],
    ['another kind of URL', entry('javascript:alert(1)', 1)],
    ['a name instead of a URL', entry('search', 1)],
    ['a URL without end', entry(`https://api.example.com/${'a'.repeat(3_000)}`, 1)],
    ['nothing', null],
  ])('leaves out %s, and reads the rest', (_, item) => {
    expect(read([item, entry('https://b.example/x', 5)]).map(({ url }) => url)).toEqual(['https://b.example/x'])
  })

  it('what is no list is an error', () => {
    for (const text of ['', '[]', '{"items":{}}', '<html>']) expect(() => readListing(text, [USDC])).toThrow(ListingError)
  })

  it('lets only its own error out', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string(), (value, text) => {
        for (const written of [
          JSON.stringify(value),
          JSON.stringify(page([value])),
          JSON.stringify(page([entry(text, 1, { network: text })])),
          text,
        ]) {
          try {
            readListing(written, [USDC])
          } catch (fault) {
            if (!(fault instanceof ListingError)) throw fault
          }
        }
      }),
    )
  })
})
