/** What the escrow says of a channel, and the payer's own way out of it, by the ABI that @x402/evm publishes. */
import { encodeFunctionData, type Hex, numberToHex, parseAbi } from 'viem'
import { z } from 'zod'
import type { Chain } from './chain.ts'
import { ESCROW } from './channels.ts'

const CONFIG =
  'struct ChannelConfig { address payer; address payerAuthorizer; address receiver; address receiverAuthorizer; address token; uint40 withdrawDelay; bytes32 salt; }'
export const escrowAbi = parseAbi([
  CONFIG,
  'function channels(bytes32 channelId) view returns (uint128 balance, uint128 totalClaimed)',
  'function pendingWithdrawals(bytes32 channelId) view returns (uint128 amount, uint40 initiatedAt)',
  'function receivers(address receiver, address token) view returns (uint128 totalClaimed, uint128 totalSettled)',
  'function getChannelId(ChannelConfig config) view returns (bytes32)',
  'function getVoucherDigest(bytes32 channelId, uint128 maxClaimableAmount) view returns (bytes32)',
  'function claim(((ChannelConfig channel, uint128 maxClaimableAmount) voucher, bytes signature, uint128 totalClaimed)[] voucherClaims)',
  'function initiateWithdraw(ChannelConfig config, uint128 amount)',
  'function finalizeWithdraw(ChannelConfig config)',
])

/** What makes a channel; its hash is the channel's id. */
export interface OpenChannel {
  readonly payer: Hex
  readonly payerAuthorizer: Hex
  readonly receiver: Hex
  readonly receiverAuthorizer: Hex
  readonly token: Hex
  readonly withdrawDelay: number
  readonly salt: Hex
}

/** Atomic units. */
export async function readChannel(
  chain: Pick<Chain, 'client'>,
  id: Hex,
): Promise<{ balance: bigint; claimed: bigint; withdrawing: bigint }> {
  const read = { address: ESCROW, abi: escrowAbi } as const
  const [[balance, claimed], [withdrawing]] = await Promise.all([
    chain.client.readContract({ ...read, functionName: 'channels', args: [id] }),
    chain.client.readContract({ ...read, functionName: 'pendingWithdrawals', args: [id] }),
  ])
  return { balance, claimed, withdrawing }
}

const hash = z.templateLiteral(['0x', z.string()])

/** A transaction of an account whose key the chain does not need. @returns whether the escrow took it. */
export async function callAs(chain: Chain, from: Hex, { to, data }: { readonly to: Hex; readonly data: Hex }): Promise<boolean> {
  await chain.rpc('anvil_impersonateAccount', [from])
  await chain.rpc('anvil_setBalance', [from, numberToHex(10n ** 18n)])
  const sent = hash.parse(await chain.rpc('eth_sendTransaction', [{ from, to, data, gas: numberToHex(300_000) }]))
  return (await chain.client.waitForTransactionReceipt({ hash: sent })).status === 'success'
}

export function initiateWithdraw(chain: Chain, from: Hex, config: OpenChannel, amount: bigint): Promise<boolean> {
  return callAs(chain, from, {
    to: ESCROW,
    data: encodeFunctionData({ abi: escrowAbi, functionName: 'initiateWithdraw', args: [config, amount] }),
  })
}

export function finalizeWithdraw(chain: Chain, from: Hex, config: OpenChannel): Promise<boolean> {
  return callAs(chain, from, { to: ESCROW, data: encodeFunctionData({ abi: escrowAbi, functionName: 'finalizeWithdraw', args: [config] }) })
}

/** What a merchant claims by a voucher, in atomic units. */
export interface Claim {
  /** What the voucher says. */
  readonly most: bigint
  readonly signature: Hex
  /** In all, since the channel was opened. */
  readonly claimed: bigint
}

/** The receiver claims for itself. @returns whether the escrow took it. */
export function claimByReceiver(chain: Chain, config: OpenChannel, { most, signature, claimed }: Claim): Promise<boolean> {
  const rows = [{ voucher: { channel: config, maxClaimableAmount: most }, signature, totalClaimed: claimed }]
  return callAs(chain, config.receiver, { to: ESCROW, data: encodeFunctionData({ abi: escrowAbi, functionName: 'claim', args: [rows] }) })
}
