/** One server of a Solana network: typed questions, and answers that are compared with what was asked. */
import { z } from 'zod'
import { addressBytes, decodeBase58, encodeBase58, isSolanaAddress, type TokenProgram, tokenAccountOf } from '../solana-address.ts'
import { BLOCKHASH_LIFE_BLOCKS, MAX_BLOCKHASH_LIFE_BLOCKS, MAX_SIGNATURES, SLOT_MARGIN } from '../solana-limits.ts'
import { type Rpc, RpcError } from './rpc.ts'

/** The recent block that a transaction is bound to. */
export interface RecentBlock {
  readonly blockhash: string
  /** The last height of a block that may take it. */
  readonly lastValidBlockHeight: bigint
  /** No block before this slot can have it. */
  readonly slot: bigint
}

export interface FinalSlot {
  readonly slot: bigint
  readonly blockHeight: bigint
}

/** A transaction in the list of an account. */
export interface Listed {
  readonly signature: string
  readonly slot: bigint
  readonly failed: boolean
  /** As the server writes it: its length in brackets, then the text. */
  readonly memo: string | null
}

export interface WholeTransaction {
  readonly slot: bigint
  /** Base 58; the first is its id. */
  readonly signatures: readonly string[]
  readonly failed: boolean
  /** Seconds since 1970. */
  readonly time_s: number | null
}

/** Every method throws RpcError where the server gives no answer that holds. */
export interface SolanaNode {
  readonly host: string
  recentBlock(): Promise<RecentBlock>
  final(): Promise<FinalSlot>
  /** The oldest slot that the server still has. */
  firstAvailable(): Promise<bigint>
  /** Newest first, from final blocks only, as the server sees them at `at` or later. */
  listed(query: { readonly account: string; readonly at: bigint; readonly before?: string }): Promise<readonly Listed[]>
  /** From a final block. */
  transaction(signature: string): Promise<WholeTransaction>
  /** Seconds since 1970. */
  timeOf(slot: bigint): Promise<number>
  head(): Promise<bigint>
  /** Atomic units in the associated token account; none where there is no such account. */
  balance(of: { readonly owner: string; readonly mint: string; readonly tokenProgram: TokenProgram }): Promise<bigint>
}

const height = z
  .int()
  .nonnegative()
  .transform((value) => BigInt(value))
const signature = z.string().refine((text) => decodeBase58(text)?.length === 64)
const genesisSchema = z.string().refine(isSolanaAddress)
const latestSchema = z.object({
  context: z.object({ slot: height }),
  value: z.object({ blockhash: z.string().refine(isSolanaAddress), lastValidBlockHeight: height }),
})
const epochSchema = z.object({ absoluteSlot: height, blockHeight: height })
const listedSchema = z.object({ signature, slot: height, err: z.unknown().optional(), memo: z.string().nullish() })
const transactionSchema = z.object({
  slot: height,
  blockTime: z.int().nullish(),
  meta: z.object({ err: z.unknown() }),
  transaction: z.object({ signatures: z.array(signature).min(1) }),
})
const accountSchema = z.object({
  value: z.object({ owner: z.string(), data: z.tuple([z.base64(), z.literal('base64')]) }).nullable(),
})

export function createSolanaNode(rpc: Rpc, network: string): SolanaNode {
  const ask = checkedRpc(rpc, network)
  const { host } = rpc
  return {
    host,
    recentBlock: () => recentBlock(ask, host),
    final: async () => {
      const { absoluteSlot, blockHeight } = await ask('getEpochInfo', [{ commitment: 'finalized' }], epochSchema)
      return { slot: absoluteSlot, blockHeight }
    },
    firstAvailable: () => ask('getFirstAvailableBlock', [], height),
    listed: async ({ account, at, before }) => {
      const options = { commitment: 'finalized', limit: MAX_SIGNATURES, minContextSlot: Number(at), ...(before && { before }) }
      const list = await ask('getSignaturesForAddress', [account, options], z.array(listedSchema))
      return list.map(({ signature: id, slot, err, memo }) => ({ signature: id, slot, failed: (err ?? null) !== null, memo: memo ?? null }))
    },
    transaction: async (id) => {
      const options = { commitment: 'finalized', encoding: 'json', maxSupportedTransactionVersion: 0 }
      const { slot, blockTime, meta, transaction } = await ask('getTransaction', [id, options], transactionSchema)
      if (transaction.signatures[0] !== id) throw new RpcError(`${host} answered with another transaction than ${id}.`)
      return { slot, signatures: transaction.signatures, failed: meta.err !== null, time_s: blockTime ?? null }
    },
    timeOf: async (slot) => Number(await ask('getBlockTime', [Number(slot)], height)),
    head: () => ask('getSlot', [{ commitment: 'confirmed' }], height),
    balance: (of) => balance(ask, host, of),
  }
}

type Ask = Rpc['call']

/** The server's genesis is asked for once, before anything else is believed: its CAIP-2 name is the beginning of it. */
function checkedRpc(rpc: Rpc, network: string): Ask {
  let checked = false
  return async (method, params, schema) => {
    if (!checked) {
      const genesis = await rpc.call('getGenesisHash', [], genesisSchema)
      if (!genesis.startsWith(network.replace(/^solana:/, ''))) throw new RpcError(`${rpc.host} is not a server of ${network}.`)
      checked = true
    }
    return rpc.call(method, params, schema)
  }
}

/** Its life is reckoned from the height that the server shows too, and the longer of the two counts. */
async function recentBlock(ask: Ask, host: string): Promise<RecentBlock> {
  const { context, value } = await ask('getLatestBlockhash', [{ commitment: 'confirmed' }], latestSchema)
  const now = await ask('getBlockHeight', [{ commitment: 'confirmed' }], height)
  if (value.lastValidBlockHeight > now + MAX_BLOCKHASH_LIFE_BLOCKS)
    throw new RpcError(`${host} gives a blockhash a life that is too long to be true.`)
  const reckoned = now + BLOCKHASH_LIFE_BLOCKS
  const [, lastValidBlockHeight = reckoned] = [value.lastValidBlockHeight, reckoned].sort((one, other) => (one < other ? -1 : 1))
  const slot = context.slot > SLOT_MARGIN ? context.slot - SLOT_MARGIN : 0n
  return { blockhash: value.blockhash, lastValidBlockHeight, slot }
}

/** An account of a token begins with mint (32 bytes), owner (32) and amount (8, little endian). */
async function balance(ask: Ask, host: string, of: Parameters<SolanaNode['balance']>[0]): Promise<bigint> {
  const place = tokenAccountOf(of)
  const { value } = await ask('getAccountInfo', [place, { commitment: 'confirmed', encoding: 'base64' }], accountSchema)
  if (!value) return 0n
  const data = Buffer.from(value.data[0], 'base64')
  const fits =
    value.owner === of.tokenProgram &&
    data.length >= 72 &&
    encodeBase58(data.subarray(0, 32)) === of.mint &&
    data.subarray(32, 64).equals(addressBytes(of.owner))
  if (!fits) throw new RpcError(`${host} shows another account at ${place} than the wallet’s.`)
  return data.readBigUInt64LE(64)
}
