import { PERMIT2_ADDRESS } from '@x402/evm'
import { bytesToHex, hashTypedData } from 'viem'
import { describe, expect, it } from 'vitest'
import { allowanceTypedData, digestAllowance, type SponsoredAllowance } from '../src/sponsored-allowance.ts'

/** As EIP-2612 has it, member by member. */
const MEMBERS = ['address owner', 'address spender', 'uint256 value', 'uint256 nonce', 'uint256 deadline']
const Permit = MEMBERS.map((member) => ({ type: member.split(' ')[0] ?? '', name: member.split(' ')[1] ?? '' }))
const allowance: SponsoredAllowance = {
  chainId: 84532,
  token: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
  eip712: { name: 'USDC', version: '2' },
  owner: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
  value: 1_000n,
  nonce: 3n,
  deadline: 1_800_000_000n,
}

describe('a sponsored allowance', () => {
  it('is the token’s own permit, for Permit2 and nobody else', () => {
    const { owner, value, nonce, deadline } = allowance
    const domain = { name: 'USDC', version: '2', chainId: 84532, verifyingContract: allowance.token }
    const message = { owner, spender: PERMIT2_ADDRESS, value, nonce, deadline }
    const theirs = hashTypedData({ domain, types: { Permit }, primaryType: 'Permit', message })
    expect(bytesToHex(digestAllowance(allowance))).toBe(theirs)
    expect(allowanceTypedData({ ...allowance, ...{ spender: owner } }).message).toMatchObject({ spender: PERMIT2_ADDRESS })
  })

  it.each([
    { value: 1_001n },
    { nonce: 4n },
    { deadline: 1_800_000_001n },
    { owner: allowance.token },
    { token: allowance.owner },
    { chainId: 8453 },
    { eip712: { name: 'USDC', version: '1' } },
  ])('is another one with %o', (change) => {
    expect(digestAllowance({ ...allowance, ...change })).not.toEqual(digestAllowance(allowance))
  })
})
