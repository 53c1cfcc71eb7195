/**
 * The escrow of payment channels on the networks that can be asked: what final blocks show of a channel, and the payer
 * as the sender of its own withdrawals. Each transaction is noted before it leaves, so that a restart looks for it before
 * another one is sent. The payer pays the gas.
 */
import { formatEther, type Hex, keccak256 } from 'viem'
import { z } from 'zod'
import { WITHDRAW_GAS } from '../channel-limits.ts'
import { type WithdrawalTransaction, withdrawalCall } from '../withdrawal.ts'
import type { EscrowSighting, Escrows, PayersWithdrawal } from './chain.ts'
import { chainIdOf } from './eip3009.ts'
import { type EscrowQuery, readEscrow } from './escrow.ts'
import type { EvmChainOptions, NetworkAccess } from './evm-chain.ts'
import { type Block, createEvmNode } from './evm-node.ts'
import { finalBlock } from './find.ts'
import { openSender } from './gas-wallet.ts'
import { createRpc, type Rpc, RpcError } from './rpc.ts'

type Asked = Omit<EscrowQuery, 'block'>

interface Place {
  readonly access: NetworkAccess
  readonly first: Rpc
  readonly second: Rpc | undefined
}

const quantity = z
  .string()
  .regex(/^0x[0-9a-fA-F]{1,64}$/)
  .transform((text) => BigInt(text))
const receiptSchema = z.object({ status: z.enum(['0x0', '0x1']), blockNumber: quantity }).nullable()
const knownSchema = z.looseObject({}).nullable()

/** @throws Error where a network is no EVM network or a URL is none. */
export function createEscrows({ networks, ...way }: EvmChainOptions): Escrows {
  const open = (url: string) => createRpc({ url, ...way })
  const places = new Map(networks.map((access) => [access.id, placeOf(access, open)]))
  const at = (network: string): Place => {
    const place = places.get(network)
    if (!place) throw new RpcError(`No RPC is configured for ${network}.`)
    return place
  }
  return {
    networks: [...places.keys()],
    state: async (asked) => agreed(at(asked.network), asked),
    async withdraw(wanted) {
      const { access, first } = at(wanted.network)
      const { payer } = wanted.withdrawal.channel
      const account = { address: payer, sign: (priced: Priced) => signNoted(first, wanted, priced) }
      const sender = openSender({ account, networks: [access], ...way })
      return sender.send({ network: access.id, call: withdrawalCall(wanted.withdrawal), gas: WITHDRAW_GAS })
    },
    async fate(network, transaction) {
      const { first } = at(network)
      const receipt = await first.call('eth_getTransactionReceipt', [transaction], receiptSchema)
      if (receipt) return { kind: receipt.status === '0x1' ? 'succeeded' : 'failed', block: receipt.blockNumber }
      const known = await first.call('eth_getTransactionByHash', [transaction], knownSchema)
      return { kind: known === null ? 'gone' : 'waiting' }
    },
  }
}

function placeOf(access: NetworkAccess, open: (url: string) => Rpc): Place {
  chainIdOf(access.id)
  return { access, first: open(access.rpc), second: access.secondRpc === undefined ? undefined : open(access.secondRpc) }
}

/** As of the first server's newest final block, which the second one has to have as final too, with the same sums. */
async function agreed({ access, first, second }: Place, asked: Asked): Promise<EscrowSighting> {
  const finality = BigInt(access.finalityBlocks)
  const node = createEvmNode(first, access.id)
  const final = await finalBlock(node, await node.head(), finality)
  if (!final) throw new RpcError(`${access.id} has no final block yet.`)
  const seen = await sight(first, asked, final)
  if (!second) return seen
  const other = createEvmNode(second, access.id)
  const theirs = await finalBlock(other, await other.head(), finality)
  if (!theirs || theirs.number < final.number)
    throw new RpcError(`The second server of ${access.id} does not see block ${final.number} as final yet.`)
  const block = await other.block(final.number)
  const same = block.hash === final.hash && textOf(await sight(second, asked, block)) === textOf(seen)
  if (!same) throw new RpcError(`The two servers of ${access.id} show different sums of one channel.`)
  return seen
}

async function sight(rpc: Rpc, asked: Asked, { number, time_s }: Block): Promise<EscrowSighting> {
  return { ...(await readEscrow(rpc, { ...asked, block: number })), block: number, time_s }
}

function textOf({ balance, claimed, withdrawal }: EscrowSighting): string {
  return [balance, claimed, withdrawal?.amount, withdrawal?.initiatedAt_s].join()
}

type Priced = Pick<WithdrawalTransaction, 'nonce' | 'gas' | 'gasPrice'>

/** Nothing is signed that the payer has no gas for. */
async function signNoted(rpc: Rpc, { network, withdrawal, sign, noted }: PayersWithdrawal, priced: Priced): Promise<Hex> {
  const { nonce, gas, gasPrice } = priced
  const { payer } = withdrawal.channel
  const wei = await rpc.call('eth_getBalance', [payer, 'latest'], quantity)
  const most = gas * gasPrice
  if (wei < most) {
    const has = `${payer} has ${formatEther(wei)} of the coin that pays gas on ${network}`
    throw new RpcError(`${has}, and a withdrawal may take ${formatEther(most)}: send it ${formatEther(most - wei)} more. Nothing was sent.`)
  }
  const raw = await sign({ ...withdrawal, nonce, gas, gasPrice })
  await noted(keccak256(raw))
  return raw
}
