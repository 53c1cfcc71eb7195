/** The operator's gas wallet: submits cancellations and nothing else. The key lives in a closure. */
import { inspect } from 'node:util'
import { type Hex, keccak256 } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { z } from 'zod'
import { CANCEL_GAS, MAX_GAS_PRICE_WEI } from '../limits.ts'
import type { Cancellation, GasWallet } from './chain.ts'
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

/** @throws Error where the key is no key; the message holds nothing of it. */
export function createGasWallet({ key, networks, ...way }: GasWalletOptions): GasWallet {
  const account = accountOf(key)
  const rpcs = new Map(networks.map(({ id, rpc }) => [id, createRpc({ url: rpc, ...way })]))
  const inTurn = createTurns()
  const submit = async (rpc: Rpc, cancellation: Cancellation): Promise<string> => {
    const call = cancelCall(cancellation)
    await checkCall(rpc, { call, from: account.address, network: cancellation.network })
    const nonce = await rpc.call('eth_getTransactionCount', [account.address, 'pending'], quantity)
    const price = { gasPrice: await priceOf(rpc), gas: CANCEL_GAS }
    const signed = await account.signTransaction({ type: 'legacy', ...call, ...price, nonce: Number(nonce) })
    const sent = await rpc.call('eth_sendRawTransaction', [signed], hash)
    if (sent.toLowerCase() !== keccak256(signed)) throw new RpcError(`${rpc.host} names another transaction than the one it was given.`)
    return keccak256(signed)
  }
  const wallet: GasWallet = {
    address: account.address,
    async cancel(cancellation) {
      const rpc = rpcs.get(cancellation.network)
      if (!rpc) throw new RpcError(`No RPC is configured for ${cancellation.network}.`)
      return inTurn(() => submit(rpc, cancellation))
    },
  }
  Object.defineProperty(wallet, inspect.custom, { value: () => `GasWallet { ${account.address} }` })
  return wallet
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
  if (price > MAX_GAS_PRICE_WEI) throw new RpcError(`Gas costs ${price} wei now; a cancellation pays ${MAX_GAS_PRICE_WEI} at most.`)
  return price
}
