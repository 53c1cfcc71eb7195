import { encodePaymentRequiredHeader } from '@x402/core/http'
import { PaymentRequiredV1Schema } from '@x402/core/schemas'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_402_BODY_BYTES, MAX_402_HEADER_BYTES, MAX_OFFERS } from '../../../src/limits.ts'
import { type ReadEnvelope, readBody, readHeader } from '../../../src/rails/x402/challenge.ts'
import { base64, bytes, ENTRY_V2, REQUIRED_V1, REQUIRED_V2 } from './challenges.ts'

const reasonOf = (read: ReadEnvelope) => (read.kind === 'broken' ? read.reason : `it was ${read.kind}`)

describe('PAYMENT-REQUIRED', () => {
  it('as the official server encodes it is read', () => {
    // biome-ignore lint/suspicious/noExplicitAny: the codec's type wants branded network names
    const read = readHeader([encodePaymentRequiredHeader(REQUIRED_V2 as any)])
    expect(read).toMatchObject({
      kind: 'envelope',
      envelope: { version: 2, entries: [{ value: ENTRY_V2, raw: JSON.stringify(ENTRY_V2) }] },
    })
  })

  it('keeps entries, resource and extensions to the letter', () => {
    const raw = '{"scheme" : "exact","10":1.0,"2":1e2}'
    const read = readHeader([
      base64(`{"x402Version":2,"extensions":{"b":{"info":{"z":1.50}}}, "accepts":[${raw}],"resource":{"url": "x"}}`),
    ])
    expect(read).toMatchObject({
      envelope: { entries: [{ raw }], echo: '{"resource":{"url": "x"},"extensions":{"b":{"info":{"z":1.50}}}}' },
    })
  })

  it('is tolerant of missing and unknown members around the offers', () => {
    const read = readHeader([base64({ x402Version: 2, accepts: [], somethingNew: [1], resource: 'text', extensions: null })])
    expect(read).toEqual({ kind: 'envelope', envelope: { version: 2, entries: [], echo: '{}' } })
  })

  it('that carries a version 1 object is one of version 1', () => {
    expect(readHeader([base64(REQUIRED_V1)])).toMatchObject({ envelope: { version: 1 } })
  })

  it('that stands twice is broken, even if both say the same', () => {
    expect(reasonOf(readHeader([base64(REQUIRED_V2), base64(REQUIRED_V2)]))).toBe('The answer carries PAYMENT-REQUIRED more than once.')
  })

  const good = base64({ ...REQUIRED_V2, error: '\u00ff\u00fe~~~???' })
  it.each([
    ['empty', ''],
    ['URL-safe', good.replaceAll('+', '-').replaceAll('/', '_')],
    ['without padding', base64(`${JSON.stringify(REQUIRED_V2)} `.padEnd(1000 - (1000 % 3) + 1)).replace(/=+$/, '')],
    ['with a blank inside', `${good.slice(0, 8)} ${good.slice(8)}`],
    ['with junk after it', `${good}!`],
    ['with stray bits', 'e31='],
    ['in two parts', `${good}, ${good}`],
  ])('in base64 that is %s is broken', (_, value) => {
    expect(reasonOf(readHeader([value]))).toBe('PAYMENT-REQUIRED is not canonical base64.')
  })

  it('in UTF-8 that is not valid is broken', () => {
    const torn = Buffer.concat([Buffer.from('{"x402Version":2,"accepts":[],"error":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')])
    expect(reasonOf(readHeader([torn.toString('base64')]))).toBe('PAYMENT-REQUIRED is not valid UTF-8.')
  })

  it.each([
    ['a byte order mark', `\ufeff${JSON.stringify(REQUIRED_V2)}`, 'it is not JSON'],
    ['a key twice', '{"x402Version":2,"accepts":[],"accepts":[]}', 'an object names a key twice'],
    ['__proto__', '{"x402Version":2,"accepts":[],"__proto__":{}}', 'an object names the key __proto__'],
    ['no JSON', 'accepts everything', 'it is not JSON'],
  ])('with %s is broken', (_, text, why) => {
    expect(reasonOf(readHeader([base64(text)]))).toBe(`PAYMENT-REQUIRED cannot be read as a challenge: ${why}.`)
  })

  it.each([
    ['another version', { ...REQUIRED_V2, x402Version: 3 }],
    ['a version in a string', { ...REQUIRED_V2, x402Version: '2' }],
    ['no offers', { x402Version: 2 }],
    ['offers that are no list', { x402Version: 2, accepts: { 0: ENTRY_V2 } }],
    ['a list around it', [REQUIRED_V2]],
  ])('with %s is broken', (_, required) => {
    expect(reasonOf(readHeader([base64(required)]))).toBe(
      'PAYMENT-REQUIRED is not a challenge of x402 version 1 or 2 with a list of offers.',
    )
  })

  it('beyond its bound is broken, without being decoded', () => {
    const long = base64({ ...REQUIRED_V2, error: 'x'.repeat(MAX_402_HEADER_BYTES) })
    expect(reasonOf(readHeader([long]))).toBe(`PAYMENT-REQUIRED holds more than ${MAX_402_HEADER_BYTES} bytes.`)
  })

  it('with more offers than are read is broken', () => {
    const accepts = (length: number) => base64({ x402Version: 2, accepts: Array.from({ length }, () => 0) })
    expect(readHeader([accepts(MAX_OFFERS)]).kind).toBe('envelope')
    expect(reasonOf(readHeader([accepts(MAX_OFFERS + 1)]))).toBe(`PAYMENT-REQUIRED lists more than ${MAX_OFFERS} offers.`)
  })

  it('is never accepted in two spellings, and never makes the reader throw', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String(), fc.json().map(base64), mutated(base64(REQUIRED_V2))), (value) => {
        const read = readHeader([value])
        if (read.kind === 'envelope') expect(Buffer.from(value, 'base64').toString('base64')).toBe(value)
        else expect(read.kind).toBe('broken')
      }),
      { numRuns: 2000 },
    )
  })
})

