import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_JSON_DEPTH, MAX_JSON_NODES } from '../../src/limits.ts'
import { readStrictJson } from '../../src/rails/strict-json.ts'

describe('strict JSON', () => {
  it('reads what JSON.parse reads, to the same value', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), fc.constantFrom(undefined, 1, '\t'), (text, space) => {
        const value: unknown = JSON.parse(text)
        const json = readStrictJson(JSON.stringify(value, undefined, space))
        if (json.kind === 'refused') expect(json.reason).toMatch(/__proto__/)
        else expect(json.value).toEqual(value)
      }),
    )
  })

  it('reads nothing that JSON.parse does not read, and never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'{}[]",:0123456789.eE+-truefalsn \\u\n\u0000') })), (text) => {
        if (readStrictJson(text).kind === 'read') expect(() => JSON.parse(text)).not.toThrow()
      }),
      { numRuns: 2000 },
    )
  })

  it.each([
    '',
    ' ',
    '{',
    '{"a":1,}',
    '[1,]',
    '[01]',
    '[+1]',
    '[.5]',
    '[1.]',
    '[0x10]',
    "{'a':1}",
    '{"a" 1}',
    '{"a":1 "b":2}',
    '"\n"',
    '"\\x"',
    '"\\u12"',
    'nul',
    'NaN',
    '[1]]',
    '\ufeff{}',
    '{}//',
  ])('refuses %j, as it is not JSON', (text) => {
    expect(readStrictJson(text)).toMatchObject({ kind: 'refused', reason: expect.stringMatching(/not JSON|after its end/) })
  })

  it.each(['{"a":1,"a":1}', '{"a":1,"\\u0061":2}', '[{"x":{"b":1,"c":2,"b":3}}]'])(
    'refuses a key that stands twice, however it is spelled: %s',
    (text) => {
      expect(readStrictJson(text)).toEqual({ kind: 'refused', reason: 'an object names a key twice' })
    },
  )

  it.each(['{"__proto__":{"amount":"1"}}', '{"\\u005f_proto__":1}'])('refuses __proto__: %s', (text) => {
    expect(readStrictJson(text)).toEqual({ kind: 'refused', reason: 'an object names the key __proto__' })
  })

  it('bounds depth and number of values', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
    expect(readStrictJson(nested(MAX_JSON_DEPTH)).kind).toBe('read')
    expect(readStrictJson(nested(MAX_JSON_DEPTH + 2))).toMatchObject({ reason: `it is nested deeper than ${MAX_JSON_DEPTH}` })
    expect(readStrictJson(nested(100_000)).kind).toBe('refused')
    const list = (length: number) => JSON.stringify(Array.from({ length }, () => 0))
    expect(readStrictJson(list(MAX_JSON_NODES - 1)).kind).toBe('read')
    expect(readStrictJson(list(MAX_JSON_NODES))).toMatchObject({ reason: `it has more than ${MAX_JSON_NODES} values` })
  })

  it('keeps the exact text of every object and array', () => {
    const text = '{ "b" : [1.0, 1e2,{"\\u0061":"\\/"} ], "10":0, "2":0 }'
    const json = readStrictJson(`\n${text}\n`)
    if (json.kind !== 'read') throw new Error(json.reason)
    const { value } = json
    expect(json.sourceOf(value)).toBe(text)
    const inner = value as { b: unknown[] }
    expect(json.sourceOf(inner.b)).toBe('[1.0, 1e2,{"\\u0061":"\\/"} ]')
    expect(json.sourceOf(inner.b[2])).toBe('{"\\u0061":"\\/"}')
    expect(json.sourceOf('x')).toBeUndefined()
  })

  it('takes a long string in stride', () => {
    const text = JSON.stringify('x'.repeat(60_000))
    expect(readStrictJson(text)).toMatchObject({ kind: 'read' })
    expect(readStrictJson(text.slice(0, -1))).toMatchObject({ kind: 'refused' })
  })
})
