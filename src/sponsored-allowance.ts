/**
 * An allowance that somebody else brings to the chain: the token's EIP-2612 `permit`, which lets Permit2 take exactly what
 * one payment costs. Nobody but Permit2 can be named by it, and it is good until its deadline, once.
 */
import { type Hex, hashTypedData, hexToBytes, type TypedDataDefinition } from 'viem'
import { PERMIT2 } from './permit-digest.ts'

/** Amount in atomic units of the token, the deadline in seconds since 1970. */
export interface SponsoredAllowance {
  readonly chainId: number
  readonly token: Hex
  /** The domain of the token, from our own registry. */
  readonly eip712: { readonly name: string; readonly version: string }
  readonly owner: Hex
  readonly value: bigint
  /** The token's own, counted from 0: how many such permits of this owner it has taken. */
  readonly nonce: bigint
  readonly deadline: bigint
}

const TYPES = {
  Permit: [
    { name: 'owner', type: 'address' },
    { name: 'spender', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'nonce', type: 'uint256' },
    { name: 'deadline', type: 'uint256' },
  ],
} as const

/** The typed data as a wallet's `eth_signTypedData_v4` takes it. */
export function allowanceTypedData({ chainId, token, eip712, owner, value, nonce, deadline }: SponsoredAllowance): TypedDataDefinition {
  const { name, version } = eip712
  return {
    domain: { name, version, chainId, verifyingContract: token },
    types: TYPES,
    primaryType: 'Permit',
    message: { owner, spender: PERMIT2, value, nonce, deadline },
  }
}

/** 32 bytes. @throws Error where a part is not of its type. */
export function digestAllowance(allowance: SponsoredAllowance): Uint8Array {
  return hexToBytes(hashTypedData(allowanceTypedData(allowance)))
}
