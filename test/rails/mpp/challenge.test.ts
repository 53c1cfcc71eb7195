import { describe, expect, it } from 'vitest'
import { MAX_402_HEADER_BYTES, MAX_OFFERS } from '../../../src/limits.ts'
import { readPayments } from '../../../src/rails/mpp/challenge.ts'

const ids = (...values: readonly string[]) => {
  const found = readPayments(values)
  return found.kind === 'payments' ? found.payments.map((params) => params.get('id')) : found.kind
}

describe('the payments that a 402 asks for', () => {
  it('are found beside other schemes, in one value or several, in their order', () => {
    expect(ids('L402 macaroon="x", invoice="y", payment id="1", PAYMENT\tid="2"', 'Bearer', 'Payment id="3"')).toEqual(['1', '2', '3'])
  })

  it.each([
    [],
    ['Bearer realm="x"'],
    ['Payments id="1"'],
    ['X-Payment id="1"'],
    ['Bearer realm="a, Payment id=1"'],
    ['Bearer realm="unfinished'],
  ])('are none in %j', (...values) => {
    expect(ids(...values)).toBe('none')
  })

  it.each([
    ['Payment id="1'],
    ['Payment id="1", id="2"'],
    ['Bearer realm="unfinished, Payment id=1'],
    ['Payment id="1"', 'Payment id="2'],
    ['Payment id="1"', `Bearer realm="${'x'.repeat(MAX_402_HEADER_BYTES)}"`],
    [Array.from({ length: MAX_OFFERS + 1 }, () => 'Payment id="1"').join(', ')],
  ])('cannot be relied on where a careless client might find another: %j', (...values) => {
    expect(ids(...values)).toBe('broken')
  })
})
