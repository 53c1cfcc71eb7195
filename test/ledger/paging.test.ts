import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PurserError } from '../../src/errors.ts'
import { cursorAfter, cursorAfterMoment, limitOf, momentAfter, placeAfter, readCursor } from '../../src/ledger/paging.ts'
import { MAX_PAGE } from '../../src/limits.ts'

describe('a cursor', () => {
  it('leads back to its place, whatever the place is called', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (place) => {
        expect(readCursor('recipient', cursorAfter('recipient', place))).toBe(place)
      }),
    )
    expect(placeAfter(cursorAfter('seq', '17'))).toBe(17n)
  })

  it('is of one list only', () => {
    expect(() => readCursor('recipient', cursorAfter('seq', '1'))).toThrow('request_invalid')
    expect(() => placeAfter(cursorAfter('recipient', '1'))).toThrow('request_invalid')
    expect(() => placeAfter(cursorAfter('seq', '1 OR 1=1'))).toThrow('request_invalid')
  })

  it('of a list in the order of time leads back to the time and the place', () => {
    expect(momentAfter(cursorAfterMoment(1_782_000_000_000n, 17n))).toEqual([1_782_000_000_000n, 17n])
    for (const cursor of [
      cursorAfter('seq', '17'),
      cursorAfter('time', '17'),
      cursorAfter('time', '1:2 OR 1=1'),
      cursorAfter('time', ':'),
    ]) {
      expect(() => momentAfter(cursor)).toThrow('request_invalid')
    }
  })

  it('that is none gives a refusal and nothing else', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          placeAfter(text)
        } catch (fault) {
          expect(fault).toBeInstanceOf(PurserError)
        }
      }),
    )
  })
})

describe('a page', () => {
  it('is never larger than the bound', () => {
    expect([1, MAX_PAGE, MAX_PAGE + 1].map((limit) => limitOf({ limit }))).toEqual([1, MAX_PAGE, MAX_PAGE])
  })

  it.each([0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])('has no %s items', (limit) => {
    expect(() => limitOf({ limit })).toThrow('request_invalid')
  })
})
