import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { issuesOf } from '../../src/session/issues.ts'
import {
  address,
  amount,
  category,
  duration,
  hostPattern,
  listOf,
  mapOf,
  method,
  name,
  network,
  positiveDuration,
  section,
  text,
  wanted,
} from '../../src/session/values.ts'

function messages(schema: z.ZodType, value: unknown): string[] {
  const parsed = schema.safeParse(value)
  return parsed.success ? [] : issuesOf(parsed.error).map(({ message }) => message)
}

describe('amount', () => {
  it.each([
    ['0', 0n],
    [0, 0n],
    ['2.50', 2_500_000n],
    [0.1, 100_000n],
    ['1000000000000', 1_000_000_000_000_000_000n],
  ])('reads %j', (written, millionths) => {
    expect(amount.parse(written)).toBe(millionths)
  })

  it.each([
    [undefined, /is missing/],
    [null, /write an amount/],
    [true, /write an amount/],
    ['', /not an amount/],
    [-1, /not an amount/],
    ['1e3', /not an amount/],
    ['1000000000000.000001', /at most/],
    [123456789012.12346, /in quotes/],
  ])('refuses %j and says why', (written, message) => {
    expect(messages(amount, written)).toEqual([expect.stringMatching(message)])
  })
})

describe('duration', () => {
  it('reads zero as zero, and as nothing where something has to last', () => {
    expect(duration.parse('0s')).toBe(0)
    expect(messages(positiveDuration, '0s')).toEqual(['must be longer than nothing'])
    expect(positiveDuration.parse('1ms')).toBe(1)
  })

  it.each([
    [60, /a unit is missing/],
    [undefined, /is missing/],
    ['soon', /write it like/],
    ['367d', /at most 366d/],
    [1.5, /write it like/],
  ])('refuses %j and says why', (written, message) => {
    expect(messages(duration, written)).toEqual([expect.stringMatching(message)])
  })
})

describe('text and names', () => {
  it('are printable, bounded and without blanks around them', () => {
    expect(name.parse('  reporter 7 ')).toBe('reporter 7')
    expect(messages(name, '')).toEqual(['must not be empty'])
    expect(messages(name, 'a\nb')).toEqual(['no line breaks or control characters'])
    expect(messages(name, 'a\u001b[31m')).toEqual(['no line breaks or control characters'])
    expect(messages(name, 'a\u202etxt')).toEqual(['no line breaks or control characters'])
    expect(messages(text(3), 'abcd')).toEqual(['at most 3 characters'])
  })

  it('categories are words that no object has by itself', () => {
    expect(category.parse('api_calls')).toBe('api_calls')
    for (const word of ['constructor', 'toString', '__proto__', 'a b', '*', '']) expect(category.safeParse(word).success).toBe(false)
  })
})

describe('hosts, methods, networks, addresses', () => {
  it('come out in their one spelling', () => {
    expect(hostPattern.parse('API.Example.com.')).toBe('api.example.com')
    expect(method.parse('get')).toBe('GET')
    expect(network.parse('base-sepolia')).toBe('eip155:84532')
    expect(address.parse('0x036CbD53842c5426634e7929541eC2318f3dCF7e')).toBe('0x036CbD53842c5426634e7929541eC2318f3dCF7e')
  })

  it.each([
    [hostPattern, 'https://api.example.com/', /not a host pattern/],
    [method, 'GET /', /write a method/],
    [network, 'bitcoin', /unknown network/],
    [address, '0x1234', /not an address/],
    [address, 0x036cbd, /in quotes/],
  ])('refuse what they are not', (schema, written, message) => {
    expect(messages(schema, written)).toEqual([expect.stringMatching(message)])
  })
})

describe('mapOf', () => {
  const map = mapOf(z.union([z.literal('*'), hostPattern]), amount)

  it('keeps empty maps and zeros', () => {
    expect(map.parse({})).toEqual({})
    expect(map.parse({ '*': 0 })).toEqual({ '*': 0n })
  })

  it('refuses a key that would touch the prototype, instead of dropping its bound', () => {
    expect(messages(map, JSON.parse('{"__proto__":"1"}'))).toEqual(['__proto__ is no name'])
  })

  it('refuses two spellings of one key, of which only one bound could hold', () => {
    expect(messages(map, { 'a.example': 1, 'A.example.': 2 })).toEqual(['a.example is given twice'])
  })

  it('is bounded', () => {
    const many = Object.fromEntries(Array.from({ length: 1_001 }, (_, at) => [`h${at}.example`, 1]))
    expect(messages(map, many)).toEqual(['at most 1000 entries'])
    expect(messages(listOf(name), Array(1_001).fill('a'))).toEqual(['at most 1000 entries'])
  })
})

describe('section', () => {
  const schema = section({ cap: amount, note: name.exactOptional() }, { later: 'comes with a later version' })

  it('leaves absent what is absent', () => {
    expect(schema.parse({ cap: 1 })).toStrictEqual({ cap: 1_000_000n })
  })

  it('refuses unknown keys and names the known ones', () => {
    expect(messages(schema, { cap: 1, capp: 2 })).toEqual(['there is no such setting here; known are cap, note'])
    expect(messages(schema, JSON.parse('{"cap":1,"__proto__":{"cap":2}}'))).toHaveLength(1)
  })

  it('says of a key of a later version that it is one', () => {
    expect(messages(schema, { cap: 1, later: 2 })).toEqual(['comes with a later version'])
  })

  it.each([null, [], 'text', 1])('refuses %j and says what belongs there', (value) => {
    expect(messages(schema, value)).toEqual(['write a map with cap, note'])
  })
})

describe('wanted', () => {
  it('says whether a value is missing or of the wrong kind', () => {
    expect(wanted('write a text')({ input: undefined })).toBe('is missing: write a text')
    expect(wanted('write a text')({ input: 1 })).toBe('write a text')
  })
})
