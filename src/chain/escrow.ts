/** The escrow of payment channels (x402's scheme `batch-settlement`): what it says of a channel. */
import { decodeFunctionResult, encodeFunctionData, type Hex, parseAbi } from 'viem'
import { z } from 'zod'
import { type ChannelConfig, channelIdOf, ESCROW } from '../channel-digest.ts'
import { chainIdOf } from './eip3009.ts'
import { type Rpc, RpcError } from './rpc.ts'

/** A channel as of the end of one block; atomic units of its token. */
export interface EscrowState {
  /** All that was deposited, less what went back to the payer. */
  readonly balance: bigint
  /** What the receiver has claimed of it; never more. */
  readonly claimed: bigint
  readonly withdrawal: Withdrawal | undefined
}

/** A withdrawal that the payer has begun. */
export interface Withdrawal {
  readonly amount: bigint
  /** Seconds since 1970. */
  readonly initiatedAt_s: number
}

const abi = parseAbi([
  'function channels(bytes32 channelId) view returns (uint128 balance, uint128 totalClaimed)',
  'function pendingWithdrawals(bytes32 channelId) view returns (uint128 amount, uint40 initiatedAt)',
])
const quantity = z
  .string()
  .regex(/^0x[0-9a-fA-F]{1,64}$/)
  .transform((text) => BigInt(text))
/** Two words: an address without code answers with none. */
const words = z.custom<Hex>((value) => typeof value === 'string' && /^0x[0-9a-fA-F]{128}$/.test(value))

export interface EscrowQuery {
  /** CAIP-2. */
  readonly network: string
  readonly channel: ChannelConfig
  readonly block: bigint
}

/** A channel that nobody has paid into is one of zeros. @throws RpcError where the server gives no answer that holds. */
export async function readEscrow(rpc: Rpc, { network, channel, block }: EscrowQuery): Promise<EscrowState> {
  const chainId = chainIdOf(network)
  const id = await rpc.call('eth_chainId', [], quantity)
  if (id !== BigInt(chainId)) throw new RpcError(`${rpc.host} is a server of chain ${id}, not of ${network}.`)
  const args = [channelIdOf(channel, chainId)] as const
  const ask = (data: Hex) => rpc.call('eth_call', [{ to: ESCROW, data }, `0x${block.toString(16)}`], words)
  const [sums, pending] = await Promise.all([
    ask(encodeFunctionData({ abi, functionName: 'channels', args })),
    ask(encodeFunctionData({ abi, functionName: 'pendingWithdrawals', args })),
  ])
  const [balance, claimed] = decoded(rpc, () => decodeFunctionResult({ abi, functionName: 'channels', data: sums }))
  const [amount, initiatedAt_s] = decoded(rpc, () => decodeFunctionResult({ abi, functionName: 'pendingWithdrawals', data: pending }))
  if (claimed > balance) throw new RpcError(`${rpc.host} shows a channel of which more was claimed than it holds.`)
  return { balance, claimed, withdrawal: initiatedAt_s === 0 ? undefined : { amount, initiatedAt_s } }
}

/** Words that are no numbers of these types are a fault of the server. */
function decoded<T>({ host }: Rpc, decode: () => T): T {
  try {
    return decode()
  } catch (cause) {
    throw new RpcError(`${host} answered with sums that the escrow cannot have.`, { cause })
  }
}
