import { permit2WitnessTypes, uptoPermit2WitnessTypes, x402ExactPermit2ProxyAddress, x402UptoPermit2ProxyAddress } from '@x402/evm'
import fc from 'fast-check'
import { bytesToHex, getAddress, type Hex, hashTypedData } from 'viem'
import { describe, expect, it } from 'vitest'
import { digestPermit, PERMIT2 } from '../src/permit-digest.ts'

const hexOf = (bytes: number) => fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((value): Hex => bytesToHex(value))
const address = hexOf(20).map((value) => getAddress(value))
const uint256 = fc.bigInt({ min: 0n, max: 2n ** 256n - 1n })
const permit = fc.record({
  chainId: fc.nat(),
  token: address,
  from: address,
  amount: uint256,
  spender: fc.constantFrom(x402ExactPermit2ProxyAddress, x402UptoPermit2ProxyAddress),
  nonce: hexOf(32),
  deadline: uint256,
  to: address,
  validAfter: uint256,
  facilitator: address,
})

describe('the digest of a permit', () => {
  it.each([
    ['exact', permit2WitnessTypes],
    ['upto', uptoPermit2WitnessTypes],
  ] as const)('is what the protocol’s own types give for %s', (scheme, types) => {
    const holds = fc.property(permit, ({ chainId, token, from, amount, spender, nonce, deadline, to, validAfter, facilitator }) => {
      const witness = scheme === 'upto' ? { to, facilitator, validAfter } : { to, validAfter }
      const digest = digestPermit({ chainId, token, from, amount, spender, nonce, deadline, witness })
      const theirs = {
        domain: { name: 'Permit2', chainId, verifyingContract: PERMIT2 },
        types: types as typeof uptoPermit2WitnessTypes,
        primaryType: 'PermitWitnessTransferFrom',
        message: { permitted: { token, amount }, spender, nonce: BigInt(nonce), deadline, witness: { to, facilitator, validAfter } },
      } as const
      expect(bytesToHex(digest)).toBe(hashTypedData(theirs))
    })
    fc.assert(holds)
  })
})
