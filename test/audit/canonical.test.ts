import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CanonicalError, canonicalJson } from '../../src/audit/canonical.ts'

describe('canonical JSON', () => {
  it('sorts members by UTF-16 code units, as RFC 8785 shows', () => {
    const value = { '€': 1, '\r': 2, '\ufb33': 3, '1': 4, '😂': 5, '\u0080': 6, ö: 7 }
    expect(canonicalJson(value)).toBe('{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"😂":5,"\ufb33":3}')
  })

  it('escapes as RFC 8785 shows', () => {
    expect(canonicalJson('€$\u000f\nA\'B"\\\\"/')).toBe('"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"')
  })

  it('writes words, numbers, lists and nothing without blanks', () => {
    expect(canonicalJson({ b: [true, false, null], a: -1, c: {} })).toBe('{"a":-1,"b":[true,false,null],"c":{}}')
    expect(canonicalJson(-0)).toBe('0')
  })

  it.each([0.5, Number.NaN, 2 ** 53, undefined, 1n, () => 1, 'a\ud800', { '\udc00': 1 }, [undefined]])('refuses %s', (value) => {
    expect(() => canonicalJson(value)).toThrow(CanonicalError)
  })

  it('is one text for one value: the order of members makes no difference, and nothing is lost', () => {
    const leaf = fc.oneof(fc.maxSafeInteger(), fc.boolean(), fc.constant(null), fc.string({ unit: 'grapheme' }))
    const value = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.oneof(leaf, fc.array(leaf)))
    fc.assert(
      fc.property(value, (members) => {
        const turned = Object.fromEntries(Object.entries(members).reverse())
        expect(canonicalJson(turned)).toBe(canonicalJson(members))
        expect(canonicalJson(JSON.parse(canonicalJson(members)))).toBe(canonicalJson(members))
      }),
    )
  })
})
