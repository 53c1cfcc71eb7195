/**
 * Finding out what became of a permit. Permit2 tells of no settlement: it keeps a bit for the nonce, which is unset before
 * the block that used it and set from then on. The token tells what moved in that block. Where several transfers of that
 * block could be the one, the largest is taken for it, so that never more is given back than was left.
 */
import { SEARCH_MARGIN_S } from '../limits.ts'
import { PERMIT2 } from '../permit-digest.ts'
import { bracket } from './block-search.ts'
import type { SignedTransfer } from './chain.ts'
import { TRANSFER, topicOf } from './eip3009.ts'
import type { Block, Log } from './evm-node.ts'
import type { Sighting, View } from './find.ts'
import { INVALIDATED, invalidates, names } from './permit2.ts'
import { RpcError } from './rpc.ts'

/** @throws RpcError where the server gives no answer that holds. */
export async function lookForPermit(view: View): Promise<Sighting> {
  const { node, transfer, head, final } = view
  if (!(await isUsed(view, head.number))) return judgeUnused(view)
  const range = await rangeOf(view)
  const end = (await settledIn(view, range)) ?? (await cancelledIn(view, range))
  if (!end) throw new RpcError(`${node.host} says that the permit is used, and shows no transfer for it.`)
  const { finding, block } = end
  const place = await node.block(block)
  if (place.hash !== end.blockHash) throw new RpcError(`${node.host} shows an event in a block that is not one of its chain.`)
  if (block <= final.number && (await isUsed(view, final.number))) {
    return { finding: finding.kind === 'settled' ? { ...finding, time_s: place.time_s } : finding, blockHash: place.hash }
  }
  const reason = `Seen in block ${block}, which is not final yet; the last final one is ${final.number}.`
  return { finding: { kind: 'open', reason, seen: { transaction: finding.transaction, block } } }

  function judgeUnused({ final: last }: View): Sighting {
    if (last.time_s >= transfer.validBefore_s) return { finding: { kind: 'dead', block: last.number, time_s: last.time_s } }
    const until = new Date(transfer.validBefore_s * 1000).toISOString()
    return { finding: { kind: 'open', reason: `The permit is unused so far. Its window closes at ${until}.` } }
  }
}

function isUsed({ node, transfer: { payer, nonce } }: Pick<View, 'node' | 'transfer'>, block: bigint): Promise<boolean> {
  return node.isPermitUsed({ payer, nonce, block })
}

interface Range {
  readonly from: bigint
  readonly to: bigint
}

/** Nothing can happen to a permit long before it is signed, and it is used before its end. */
async function rangeOf({ node, transfer, head }: View): Promise<Range> {
  const { before } = await bracket(node, head, transfer.signedAt_s - SEARCH_MARGIN_S)
  const { after } = await bracket(node, head, transfer.validBefore_s + SEARCH_MARGIN_S)
  return { from: before.number, to: (after ?? head).number }
}

interface End {
  readonly finding:
    | {
        readonly kind: 'settled'
        readonly transaction: string
        readonly block: bigint
        readonly time_s: number
        readonly amountAtomic: bigint
      }
    | { readonly kind: 'used_otherwise'; readonly transaction: string; readonly block: bigint; readonly reason: string }
    | { readonly kind: 'cancelled'; readonly transaction: string; readonly block: bigint }
  readonly block: Block['number']
  readonly blockHash: string
}

/** The transfers between these two in the block that set the bit; undefined where none of them is in it. */
async function settledIn(view: View, range: Range): Promise<End | undefined> {
  const { node, transfer } = view
  const topics = [[TRANSFER], [topicOf(transfer.payer)], [topicOf(transfer.payTo)]]
  const logs = (await node.logs({ addresses: [transfer.token], topics, ...range })).filter(isAmount)
  const block = await firstUsed(view, [...new Set(logs.map((log) => log.block))])
  if (block === undefined || (await wasUsedBefore(view, block))) return undefined
  return judge(
    view,
    logs.filter((log) => log.block === block),
  )
}

function isAmount({ topics, data }: Log): boolean {
  return topics.length === 3 && data.length === 66
}

/** The first of these blocks, in the order of the chain, after which the nonce is used. */
async function firstUsed(view: View, blocks: readonly bigint[]): Promise<bigint | undefined> {
  let [low, high] = [0, blocks.length]
  while (low < high) {
    const middle = (low + high) >> 1
    const block = blocks[middle]
    if (block !== undefined && (await isUsed(view, block))) high = middle
    else low = middle + 1
  }
  return blocks[low]
}

async function wasUsedBefore(view: View, block: bigint): Promise<boolean> {
  return block > 0n && (await isUsed(view, block - 1n))
}

/** What was taken: of scheme exact the very amount, of upto no more than it. */
async function judge({ node, transfer }: View, logs: readonly Log[]): Promise<End | undefined> {
  const { permit, amountAtomic, nonce } = transfer
  const fits = logs.filter(({ data }) => (permit === 'upto' ? BigInt(data) <= amountAtomic : BigInt(data) === amountAtomic))
  const [any] = logs
  if (!any) return undefined
  const { block, blockHash } = any
  const largest = fits.reduce<Log | undefined>((most, log) => (most && BigInt(most.data) >= BigInt(log.data) ? most : log), undefined)
  if (!largest) {
    const reason = `Transaction ${any.transaction} used the nonce without the transfer that was signed.`
    return { finding: { kind: 'used_otherwise', transaction: any.transaction, block, reason }, block, blockHash }
  }
  const transaction = await namedIn({ node, nonce }, fits, largest.transaction)
  return { finding: { kind: 'settled', transaction, block, time_s: 0, amountAtomic: BigInt(largest.data) }, block, blockHash }
}

/** The one transaction of these that names the nonce in its input; else the other one that is known. */
async function namedIn({ node, nonce }: Pick<View, 'node'> & Pick<SignedTransfer, 'nonce'>, logs: readonly Log[], other: string) {
  const transactions = [...new Set(logs.map(({ transaction }) => transaction))]
  if (transactions.length === 1) return other
  const naming: string[] = []
  for (const transaction of transactions) if (names(await node.inputOf(transaction), nonce)) naming.push(transaction)
  const [only, ...more] = naming
  return only !== undefined && more.length === 0 ? only : other
}

/** Its owner made the nonce worthless, in the very block from which on it is used. */
async function cancelledIn(view: View, range: Range): Promise<End | undefined> {
  const { node, transfer } = view
  const topics = [[INVALIDATED], [topicOf(transfer.payer)]]
  const found = (await node.logs({ addresses: [PERMIT2], topics, ...range })).find((log) => invalidates(log, transfer.nonce))
  if (!found || (await wasUsedBefore(view, found.block))) return undefined
  const { transaction, block, blockHash } = found
  return { finding: { kind: 'cancelled', transaction, block }, block, blockHash }
}
