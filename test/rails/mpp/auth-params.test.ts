import fc from 'fast-check'
import { Challenge } from 'mppx'
import { describe, expect, it } from 'vitest'
import { readAuthChallenges } from '../../../src/rails/mpp/auth-params.ts'

const read = (text: string) => readAuthChallenges(text)?.map(({ scheme, params }) => [scheme, Object.fromEntries(params)])

describe('challenges of WWW-Authenticate', () => {
  it.each<[string, unknown]>([
    ['', []],
    [' , ,\t', []],
    ['Basic', [['basic', {}]]],
    ['Payment id=', [['payment', {}]]],
    ['Payment id="a", realm="b"', [['payment', { id: 'a', realm: 'b' }]]],
    ['Payment id = "a" , ID2=token', [['payment', { id: 'a', id2: 'token' }]]],
    [
      'Negotiate abc==, Payment id="a"',
      [
        ['negotiate', {}],
        ['payment', { id: 'a' }],
      ],
    ],
    [
      'Basic, Bearer realm="x, Payment y", Payment id="a"',
      [
        ['basic', {}],
        ['bearer', { realm: 'x, Payment y' }],
        ['payment', { id: 'a' }],
      ],
    ],
    [
      'Payment id="a", Payment id="b"',
      [
        ['payment', { id: 'a' }],
        ['payment', { id: 'b' }],
      ],
    ],
    [String.raw`Payment id="a\"b\\c"`, [['payment', { id: String.raw`a"b\c` }]]],
    [String.raw`Payment id="\u0041", realm="b"`, [['payment', { id: undefined, realm: 'b' }]]],
    [',Payment id="a",', [['payment', { id: 'a' }]]],
  ])('%s', (text, challenges) => {
    expect(read(text)).toEqual(challenges)
  })

  it.each([
    'Payment id="a", id="b"',
    'Payment id="a", ID="b"',
    'Payment id="a',
    'Payment id="a" realm="b"',
    'Payment id=a b',
    'Payment "a"',
    'id="a"',
    '="a"',
    'Payment id="a"; realm="b"',
    'Payment id="a"Payment id="b"',
  ])('nothing is made of %s', (text) => {
    expect(read(text)).toBeUndefined()
  })

  it('whatever the official library writes is read to the letter', () => {
    const text = fc.string({
      unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
      minLength: 1,
      maxLength: 40,
    })
    fc.assert(
      fc.property(text, text, fc.constantFrom('charge', 'session'), (id, realm, intent) => {
        const value = Challenge.serialize({ id, realm, intent, method: 'evm', request: { amount: '1' } })
        expect(read(`L402 token="x", ${value}`)).toEqual([
          ['l402', { token: 'x' }],
          ['payment', { id, realm, intent, method: 'evm', request: expect.any(String) }],
        ])
      }),
    )
  })

  it('a long text of one kind is read, too', () => {
    for (const text of ['Payment '.repeat(2_000), ','.repeat(16_000), `Payment id="${'\\\\'.repeat(8_000)}`, `a${' '.repeat(16_000)}=b`]) {
      expect(() => read(text)).not.toThrow()
    }
  })
})
