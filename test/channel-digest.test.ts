import { BATCH_SETTLEMENT_ADDRESS, ERC3009_DEPOSIT_COLLECTOR_ADDRESS, voucherTypes } from '@x402/evm'
import { computeChannelId, createBatchSettlementEIP3009DepositPayload } from '@x402/evm/batch-settlement/client'
import fc from 'fast-check'
import { bytesToHex, getAddress, type Hex, hashTypedData } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { describe, expect, it } from 'vitest'
import { channelIdOf, DEPOSIT_COLLECTOR, depositNonceOf, digestDeposit, digestVoucher, ESCROW } from '../src/channel-digest.ts'
import { ecdsa } from '../src/secp256k1.ts'

const hexOf = (bytes: number) => fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((value): Hex => bytesToHex(value))
const address = hexOf(20).map((value) => getAddress(value))
const uint = (bits: number) => fc.bigInt({ min: 0n, max: 2n ** BigInt(bits) - 1n })
const chainId = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })
const channel = fc.record({
  ...{ payer: address, payerAuthorizer: address, receiver: address, receiverAuthorizer: address, token: address },
  ...{ withdrawDelay: fc.integer({ min: 0, max: 2 ** 40 - 1 }), salt: hexOf(32) },
})
const TOKEN: Hex = '0x036CbD53842c5426634e7929541eC2318f3dCF7e'
const DEPOSIT = {
  chainId: 84532,
  eip712: { name: 'USDC', version: '2' },
  ...{ amount: 50_000n, validAfter: 0n, validBefore: 1_800_000_000n, salt: `0x${'5a'.repeat(32)}` as const },
}

describe('a channel', () => {
  it('lies in the escrow of the protocol, and is filled through its collector', () => {
    expect([ESCROW, DEPOSIT_COLLECTOR]).toEqual([BATCH_SETTLEMENT_ADDRESS, ERC3009_DEPOSIT_COLLECTOR_ADDRESS])
  })

  it('has the id that the protocol’s own code gives it', () => {
    const holds = fc.property(channel, chainId, (config, chain) => {
      expect(channelIdOf(config, chain)).toBe(computeChannelId(config, chain))
    })
    fc.assert(holds)
  })
})

describe('a voucher', () => {
  it('is signed over what the protocol’s own types give', () => {
    const holds = fc.property(channel, chainId, uint(128), (config, chain, cumulative) => {
      const theirs = {
        domain: { name: 'x402 Batch Settlement', version: '1', chainId: chain, verifyingContract: BATCH_SETTLEMENT_ADDRESS },
        types: voucherTypes,
        primaryType: 'Voucher',
        message: { channelId: computeChannelId(config, chain), maxClaimableAmount: cumulative },
      } as const
      expect(bytesToHex(digestVoucher({ chainId: chain, channel: config, cumulative }))).toBe(hashTypedData(theirs))
    })
    fc.assert(holds)
  })

  it.each([-1n, 2n ** 128n])('over %s, which the escrow cannot count, does not exist', (cumulative) => {
    const [config] = fc.sample(channel, { numRuns: 1, seed: 1 })
    if (!config) throw new Error('no sample')
    expect(() => digestVoucher({ chainId: 1, channel: config, cumulative })).toThrow()
  })
})

describe('a deposit', () => {
  it('is signed over what the official client signs', async () => {
    const account = privateKeyToAccount(generatePrivateKey())
    const requirements = {
      scheme: 'batch-settlement',
      network: 'eip155:84532' as const,
      amount: '1000',
      asset: TOKEN,
      payTo: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
      maxTimeoutSeconds: 60,
      extra: { name: 'USDC', version: '2' },
    }
    const [made] = fc.sample(channel, { numRuns: 1, seed: 2 })
    if (!made) throw new Error('no sample')
    const config = { ...made, payer: account.address, payerAuthorizer: account.address, token: TOKEN }
    const { payload } = await createBatchSettlementEIP3009DepositPayload(account, 2, requirements, config, '50000', '1000')
    const { amount, authorization } = payload.deposit as unknown as OfficialDeposit
    const { validBefore, salt, signature } = authorization.erc3009Authorization
    const deposit = { ...DEPOSIT, channel: config, amount: BigInt(amount), validBefore: BigInt(validBefore), salt }
    expect(await ecdsa.isSignedBy(digestDeposit(deposit), signature, account.address)).toBe(true)
  })

  it('has a nonce of its channel alone', () => {
    const holds = fc.property(channel, hexOf(32), hexOf(32), (config, saltA, saltB) => {
      fc.pre(saltA !== config.salt && saltA !== saltB)
      const nonce = depositNonceOf({ channel: config, chainId: 1, salt: saltA })
      expect(depositNonceOf({ channel: config, chainId: 2, salt: saltA })).not.toBe(nonce)
      expect(depositNonceOf({ channel: { ...config, salt: saltA }, chainId: 1, salt: saltA })).not.toBe(nonce)
      expect(depositNonceOf({ channel: config, chainId: 1, salt: saltB })).not.toBe(nonce)
    })
    fc.assert(holds)
  })

  it('has no salt but one of 32 bytes', () => {
    const [config] = fc.sample(channel, { numRuns: 1, seed: 3 })
    if (!config) throw new Error('no sample')
    expect(() => digestDeposit({ ...DEPOSIT, channel: config, salt: '0x5a' })).toThrow('32 bytes')
  })
})

interface OfficialDeposit {
  readonly amount: string
  readonly authorization: { readonly erc3009Authorization: { readonly validBefore: string; readonly salt: Hex; readonly signature: Hex } }
}
