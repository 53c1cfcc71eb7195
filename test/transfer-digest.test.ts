import fc from 'fast-check'
import { bytesToHex, getAddress, type Hex, hashTypedData, recoverTypedDataAddress } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { describe, expect, it } from 'vitest'
import { ecdsa } from '../src/secp256k1.ts'
import { CANCEL_TYPE_HASH, DOMAIN_TYPE_HASH, digestCancel, digestTransfer, TRANSFER_TYPE_HASH } from '../src/transfer-digest.ts'
import { createLocalWallet } from '../src/wallet/local-key.ts'
import type { CancelAuthorization, TransferAuthorization } from '../src/wallet/wallet.ts'
import { anyText } from './any-text.ts'

const TYPES = {
  TransferWithAuthorization: [
    { name: 'from', type: 'address' },
    { name: 'to', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'validAfter', type: 'uint256' },
    { name: 'validBefore', type: 'uint256' },
    { name: 'nonce', type: 'bytes32' },
  ],
} as const

const TRANSFER: TransferAuthorization = {
  domain: { name: 'USDC', version: '2', chainId: 84532, verifyingContract: '0x036CbD53842c5426634e7929541eC2318f3dCF7e' },
  from: '0x857b06519E91e3A54538791bDbb0E22373e36b66',
  to: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
  value: 10_000n,
  validAfter: 0n,
  validBefore: 1_800_000_000n,
  nonce: `0x${'ab'.repeat(32)}`,
}

const hexOf = (bytes: number) => fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((value): Hex => bytesToHex(value))
const address = fc.tuple(hexOf(20), fc.boolean()).map(([text, checksummed]): Hex => (checksummed ? getAddress(text) : text))
const uint256 = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }), fc.constantFrom(0n, 1n, 2n ** 64n, 2n ** 256n - 1n))
const text = fc.oneof(fc.string({ unit: 'grapheme' }), anyText(), fc.constantFrom('', '0x1234', 'USD Coin'))
const domain = fc.record({ name: text, version: text, chainId: fc.nat({ max: Number.MAX_SAFE_INTEGER }), verifyingContract: address })
const transfer: fc.Arbitrary<TransferAuthorization> = fc.record({
  domain,
  from: address,
  to: address,
  value: uint256,
  validAfter: uint256,
  validBefore: uint256,
  nonce: hexOf(32),
})

function typed({ domain: place, ...message }: TransferAuthorization) {
  return { domain: place, types: TYPES, primaryType: 'TransferWithAuthorization', message } as const
}