describe('the body', () => {
  it('of version 1 is read as the official schema reads it', () => {
    expect(PaymentRequiredV1Schema.safeParse(REQUIRED_V1).success).toBe(true)
    expect(readBody(bytes(REQUIRED_V1))).toMatchObject({ kind: 'envelope', envelope: { version: 1, echo: '{}' } })
  })

  it('of version 2 without a header is read too', () => {
    expect(readBody(bytes(REQUIRED_V2))).toMatchObject({ kind: 'envelope', envelope: { version: 2 } })
  })

  it.each([
    ['none', undefined],
    ['empty', bytes('')],
    ['a page', bytes('<html>pay</html>')],
    ['an API’s own error', bytes({ error: 'no credits', accepts: ['cards'] })],
    ['an API’s own error with a key twice', bytes('{"error":1,"error":2}')],
    ['the empty object of a version 2 server', bytes('{}')],
    ['a list', bytes([1])],
    ['null', bytes('null')],
    ['binary', Uint8Array.of(0xff, 0x00, 0x80)],
  ])('that is %s belongs to somebody else', (_, body) => {
    expect(readBody(body)).toEqual({ kind: 'none' })
  })

  it('beyond its bound is not looked at', () => {
    expect(readBody(bytes({ ...REQUIRED_V1, error: 'x'.repeat(MAX_402_BODY_BYTES) }))).toEqual({ kind: 'none' })
  })

  it.each([
    ['a key twice', bytes('{"x402Version":1,"accepts":[],"accepts":[{}]}')],
    ['a byte order mark', bytes(`\ufeff${JSON.stringify(REQUIRED_V1)}`)],
    [
      'UTF-8 that is not valid',
      Buffer.concat([Buffer.from('{"x402Version":1,"accepts":[],"e":"'), Buffer.from([0xff]), Buffer.from('"}')]),
    ],
    ['__proto__', bytes('{"x402Version":1,"accepts":[],"__proto__":1}')],
    ['too great a depth', bytes(`{"x402Version":1,"accepts":[],"e":${'['.repeat(5000)}${']'.repeat(5000)}}`)],
    ['a version in a string', bytes({ ...REQUIRED_V1, x402Version: '1' })],
  ])('that a careless client would pay is broken with %s, so that it never reaches one', (_, body) => {
    expect(readBody(body).kind).toBe('broken')
  })

  it('of any bytes gives a typed result and no server’s text in the reason', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), fc.json().map(bytes), mutated(JSON.stringify(REQUIRED_V1)).map(bytes)), (body) => {
        const read = readBody(body)
        expect(['none', 'broken', 'envelope']).toContain(read.kind)
        if (read.kind === 'broken') expect(read.reason).toMatch(/^The body (is|cannot|lists)/)
      }),
      { numRuns: 2000 },
    )
  })
})

/** The text with one piece of it replaced. */
function mutated(text: string): fc.Arbitrary<string> {
  return fc
    .tuple(fc.nat(text.length), fc.nat(12), fc.string({ maxLength: 4 }))
    .map(([at, length, piece]) => text.slice(0, at) + piece + text.slice(at + length))
}
