import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson } from '../../src/audit/canonical.ts'
import { parseCheckpoint, parseEntry, parseReceipt, parseSignedCheckpoint, ReceiptFormatError } from '../../src/audit/parse.ts'
import { historyOf } from './checkpoint-fixture.ts'
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

describe('reading a checkpoint', () => {
  const [checkpoint] = historyOf('ab').checkpoints
  if (!checkpoint) throw new Error('there is no checkpoint')
  const { signature, ...body } = checkpoint

  it('gives back what was signed, with its signature in it or beside it', () => {
    expect(parseCheckpoint(canonicalJson(checkpoint))).toEqual(checkpoint)
    expect(parseSignedCheckpoint(canonicalJson(body), signature)).toEqual(checkpoint)
  })

  it.each([
    ['another member', { note: 'x' }],
    ['another kind', { kind: 'conclusion' }],
    ['number 0', { number: 0 }],
    ['a hash in capitals', { previousHash: 'A'.repeat(64) }],
    ['a short key', { publicKey: 'ab' }],
    ['a signature in capitals', { signature: 'A'.repeat(128) }],
    ['a head without a hash', { heads: [{ sessionId: 'a', number: 1 }] }],
  ])('refuses %s: one checkpoint has one form', (_, change) => {
    expect(() => parseCheckpoint(canonicalJson({ ...checkpoint, ...change }))).toThrow(ReceiptFormatError)
  })

  it('refuses a stored text in another form than was signed', () => {
    expect(() => parseSignedCheckpoint(`${canonicalJson(body)} `, signature)).toThrow('it is not in the form that was signed')
  })

  it('lets only its own error out, whatever the text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(() => parseCheckpoint(text)).toThrow(ReceiptFormatError)
        expect(() => parseSignedCheckpoint(text, signature)).toThrow(ReceiptFormatError)
      }),
    )
  })
})
