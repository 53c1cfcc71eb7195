import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeBase58 } from '../src/solana-address.ts'
import { readProof, writeProof } from '../src/solana-proof.ts'

const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const memos = fc.string({ minLength: 1, unit: 'grapheme' }).filter((text) => text.isWellFormed())

describe('what a Solana payment is looked for by', () => {
  it('is read as it was written, whatever it is', () => {
    const parts = fc.record({ lastValidBlockHeight: uint64, slot: uint64, memo: memos })
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 64, maxLength: 64 }), parts, (signature, rest) => {
        expect(readProof(writeProof(signature, rest))).toEqual({ signature: encodeBase58(signature), ...rest })
      }),
    )
  })

  it('is refused where it is none', () => {
    for (const text of ['', '0x', 'zz', `0x${'00'.repeat(80)}`, `0x${'0'.repeat(171)}`]) expect(() => readProof(text)).toThrow(RangeError)
    expect(() => writeProof(new Uint8Array(63), { lastValidBlockHeight: 1n, slot: 1n, memo: 'm' })).toThrow(RangeError)
    expect(() => writeProof(new Uint8Array(64), { lastValidBlockHeight: -1n, slot: 1n, memo: 'm' })).toThrow(RangeError)
  })
})
