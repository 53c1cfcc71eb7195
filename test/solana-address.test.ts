import { address, getAddressDecoder, getBase58Decoder, getBase58Encoder, isAddress, isOffCurveAddress } from '@solana/kit'
import { findAssociatedTokenPda } from '@solana-program/token-2022'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  addressBytes,
  decodeBase58,
  encodeBase58,
  isOnCurve,
  isSolanaAddress,
  TOKEN_2022_PROGRAM,
  TOKEN_PROGRAM,
  tokenAccountOf,
} from '../src/solana-address.ts'

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 })
const mint = '4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU'

describe('Solana addresses', () => {
  it('are written and read as the official library does, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const text = encodeBase58(bytes)
        expect(text).toBe(getBase58Decoder().decode(bytes))
        expect(decodeBase58(text)).toEqual(Uint8Array.from(getBase58Encoder().encode(text)))
      }),
    )
  })

  it('are 32 bytes, neither more nor fewer, and no sign that base 58 leaves out', () => {
    fc.assert(
      fc.property(fc.oneof(bytes32.map(encodeBase58), fc.uint8Array({ maxLength: 40 }).map(encodeBase58), fc.string()), (text) => {
        expect(isSolanaAddress(text)).toBe(isAddress(text))
      }),
    )
    for (const text of ['', 'O0Il', `${mint}1`, mint.slice(2), ` ${mint}`, 'z'.repeat(44)]) {
      expect(isSolanaAddress(text)).toBe(false)
      expect(() => addressBytes(text)).toThrow(RangeError)
    }
    expect(decodeBase58('1'.repeat(129))).toBeUndefined()
    expect(decodeBase58('0')).toBeUndefined()
  })

  it('are points of the curve exactly where the official library says so', () => {
    fc.assert(
      fc.property(bytes32, (bytes) => {
        expect(isOnCurve(bytes)).toBe(!isOffCurveAddress(getAddressDecoder().decode(bytes)))
      }),
      { numRuns: 60 },
    )
  })

  it('keep a token where the official library finds it', async () => {
    await fc.assert(
      fc.asyncProperty(bytes32, fc.constantFrom(TOKEN_PROGRAM, TOKEN_2022_PROGRAM), async (bytes, tokenProgram) => {
        const owner = encodeBase58(bytes)
        const [expected] = await findAssociatedTokenPda({ mint: address(mint), owner: address(owner), tokenProgram: address(tokenProgram) })
        expect(tokenAccountOf({ owner, mint, tokenProgram })).toBe(expected)
      }),
      { numRuns: 25 },
    )
  })
})
