import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson } from '../../src/audit/canonical.ts'
import { parseEntry, parseReceipt, ReceiptFormatError } from '../../src/audit/parse.ts'
import { chainOf } from './receipt-fixture.ts'

const [receipt] = chainOf(1)

describe('reading a receipt', () => {
  it('gives back what was written, with its hash in it or beside it', () => {
    const { hash, ...entry } = { ...receipt, hash: receipt?.hash ?? '' }
    expect(parseReceipt(canonicalJson(receipt))).toEqual(receipt)
    expect(parseEntry(canonicalJson(entry), hash)).toEqual(receipt)
  })

  it('refuses a member that no receipt has: the hash would not know it', () => {
    expect(() => parseReceipt(canonicalJson({ ...receipt, note: 'x' }))).toThrow(ReceiptFormatError)
    expect(() => parseEntry(canonicalJson(receipt), 'hash')).toThrow(ReceiptFormatError)
  })

  it('names the member that is wrong', () => {
    expect(() => parseReceipt(canonicalJson({ ...receipt, count: 0 }))).toThrow('not a receipt: count')
  })

  it('lets only its own error out, whatever the text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(() => parseReceipt(text)).toThrow(ReceiptFormatError)
      }),
    )
  })
})
