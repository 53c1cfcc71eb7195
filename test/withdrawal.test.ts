import fc from 'fast-check'
import { bytesToHex, decodeFunctionData, getAddress, type Hex, hexToBytes, parseTransaction } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { describe, expect, it } from 'vitest'
import { ESCROW } from '../src/channel-digest.ts'
import { WITHDRAW_GAS } from '../src/channel-limits.ts'
import { MAX_GAS_PRICE_WEI } from '../src/limits.ts'
import { ecdsa } from '../src/secp256k1.ts'
import { digestWithdrawal, signedWithdrawal, withdrawalCall } from '../src/withdrawal.ts'
import { escrowAbi } from './testnet/channel-reader.ts'
import { withdrawalOf } from './wallet/operations.ts'

const KEY = `0x${'c1'.repeat(32)}` as const
const account = privateKeyToAccount(KEY)
const hexOf = (bytes: number) => fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((value): Hex => bytesToHex(value))
const address = hexOf(20).map((value) => getAddress(value))
const channel = fc.record({
  ...{ payer: address, payerAuthorizer: address, receiver: address, receiverAuthorizer: address, token: address },
  withdrawDelay: fc.integer({ min: 0, max: 2 ** 40 - 1 }),
  salt: hexOf(32),
})
const transaction = fc.record({
  chainId: fc.integer({ min: 1, max: 2 ** 40 }),
  channel,
  amount: fc.option(fc.bigInt({ min: 1n, max: 2n ** 128n - 1n })),
  nonce: fc.nat(),
  gas: fc.bigInt({ min: 1n, max: WITHDRAW_GAS }),
  gasPrice: fc.bigInt({ min: 0n, max: MAX_GAS_PRICE_WEI }),
})

describe('a withdrawal', () => {
  it('is one of two calls of the escrow, by the interface that the package publishes', () => {
    const holds = fc.property(transaction, ({ chainId, channel: config, amount }) => {
      const call = withdrawalCall({ chainId, channel: config, amount })
      expect([call.chainId, call.to]).toEqual([chainId, ESCROW])
      const { functionName, args } = decodeFunctionData({ abi: escrowAbi, data: call.data })
      expect(functionName).toBe(amount === null ? 'finalizeWithdraw' : 'initiateWithdraw')
      expect(args).toEqual(amount === null ? [config] : [config, amount])
    })
    fc.assert(holds)
  })

  it('is signed as another program signs the same transaction', async () => {
    const holds = fc.asyncProperty(transaction, async (wanted) => {
      const raw = signedWithdrawal(wanted, await ecdsa.signDigest(digestWithdrawal(wanted), hexToBytes(KEY)))
      const { nonce, gas, gasPrice } = wanted
      expect(raw).toBe(await account.signTransaction({ type: 'legacy', ...withdrawalCall(wanted), value: 0n, nonce, gas, gasPrice }))
    })
    await fc.assert(holds, { numRuns: 50 })
  })

  it('carries no money, whatever it is made from', () => {
    const withMoney = { ...withdrawalOf(account.address), value: 1n, to: account.address }
    const raw = signedWithdrawal(withMoney, `0x${'11'.repeat(64)}1b`)
    expect(parseTransaction(raw)).toMatchObject({ to: ESCROW.toLowerCase() })
    expect(parseTransaction(raw).value ?? 0n).toBe(0n)
  })

  it.each([{ gas: 0n }, { gas: WITHDRAW_GAS + 1n }, { gasPrice: MAX_GAS_PRICE_WEI + 1n }, { amount: 0n }])('of %o is none', (part) => {
    expect(() => digestWithdrawal({ ...withdrawalOf(account.address), ...part })).toThrow(RangeError)
  })
})
