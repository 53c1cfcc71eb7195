import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CanonicalError, canonicalJson } from '../../src/audit/canonical.ts'
import type { ReceiptBody, ReceiptContext } from '../../src/audit/receipt.ts'
import { receiptText } from '../../src/audit/receipt-text.ts'
import { body } from './receipt-fixture.ts'

/** Every member there is. */
const CONTEXT: Required<ReceiptContext> = {
  workload: { subject: 's', issuer: 'i' },
  trace: 't',
  onBehalfOf: ['z', 'a'],
  facts: ['b'],
  evidence: ['e'],
  auditId: 'aud_1',
  approval: { votes: [{ reason: 'r', person: 'p', channel: 'c', at: 'a' }], id: 'apr_1', digest: 'd' },
  alternatives: [],
}

function entry(changes: Partial<ReceiptBody> = {}): ReceiptBody {
  return { ...body(), context: CONTEXT, number: 7, previousHash: 'f'.repeat(64), ...changes }
}

const words = fc.string({ unit: 'grapheme' })
const maybe = fc.option(words)
const changes = fc.record({
  reason: words,
  justification: maybe,
  amount: maybe,
  count: fc.integer(),
  categories: fc.array(words),
  asset: fc.option(fc.record({ symbol: words, decimals: fc.maxSafeInteger(), address: words })),
  delivery: fc.option(fc.record({ status: fc.nat(), complete: fc.boolean(), bytes: fc.maxSafeNat() })),
  context: fc.constantFrom(null, {}, { trace: 'ä' }, { facts: ['"', 'z'], auditId: '' }),
})

describe('the text of an entry', () => {
  it('is its canonical JSON to the byte, every member of it', () => {
    expect(receiptText(entry())).toBe(canonicalJson(entry()))
    fc.assert(
      fc.property(changes, (some) => {
        expect(receiptText(entry(some))).toBe(canonicalJson(entry(some)))
      }),
    )
  })

  it.each<[string, Partial<ReceiptBody>]>([
    ['a lone surrogate', { reason: 'a\ud800b' }],
    ['a fraction', { count: 1.5 }],
    ['an unsafe integer', { delivery: { status: 200, bytes: 2 ** 53, complete: true } }],
    ['no number', { asset: { symbol: 'USDC', address: '0x1', decimals: Number.NaN } }],
  ])('is none for what has no canonical JSON: %s', (_, some) => {
    expect(() => receiptText(entry(some))).toThrow(CanonicalError)
  })

  it('says what looks like an escape as it is', () => {
    const looking = entry({ reason: '\\ud800 and \\\\ud800' })
    expect(receiptText(looking)).toBe(canonicalJson(looking))
  })
})
