import { decompileTransactionMessage, getCompiledTransactionMessageDecoder, getTransactionDecoder } from '@solana/kit'
import { parseSetComputeUnitLimitInstruction, parseSetComputeUnitPriceInstruction } from '@solana-program/compute-budget'
import { parseTransferCheckedInstruction } from '@solana-program/token-2022'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeBase58, TOKEN_2022_PROGRAM, TOKEN_PROGRAM, tokenAccountOf } from '../src/solana-address.ts'
import {
  COMPUTE_BUDGET_PROGRAM,
  COMPUTE_UNITS,
  compileTransfer,
  computeUnitPriceOf,
  MAX_COMPUTE_UNIT_PRICE,
  MAX_MEMO_BYTES,
  MEMO_PROGRAM,
  memoOf,
  type SolanaTransfer,
  wireTransaction,
} from '../src/solana-message.ts'

const key = (fill: number) => encodeBase58(new Uint8Array(32).fill(fill))
const nonce = `0x${'00112233445566778899aabbccddeeff'.repeat(2)}` as const
const transfer: SolanaTransfer = {
  network: 'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1',
  mint: '4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU',
  tokenProgram: TOKEN_PROGRAM,
  decimals: 6,
  from: key(1),
  to: key(2),
  value: 1_000n,
  nonce,
  feePayer: key(3),
  blockhash: key(4),
}

const decoder = getCompiledTransactionMessageDecoder()

/** Of well-formed UTF-8 only: a lone surrogate has no bytes of its own. */
const memos = fc
  .string({ minLength: 1, maxLength: 64, unit: 'grapheme' })
  .filter((text) => text.isWellFormed() && Buffer.byteLength(text) <= MAX_MEMO_BYTES)

describe('the transaction of a payment', () => {
  it('is read by the official library as what it was made of, whatever the parts', () => {
    const hex32 = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => `0x${Buffer.from(bytes).toString('hex')}` as const)
    const parts = fc.record({
      value: fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }),
      decimals: fc.integer({ min: 0, max: 255 }),
      nonce: hex32,
      memo: fc.option(memos, { nil: undefined }),
      tokenProgram: fc.constantFrom(TOKEN_PROGRAM, TOKEN_2022_PROGRAM),
      blockhash: hex32.map((hex) => encodeBase58(Buffer.from(hex.slice(2), 'hex'))),
    })
    fc.assert(
      fc.property(parts, ({ memo, ...rest }) => {
        const made: SolanaTransfer = { ...transfer, ...rest, ...(memo !== undefined && { memo }) }
        const compiled = decoder.decode(compileTransfer(made))
        expect(compiled.version).toBe(0)
        expect('addressTableLookups' in compiled && compiled.addressTableLookups?.length).toBeFalsy()
        const message = decompileTransactionMessage(compiled)
        expect(message.feePayer.address).toBe(made.feePayer)
        expect('blockhash' in message.lifetimeConstraint && message.lifetimeConstraint.blockhash).toBe(made.blockhash)
        checkInstructions(message.instructions as never, made)
      }),
      { numRuns: 40 },
    )
  })

  it('goes into an envelope with the owner’s signature in its place, and the fee payer’s still missing', () => {
    const message = compileTransfer(transfer)
    const { signatures, messageBytes } = getTransactionDecoder().decode(wireTransaction(message, new Uint8Array(64).fill(7)))
    expect(Uint8Array.from(messageBytes)).toEqual(message)
    expect(signatures).toEqual({ [transfer.feePayer]: null, [transfer.from]: new Uint8Array(64).fill(7) })
    expect(() => wireTransaction(message, new Uint8Array(63))).toThrow(RangeError)
  })

  it('never has the wallet pay the fee, pay itself, or name an account twice', () => {
    for (const wrong of [
      { feePayer: transfer.from },
      { to: transfer.from },
      { feePayer: transfer.mint },
      { feePayer: MEMO_PROGRAM },
      { feePayer: tokenAccountOf({ owner: transfer.from, mint: transfer.mint, tokenProgram: TOKEN_PROGRAM }) },
      { feePayer: 'not an address' },
      { value: 0n },
      { value: 2n ** 64n },
      { decimals: -1 },
      { decimals: 0.5 },
      { blockhash: 'short' },
      { nonce: '0x12' as const },
      { memo: '' },
      { memo: 'é'.repeat(129) },
    ]) {
      expect(
        () => compileTransfer({ ...transfer, ...wrong }),
        JSON.stringify(wrong, (_, v) => `${v}`),
      ).toThrow(RangeError)
    }
  })

  it('carries 16 bytes of the nonce as its memo, unless the seller wants its own', () => {
    expect(memoOf({ nonce })).toBe('00112233445566778899aabbccddeeff')
    expect(memoOf({ nonce, memo: 'order 7' })).toBe('order 7')
  })

  it('is not the same bytes for two nonces with one memo, and its price is bounded', () => {
    const other = `0x${'00112233445566778899aabbccddeeff'}${'00112234445566778899aabbccddeeff'}` as const
    expect(compileTransfer({ ...transfer, memo: 'm' })).not.toEqual(compileTransfer({ ...transfer, memo: 'm', nonce: other }))
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        const price = computeUnitPriceOf(`0x${Buffer.from(bytes).toString('hex')}`)
        expect(price).toBeGreaterThan(0)
        expect(price).toBeLessThanOrEqual(MAX_COMPUTE_UNIT_PRICE)
      }),
    )
  })
})

type Instructions = readonly (Parameters<typeof parseTransferCheckedInstruction>[0] & { readonly programAddress: string })[]

function checkInstructions(instructions: Instructions, made: SolanaTransfer): void {
  const [limit, price, moved, memo, ...more] = instructions
  if (!limit || !price || !moved || !memo) throw new Error('an instruction is missing')
  expect(more).toEqual([])
  expect(instructions.map(({ programAddress }) => programAddress)).toEqual([
    ...[COMPUTE_BUDGET_PROGRAM, COMPUTE_BUDGET_PROGRAM, made.tokenProgram, MEMO_PROGRAM],
  ])
  expect(parseSetComputeUnitLimitInstruction(limit).data.units).toBe(COMPUTE_UNITS)
  expect(parseSetComputeUnitPriceInstruction(price).data.microLamports).toBe(BigInt(computeUnitPriceOf(made.nonce)))
  const { accounts, data } = parseTransferCheckedInstruction(moved)
  const { mint, tokenProgram } = made
  expect(accounts.source.address).toBe(tokenAccountOf({ owner: made.from, mint, tokenProgram }))
  expect(accounts.destination.address).toBe(tokenAccountOf({ owner: made.to, mint, tokenProgram }))
  expect([accounts.mint.address, accounts.authority.address]).toEqual([mint, made.from])
  expect([data.amount, data.decimals]).toEqual([made.value, made.decimals])
  expect(Buffer.from(memo.data).toString()).toBe(memoOf(made))
}
