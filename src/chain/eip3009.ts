/** What EIP-3009 tokens say and are asked: the selectors of their events, and the calls that we make. */
import { encodeFunctionData, getAddress, type Hex, pad, parseAbi, toEventHash } from 'viem'
import type { Cancellation } from './chain.ts'

const abi = parseAbi([
  'function authorizationState(address authorizer, bytes32 nonce) view returns (bool)',
  'function cancelAuthorization(address authorizer, bytes32 nonce, uint8 v, bytes32 r, bytes32 s)',
  'function balanceOf(address account) view returns (uint256)',
])

/** First topics; the authorizer and the nonce, or sender and recipient, are the next two. */
export const USED: Hex = toEventHash('AuthorizationUsed(address,bytes32)')
export const CANCELLED: Hex = toEventHash('AuthorizationCanceled(address,bytes32)')
export const TRANSFER: Hex = toEventHash('Transfer(address,address,uint256)')

/** An address as a topic, in lower case. */
export function topicOf(address: string): string {
  return pad(hex(address), { size: 32 }).toLowerCase()
}

/** The address in a topic, checksummed; undefined where the topic holds more than an address. */
export function addressIn(topic: string | undefined): Hex | undefined {
  return topic !== undefined && /^0x0{24}[0-9a-f]{40}$/.test(topic) ? checksummed(`0x${topic.slice(26)}`) : undefined
}

export function checksummed(address: string): Hex {
  return getAddress(address)
}

/** Call data that asks whether a nonce is used or cancelled. */
export function stateCall({ payer, nonce }: { readonly payer: string; readonly nonce: string }): Hex {
  return encodeFunctionData({ abi, functionName: 'authorizationState', args: [hex(payer), hex(nonce)] })
}

export function balanceCall(wallet: string): Hex {
  return encodeFunctionData({ abi, functionName: 'balanceOf', args: [hex(wallet)] })
}

/** What anyone with gas can send to the token to cancel an authorization. */
export interface CancelCall {
  readonly chainId: number
  readonly to: Hex
  readonly data: Hex
}

/** @throws Error where the signature is not 65 bytes or the network is no EVM network. */
export function cancelCall({ network, token, authorizer, nonce, signature }: Cancellation): CancelCall {
  const [, r, s, v] = /^0x([0-9a-f]{64})([0-9a-f]{64})(1b|1c)$/i.exec(signature) ?? []
  if (r === undefined || s === undefined || v === undefined) throw new Error('the signature of a cancellation is not canonical')
  const args = [hex(authorizer), hex(nonce), Number.parseInt(v, 16), `0x${r}`, `0x${s}`] as const
  return { chainId: chainIdOf(network), to: hex(token), data: encodeFunctionData({ abi, functionName: 'cancelAuthorization', args }) }
}

/** @throws Error where the CAIP-2 name is not one of an EVM network. */
export function chainIdOf(network: string): number {
  const [, digits] = /^eip155:([1-9][0-9]{0,14})$/.exec(network) ?? []
  if (digits === undefined) throw new Error(`${network} is not an EVM network`)
  return Number.parseInt(digits, 10)
}

function hex(text: string): Hex {
  if (!/^0x[0-9a-fA-F]*$/.test(text)) throw new Error('a value that should be hex is not')
  return `0x${text.slice(2)}`
}
