import { describe, expect, it } from 'vitest'
import { EIP3009, evmChainOf, isHex } from '../../../../src/rails/x402/schemes/eip3009.ts'
import { NONCE, offered, REQUIRED_V2, WINDOW, wallet } from '../challenges.ts'

const request = { ...offered(REQUIRED_V2), nonce: NONCE, ...WINDOW, walletName: null }

describe('a transfer by EIP-3009', () => {
  it('is what the offer asks for, in our window, under the domain of our own asset', async () => {
    const payer = await wallet.address(null)
    expect(EIP3009.build(request, payer)).toEqual({
      domain: { name: 'USDC', version: '2', chainId: 84532, verifyingContract: request.offer.asset.address },
      from: payer,
      to: request.offer.payTo,
      value: 10_000n,
      validAfter: BigInt(WINDOW.validAfter_s),
      validBefore: BigInt(WINDOW.validBefore_s),
      nonce: NONCE,
    })
  })

  it('reads back what it writes, with the header’s end, and nothing else', async () => {
    const payer = await wallet.address(null)
    const written = EIP3009.write(EIP3009.build(request, payer), `0x${'1a'.repeat(65)}`)
    expect(EIP3009.readTail(`${JSON.stringify(written)}}`)).toEqual(written)
    for (const text of ['', JSON.stringify(written), `${JSON.stringify(written)}} `, `${JSON.stringify({ ...written, more: 1 })}}`]) {
      expect(EIP3009.readTail(text)).toBeUndefined()
    }
  })

  it('is of an EVM network', () => {
    expect(evmChainOf('eip155:8453')).toBe(8453)
    expect(() => evmChainOf('solana:x')).toThrow('not an EVM network')
  })

  it('takes hex for hex', () => {
    expect([isHex('0x'), isHex('00'), isHex(undefined)]).toEqual([true, false, false])
  })
})
