/**
 * The payer's own way out of a payment channel: two calls of the escrow, and transactions of the payer that make nothing
 * but them. What a wallet signs is made here from the channel itself, so that no other call can be put in its place.
 */
import {
  encodeFunctionData,
  type Hex,
  hexToBigInt,
  hexToBytes,
  keccak256,
  parseAbi,
  serializeTransaction,
  type TransactionSerializableLegacy,
} from 'viem'
import { type ChannelConfig, ESCROW } from './channel-digest.ts'
import { WITHDRAW_GAS } from './channel-limits.ts'
import { MAX_GAS_PRICE_WEI } from './limits.ts'

export interface Withdrawal {
  readonly chainId: number
  readonly channel: ChannelConfig
  /** Atomic units that are asked back, which begins a withdrawal; null ends the one that was begun. */
  readonly amount: bigint | null
}

/** A transaction of the payer, priced in wei. */
export interface WithdrawalTransaction extends Withdrawal {
  /** The transaction's place in the account's order. */
  readonly nonce: number
  readonly gas: bigint
  readonly gasPrice: bigint
}

/** What the payer, and nobody else, can send to the escrow. */
export interface EscrowCall {
  readonly chainId: number
  readonly to: Hex
  readonly data: Hex
}

const abi = parseAbi([
  'struct ChannelConfig { address payer; address payerAuthorizer; address receiver; address receiverAuthorizer; address token; uint40 withdrawDelay; bytes32 salt; }',
  'function initiateWithdraw(ChannelConfig config, uint128 amount)',
  'function finalizeWithdraw(ChannelConfig config)',
])

/** The ABI is the one that @x402/evm publishes. @throws Error where a part is not of its type. */
export function withdrawalCall({ chainId, channel, amount }: Withdrawal): EscrowCall {
  const data =
    amount === null
      ? encodeFunctionData({ abi, functionName: 'finalizeWithdraw', args: [channel] })
      : encodeFunctionData({ abi, functionName: 'initiateWithdraw', args: [channel, amount] })
  return { chainId, to: ESCROW, data }
}

/** 32 bytes. @throws RangeError where it would cost more than such a call may, or moves nothing. */
export function digestWithdrawal(transaction: WithdrawalTransaction): Uint8Array {
  return hexToBytes(keccak256(serializeTransaction(unsigned(transaction))))
}

/** The finished transaction. @param signature 65 bytes, over `digestWithdrawal`. */
export function signedWithdrawal(transaction: WithdrawalTransaction, signature: Hex): Hex {
  const [r, s, v] = [signature.slice(2, 66), signature.slice(66, 130), signature.slice(130)]
  return serializeTransaction(unsigned(transaction), { r: `0x${r}`, s: `0x${s}`, v: hexToBigInt(`0x${v}`) })
}

/** Legacy: every network takes it. It carries no money of its own. */
function unsigned(transaction: WithdrawalTransaction): TransactionSerializableLegacy {
  const { nonce, gas, gasPrice, amount } = transaction
  if (gas <= 0n || gas > WITHDRAW_GAS) throw new RangeError('the gas of a withdrawal is out of bounds')
  if (gasPrice < 0n || gasPrice > MAX_GAS_PRICE_WEI) throw new RangeError('the gas price of a withdrawal is out of bounds')
  if (amount !== null && amount <= 0n) throw new RangeError('a withdrawal takes something out')
  return { type: 'legacy', ...withdrawalCall(transaction), value: 0n, nonce, gas, gasPrice }
}
