/** Accounts that pay gas. The operator's gas wallet submits cancellations and nothing else. Keys live in closures. */
import { inspect } from 'node:util'
import { type Hex, keccak256 } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { z } from 'zod'
import { CANCEL_GAS, MAX_GAS_PRICE_WEI } from '../limits.ts'
import type { GasWallet } from './chain.ts'
import { type CancelCall, cancelCall, chainIdOf } from './eip3009.ts'
import { createRpc, type Rpc, RpcError, type RpcOptions } from './rpc.ts'

export interface GasWalletOptions extends Pick<RpcOptions, 'timeout_ms' | 'fetch'> {
  /** 32 bytes, a valid secp256k1 key. */
  readonly key: Hex
  readonly networks: readonly { readonly id: string; readonly rpc: string }[]
}

const quantity = z
  .string()
  .regex(/^0x[0-9a-fA-F]{1,64}$/)
  .transform((text) => BigInt(text))
const hash = z.string().regex(/^0x[0-9a-fA-F]{64}$/)
const receiptSchema = z.object({ status: z.enum(['0x0', '0x1']) }).nullable()

/** A call that the account pays the gas of. */
export interface PaidCall {
  /** CAIP-2. */
  readonly network: string
  readonly call: CancelCall
  /** The most gas that it may take. */
  readonly gas: bigint
}

/** An account that pays for its own transactions. */
export interface Sender {
  readonly address: Hex
  /** The transaction's hash, once the network has taken it. @throws RpcError where the call would fail, or cannot be sent. */
  send(paid: PaidCall): Promise<Hex>
  /** How the transaction ended: true where it did what it was for, false where it failed, undefined where it is in no block yet. @throws RpcError */
  outcome(network: string, transaction: Hex): Promise<boolean | undefined>
}

/** @throws Error where the key is no key; the message holds nothing of it. */
export function createGasWallet(options: GasWalletOptions): GasWallet {
  const { address, send } = createSender(options)
  const wallet: GasWallet = {
    address,
    cancel: (cancellation) => send({ network: cancellation.network, call: cancelCall(cancellation), gas: CANCEL_GAS }),
  }
  Object.defineProperty(wallet, inspect.custom, { value: () => `GasWallet { ${address} }` })
  return wallet
}

/** @throws Error where the key is no key; the message holds nothing of it. */
export function createSender({ key, ...options }: GasWalletOptions): Sender {
  const account = accountOf(key)
  return openSender({ ...options, account: { address: account.address, sign: (unsigned) => account.signTransaction(unsigned) } })
}

/** An account whose key is elsewhere. */
export interface Account {
  readonly address: Hex
  /** The raw transaction. Whatever it throws, nothing was sent. */
  sign(unsigned: {
    readonly type: 'legacy'
    readonly chainId: number
    readonly to: Hex
    readonly data: Hex
    readonly gasPrice: bigint
    readonly gas: bigint
    readonly nonce: number
  }): Promise<Hex>
}

export function openSender({ account, networks, ...way }: Omit<GasWalletOptions, 'key'> & { readonly account: Account }): Sender {
  const rpcs = new Map(networks.map(({ id, rpc }) => [id, createRpc({ url: rpc, ...way })]))
  const inTurn = createTurns()
  const rpcOf = (network: string): Rpc => {
    const rpc = rpcs.get(network)
    if (!rpc) throw new RpcError(`No RPC is configured for ${network}.`)
    return rpc
  }
  const submit = async (rpc: Rpc, { network, call, gas }: PaidCall): Promise<Hex> => {
    await checkCall(rpc, { call, from: account.address, network })
    const nonce = await rpc.call('eth_getTransactionCount', [account.address, 'pending'], quantity)
    const price = { gasPrice: await priceOf(rpc), gas }
    const signed = await account.sign({ type: 'legacy', ...call, ...price, nonce: Number(nonce) })
    const sent = await rpc.call('eth_sendRawTransaction', [signed], hash)
    if (sent.toLowerCase() !== keccak256(signed)) throw new RpcError(`${rpc.host} names another transaction than the one it was given.`)
    return keccak256(signed)
  }
  const sender: Sender = {
    address: account.address,
    send: async (paid) => {
      const rpc = rpcOf(paid.network)
      return inTurn(() => submit(rpc, paid))
    },
    outcome: async (network, transaction) => {
      const receipt = await rpcOf(network).call('eth_getTransactionReceipt', [transaction], receiptSchema)
      return receipt === null ? undefined : receipt.status === '0x1'
    },
  }
  Object.defineProperty(sender, inspect.custom, { value: () => `Sender { ${account.address} }` })
  return sender
}

/** The library's own error quotes what it was given, so it is not kept as a cause. */
function accountOf(key: Hex): ReturnType<typeof privateKeyToAccount> {
  let account: ReturnType<typeof privateKeyToAccount> | undefined
  try {
    account = privateKeyToAccount(key)
  } catch {
    account = undefined
  }
  if (!account) throw new Error('the gas wallet’s key is not a secp256k1 key')
  return account
}

/** One after the other, so that two transactions never take the same place in the account's order. */
function createTurns(): <T>(step: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (step) => {
    const mine = last.then(step)
    last = mine.catch(() => undefined)
    return mine
  }
}

/** Right chain, and the token takes it as things stand: else the gas would be burnt for nothing. */
async function checkCall(
  rpc: Rpc,
  { call, from, network }: { readonly call: CancelCall; readonly from: string; readonly network: string },
): Promise<void> {
  const id = await rpc.call('eth_chainId', [], quantity)
  if (id !== BigInt(chainIdOf(network))) throw new RpcError(`${rpc.host} is a server of chain ${id}, not of ${network}.`)
  await rpc.call('eth_call', [{ from, to: call.to, data: call.data }, 'latest'], z.string())
}

/** Half as much again as the going price, because a cancellation races the settlement; bounded, because the server names it. */
async function priceOf(rpc: Rpc): Promise<bigint> {
  const price = ((await rpc.call('eth_gasPrice', [], quantity)) * 3n) / 2n
  if (price > MAX_GAS_PRICE_WEI) throw new RpcError(`Gas costs ${price} wei now; ${MAX_GAS_PRICE_WEI} is the most that is paid.`)
  return price
}
