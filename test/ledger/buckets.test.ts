import { describe, expect, it } from 'vitest'
import { bucketsOf, namesRecipient } from '../../src/ledger/buckets.ts'
import type { SessionLimits } from '../../src/session/session.ts'
import { OTHER_PAY_TO, PAY_TO } from './fixtures.ts'

const payment = {
  origin: 'https://api.example.com:8443',
  host: 'api.example.com',
  tool: 'web',
  user: null,
  categories: ['search', 'search', 'data'],
  terms: { payTo: PAY_TO },
}
const short = (limits: SessionLimits, changes: Partial<typeof payment> = {}) =>
  bucketsOf(limits, { ...payment, ...changes }).map(({ bucket, max }) => [bucket, max])

describe('the buckets of a payment', () => {
  it('are none where no dimension is limited', () => {
    expect(short({ perPayment: 1n, payments: 1, perWindow: [] })).toEqual([])
  })

  it('are its tool, its user and each of its categories once', () => {
    expect(short({ perTool: { '*': 1n }, perUser: { '': 2n }, perCategory: { search: 3n } })).toEqual([
      ['category:search', 3n],
      ['category:data', undefined],
      ['tool:web', 1n],
      ['user:', 2n],
    ])
  })

  it('are every host pattern and address that names its recipient', () => {
    const perRecipient = { '*.example.com': 1n, 'api.example.com:8443': 2n, 'api.example.com:443': 3n, [PAY_TO.toLowerCase()]: 4n, '*': 5n }
    expect(short({ perRecipient })).toEqual([
      ['recipient:named:*.example.com', 1n],
      ['recipient:named:api.example.com:8443', 2n],
      [`recipient:named:${PAY_TO.toLowerCase()}`, 4n],
    ])
  })

  it('are host and address under *, in one spelling', () => {
    expect(short({ perRecipient: { '*': 5n } }, { host: 'API.example.com.' })).toEqual([
      ['recipient:host:api.example.com', 5n],
      [`recipient:address:${PAY_TO.toLowerCase()}`, 5n],
    ])
  })

  it('say what they are, and with which code they refuse', () => {
    expect(bucketsOf({ perTool: { web: 1n }, perUser: {} }, payment)).toEqual([
      { bucket: 'tool:web', label: 'tool "web"', max: 1n, code: 'tool_limit_exceeded' },
      { bucket: 'user:', label: 'payments without a user', max: undefined, code: 'user_limit_exceeded' },
    ])
  })
})

describe('naming a recipient', () => {
  it.each([
    ['api.example.com', true],
    ['*.example.com', true],
    ['example.com', false],
    ['api.example.com:8443', true],
    ['api.example.com:443', false],
    [PAY_TO.toUpperCase().replace('0X', '0x'), true],
    [OTHER_PAY_TO, false],
  ])('%s: %s', (key, named) => {
    expect(namesRecipient(key, payment)).toBe(named)
  })

  it.each([
    ['https://api.example.com', 'api.example.com:443'],
    ['http://api.example.com', 'api.example.com:80'],
  ])('knows the usual port of %s', (origin, key) => {
    expect(namesRecipient(key, { ...payment, origin })).toBe(true)
  })
})