describe('the digest of a transfer', () => {
  it('is what viem makes of any transfer, also once the domain is known', () => {
    const holds = fc.property(transfer, transfer, (first, second) => {
      const mixed = { ...second, domain: first.domain }
      const given = [first, second, mixed, first]
      expect(given.map((one) => bytesToHex(digestTransfer(one)))).toEqual(given.map((one) => hashTypedData(typed(one))))
    })
    fc.assert(holds, { numRuns: 300 })
  })

  it('is signed by a local wallet with the bytes that viem signs with, and recovers to whom viem says', async () => {
    const key = hexOf(32).filter((value) => BigInt(value) > 0n && !value.startsWith('0xffffffff'))
    const holds = fc.asyncProperty(transfer, key, async (drawn, secret) => {
      const account = privateKeyToAccount(secret)
      const given = { ...drawn, from: account.address }
      const signature = await createLocalWallet({ key: secret }).signTransfer(null, given)
      expect(signature).toBe(await account.signTypedData(typed(given)))
      const signer = await ecdsa.recoverAddress(digestTransfer(given), signature)
      expect(signer).toBe(await recoverTypedDataAddress({ ...typed(given), signature }))
      expect(signer).toBe(account.address)
    })
    await fc.assert(holds, { numRuns: 300 })
  })

  it('stays as it was when the next one is made', () => {
    const first = digestTransfer(TRANSFER)
    const before = bytesToHex(first)
    digestTransfer({ ...TRANSFER, value: 1n })
    expect(bytesToHex(first)).toBe(before)
  })

  it('differs with every part, the domain’s own included', () => {
    const others: TransferAuthorization[] = [
      { ...TRANSFER, from: TRANSFER.to },
      { ...TRANSFER, to: TRANSFER.from },
      { ...TRANSFER, value: 1n },
      { ...TRANSFER, validAfter: 1n },
      { ...TRANSFER, validBefore: 1n },
      { ...TRANSFER, nonce: `0x${'ac'.repeat(32)}` },
      { ...TRANSFER, domain: { ...TRANSFER.domain, name: 'USD Coin' } },
      { ...TRANSFER, domain: { ...TRANSFER.domain, version: '1' } },
      { ...TRANSFER, domain: { ...TRANSFER.domain, chainId: 8453 } },
      { ...TRANSFER, domain: { ...TRANSFER.domain, verifyingContract: TRANSFER.to } },
    ]
    expect(new Set([TRANSFER, ...others].map((one) => bytesToHex(digestTransfer(one)))).size).toBe(others.length + 1)
  })

  it('keeps name and version apart, whatever stands in them', () => {
    const split = (name: string, version: string) =>
      bytesToHex(digestTransfer({ ...TRANSFER, domain: { ...TRANSFER.domain, name, version } }))
    expect(new Set([split('a', 'b","c'), split('a","b', 'c'), split('ab', 'c'), split('a', 'bc')]).size).toBe(4)
  })

  it('is not made of parts that are not of their type, and the next one is right', () => {
    const broken: [Partial<Record<keyof TransferAuthorization, unknown>>, string][] = [
      [{ value: -1n }, 'within 256 bits'],
      [{ value: 2n ** 256n }, 'within 256 bits'],
      [{ validAfter: -1n }, 'within 256 bits'],
      [{ validBefore: 2n ** 256n }, 'within 256 bits'],
      [{ nonce: '0x' }, 'nonce'],
      [{ nonce: `0x${'ab'.repeat(31)}` }, 'nonce'],
      [{ nonce: `0x${'ab'.repeat(33)}` }, 'nonce'],
      [{ nonce: `0x${'ag'.repeat(32)}` }, 'nonce'],
      [{ to: '0x' }, 'address'],
      [{ to: `${TRANSFER.to}00` }, 'address'],
      [{ to: TRANSFER.to.replace('Bc', 'bc') }, 'address'],
      [{ from: TRANSFER.from.replace('E', 'e') }, 'address'],
      [{ domain: { ...TRANSFER.domain, verifyingContract: '0x1234' } }, 'address'],
      [{ domain: { ...TRANSFER.domain, chainId: 1.5 } }, 'chain id'],
      [{ domain: { ...TRANSFER.domain, chainId: -1 } }, 'within 256 bits'],
    ]
    const right = hashTypedData(typed(TRANSFER))
    for (const [change, reason] of broken) {
      const wrong = { ...TRANSFER, ...change } as TransferAuthorization
      expect(() => digestTransfer(wrong)).toThrow(reason)
      expect(bytesToHex(digestTransfer(TRANSFER))).toBe(right)
    }
  })

  it('has the type hashes that EIP-712 and EIP-3009 print', () => {
    expect(bytesToHex(DOMAIN_TYPE_HASH)).toBe('0x8b73c3c69bb8fe3d512ecc4cf759cc79239f7b179b0ffacaa9a75d522b39400f')
    expect(bytesToHex(TRANSFER_TYPE_HASH)).toBe('0x7c7c6cdb67a18743f49ec6fa9b35f50d52ed05cbed4cc592e13b44501c1a2267')
    expect(bytesToHex(CANCEL_TYPE_HASH)).toBe('0x158b0a9edf7a828aad02f63cd515c68ef2f50ba807396f6d12842833a1597429')
  })
})

const CANCEL_TYPES = {
  CancelAuthorization: [
    { name: 'authorizer', type: 'address' },
    { name: 'nonce', type: 'bytes32' },
  ],
} as const
const cancellation: fc.Arbitrary<CancelAuthorization> = fc.record({ domain, authorizer: address, nonce: hexOf(32) })

function typedCancel({ domain: place, ...message }: CancelAuthorization) {
  return { domain: place, types: CANCEL_TYPES, primaryType: 'CancelAuthorization', message } as const
}

describe('the digest of a cancellation', () => {
  it('is what viem makes of any, also in turn with transfers', () => {
    const holds = fc.property(cancellation, transfer, cancellation, (first, between, second) => {
      expect(bytesToHex(digestCancel(first))).toBe(hashTypedData(typedCancel(first)))
      expect(bytesToHex(digestTransfer(between))).toBe(hashTypedData(typed(between)))
      expect(bytesToHex(digestCancel({ ...second, domain: between.domain }))).toBe(
        hashTypedData(typedCancel({ ...second, domain: between.domain })),
      )
    })
    fc.assert(holds, { numRuns: 300 })
  })

  it('is signed by a local wallet with the bytes that viem signs with', async () => {
    const key = hexOf(32).filter((value) => BigInt(value) > 0n && !value.startsWith('0xffffffff'))
    const holds = fc.asyncProperty(cancellation, key, async (drawn, secret) => {
      const account = privateKeyToAccount(secret)
      const given = { ...drawn, authorizer: account.address }
      expect(await createLocalWallet({ key: secret }).signCancel(null, given)).toBe(await account.signTypedData(typedCancel(given)))
    })
    await fc.assert(holds, { numRuns: 100 })
  })

  it('is not made of parts that are not of their type', () => {
    const { domain: place, from: authorizer, nonce } = TRANSFER
    expect(() => digestCancel({ domain: place, authorizer: '0x', nonce })).toThrow('address')
    expect(() => digestCancel({ domain: place, authorizer, nonce: '0x12' })).toThrow('nonce')
    expect(() => digestCancel({ domain: { ...place, verifyingContract: '0x1234' }, authorizer, nonce })).toThrow('address')
  })
})
