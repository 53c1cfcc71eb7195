/**
 * What the signature of a Permit2 transfer is over: the EIP-712 digest of `PermitWitnessTransferFrom` with the witness of
 * x402's proxies (SignatureTransfer of Permit2; schemes `exact` by permit2 and `upto`). A transfer of the scheme `upto`
 * names the one facilitator that may settle it.
 */
import { type Hex, hashTypedData, hexToBytes, type TypedDataDefinition } from 'viem'

/** The same address on every chain. */
export const PERMIT2 = '0x000000000022D473030F116dDEE9F6B43aC78BA3'

/** Amount in atomic units of the token, times in seconds since 1970. */
export interface PermitTransfer {
  readonly chainId: number
  readonly token: Hex
  readonly from: Hex
  /** The most that may be taken. */
  readonly amount: bigint
  /** The only contract that may use it. */
  readonly spender: Hex
  /** 32 bytes: a place in the owner's bitmap of unordered nonces. */
  readonly nonce: Hex
  readonly deadline: bigint
  readonly witness: { readonly to: Hex; readonly validAfter: bigint; readonly facilitator?: Hex }
}

type Members = readonly { readonly name: string; readonly type: string }[]

const TYPES: Readonly<Record<string, Members>> = {
  PermitWitnessTransferFrom: [
    { name: 'permitted', type: 'TokenPermissions' },
    { name: 'spender', type: 'address' },
    { name: 'nonce', type: 'uint256' },
    { name: 'deadline', type: 'uint256' },
    { name: 'witness', type: 'Witness' },
  ],
  TokenPermissions: [
    { name: 'token', type: 'address' },
    { name: 'amount', type: 'uint256' },
  ],
}
const TO = { name: 'to', type: 'address' }
const FACILITATOR = { name: 'facilitator', type: 'address' }
const VALID_AFTER = { name: 'validAfter', type: 'uint256' }

/** The typed data as a wallet's `eth_signTypedData_v4` takes it. */
export function permitTypedData({ chainId, token, amount, spender, nonce, deadline, witness }: PermitTransfer): TypedDataDefinition {
  const Witness: Members = witness.facilitator === undefined ? [TO, VALID_AFTER] : [TO, FACILITATOR, VALID_AFTER]
  return {
    domain: { name: 'Permit2', chainId, verifyingContract: PERMIT2 },
    types: { ...TYPES, Witness },
    primaryType: 'PermitWitnessTransferFrom',
    message: { permitted: { token, amount }, spender, nonce: BigInt(nonce), deadline, witness: { ...witness } },
  }
}

/**
 * 32 bytes.
 * @throws Error where a part is not of its type; mixed-case addresses need the right checksum.
 */
export function digestPermit(permit: PermitTransfer): Uint8Array {
  return hexToBytes(hashTypedData(permitTypedData(permit)))
}
