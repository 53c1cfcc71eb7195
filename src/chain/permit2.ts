/** What Permit2 says and is asked: a bitmap of nonces for each owner, and what a token allows it to take. */
import { encodeFunctionData, type Hex, numberToHex, parseAbi, toEventHash } from 'viem'
import { PERMIT2 } from '../permit-digest.ts'
import type { Log } from './evm-node.ts'

const abi = parseAbi([
  'function nonceBitmap(address owner, uint256 word) view returns (uint256)',
  'function allowance(address owner, address spender) view returns (uint256)',
  'function approve(address spender, uint256 amount) returns (bool)',
  'function nonces(address owner) view returns (uint256)',
])

/** The owner is the second topic; the data are word and mask. */
export const INVALIDATED: Hex = toEventHash('UnorderedNonceInvalidation(address,uint256,uint256)')

/** Where a nonce (32 bytes) stands in its owner's bitmap: the word, and the bit in it. */
function placeOf(nonce: string): { readonly word: bigint; readonly bit: bigint } {
  const number = BigInt(nonce)
  return { word: number >> 8n, bit: 1n << (number & 255n) }
}

/** Call data for Permit2 that asks for the word that this nonce stands in. */
export function bitmapCall({ payer, nonce }: { readonly payer: string; readonly nonce: string }): Hex {
  return encodeFunctionData({ abi, functionName: 'nonceBitmap', args: [hex(payer), placeOf(nonce).word] })
}

export function isSet(bitmap: bigint, nonce: string): boolean {
  return (bitmap & placeOf(nonce).bit) !== 0n
}

/** Whether this event of Permit2 made the nonce worthless. */
export function invalidates({ data }: Pick<Log, 'data'>, nonce: string): boolean {
  if (!/^0x[0-9a-f]{128}$/.test(data)) return false
  const { word, bit } = placeOf(nonce)
  return BigInt(data.slice(0, 66)) === word && (BigInt(`0x${data.slice(66)}`) & bit) !== 0n
}

/** Whether a transaction's input holds this nonce: whoever settles a permit straight has to name it. */
export function names(input: string, nonce: string): boolean {
  return input.includes(numberToHex(BigInt(nonce), { size: 32 }).slice(2))
}

/** Call data for a token that asks how many permits (EIP-2612) of this wallet it has taken. */
export function noncesCall(wallet: string): Hex {
  return encodeFunctionData({ abi, functionName: 'nonces', args: [hex(wallet)] })
}

/** Call data for a token that asks what it lets Permit2 take from this wallet. */
export function allowanceCall(wallet: string): Hex {
  return encodeFunctionData({ abi, functionName: 'allowance', args: [hex(wallet), PERMIT2] })
}

/** Call data for a token that lets Permit2 take this much (atomic units) from the caller, in the place of what it could before. */
export function approveCall(amount: bigint): Hex {
  return encodeFunctionData({ abi, functionName: 'approve', args: [PERMIT2, amount] })
}

function hex(text: string): Hex {
  if (!/^0x[0-9a-fA-F]*$/.test(text)) throw new Error('a value that should be hex is not')
  return `0x${text.slice(2)}`
}
