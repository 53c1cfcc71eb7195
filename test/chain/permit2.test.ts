import fc from 'fast-check'
import { decodeFunctionData, encodeAbiParameters, erc20Abi, toHex } from 'viem'
import { describe, expect, it } from 'vitest'
import { allowanceCall, approveCall, bitmapCall, invalidates, isSet, names } from '../../src/chain/permit2.ts'
import { PERMIT2 } from '../../src/permit-digest.ts'

const anyNonce = fc.bigInt({ min: 0n, max: 2n ** 256n - 1n })
const PAYER = '0x857b06519E91e3A54538791bDbb0E22373e36b66'

describe('a nonce of Permit2', () => {
  it('is used where its own bit is set, and no other makes it so', () => {
    fc.assert(
      fc.property(anyNonce, (number) => {
        const nonce = toHex(number, { size: 32 })
        const bit = 1n << (number % 256n)
        expect([isSet(bit, nonce), isSet(2n ** 256n - 1n - bit, nonce), isSet(0n, nonce)]).toEqual([true, false, false])
        expect(bitmapCall({ payer: PAYER, nonce }).endsWith(toHex(number / 256n, { size: 32 }).slice(2))).toBe(true)
        expect(names(`0x1234${nonce.slice(2)}`, nonce)).toBe(true)
      }),
    )
  })

  it('is made worthless by an event of its word with its bit in the mask', () => {
    fc.assert(
      fc.property(anyNonce, (number) => {
        const nonce = toHex(number, { size: 32 })
        const event = (word: bigint, mask: bigint) => ({
          data: encodeAbiParameters([{ type: 'uint256' }, { type: 'uint256' }], [word, mask]),
        })
        const [word, bit] = [number / 256n, 1n << (number % 256n)]
        expect(invalidates(event(word, bit), nonce)).toBe(true)
        expect(invalidates(event(word, 2n ** 256n - 1n), nonce)).toBe(true)
        expect(invalidates(event(word, 2n ** 256n - 1n - bit), nonce)).toBe(false)
        expect(invalidates(event(word === 0n ? 1n : word - 1n, bit), nonce)).toBe(false)
        expect(invalidates({ data: '0x' }, nonce)).toBe(false)
      }),
    )
  })
})

it('allowances are asked for and given for Permit2 alone', () => {
  const asked = decodeFunctionData({ abi: erc20Abi, data: allowanceCall(PAYER) })
  expect(asked).toEqual({ functionName: 'allowance', args: [PAYER, PERMIT2] })
  expect(decodeFunctionData({ abi: erc20Abi, data: approveCall(7n) })).toEqual({ functionName: 'approve', args: [PERMIT2, 7n] })
  expect(() => allowanceCall('0xzz')).toThrow('hex')
})
