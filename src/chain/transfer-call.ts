/** The call by which anyone with gas hands a transfer with authorization (EIP-3009) to its token. */
import { encodeFunctionData, type Hex, parseAbi } from 'viem'
import { type CancelCall, chainIdOf, checksummed } from './eip3009.ts'

const abi = parseAbi([
  'function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, uint8 v, bytes32 r, bytes32 s)',
])

/** Atomic units; times in seconds since 1970; the nonce has 32 bytes. */
export interface SignedMove {
  readonly network: string
  readonly token: string
  readonly from: string
  readonly to: string
  readonly value: bigint
  readonly validAfter: bigint
  readonly validBefore: bigint
  readonly nonce: string
  readonly signature: string
}

/** @throws Error where the signature is not 65 bytes, the nonce not 32, or the network no EVM network. */
export function transferCall(move: SignedMove): CancelCall {
  const { network, token, from, to, value, validAfter, validBefore, nonce, signature } = move
  const [, r, s, v] = /^0x([0-9a-f]{64})([0-9a-f]{64})(1b|1c)$/i.exec(signature) ?? []
  if (r === undefined || s === undefined || v === undefined) throw new Error('the signature of a transfer is not canonical')
  if (!isWord(nonce)) throw new Error('the nonce of a transfer is not 32 bytes')
  const parts = [Number.parseInt(v, 16), `0x${r}`, `0x${s}`] as const
  const args = [checksummed(from), checksummed(to), value, validAfter, validBefore, nonce, ...parts] as const
  return {
    chainId: chainIdOf(network),
    to: checksummed(token),
    data: encodeFunctionData({ abi, functionName: 'transferWithAuthorization', args }),
  }
}

function isWord(text: string): text is Hex {
  return /^0x[0-9a-fA-F]{64}$/.test(text)
}
