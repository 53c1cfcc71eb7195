/**
 * Finding out, from one server, what became of a signed transfer. Only final blocks conclude anything, and only three
 * things are conclusions: the token's own events say used (with the very transfer) or cancelled, or the nonce is unused
 * in a final block at or after the end of its window. `authorizationState` alone is true for used and cancelled alike.
 */
import { SEARCH_MARGIN_S } from '../limits.ts'
import { bracket } from './block-search.ts'
import type { ChainFinding, SignedTransfer } from './chain.ts'
import { CANCELLED, TRANSFER, topicOf, USED } from './eip3009.ts'
import type { Block, EvmNode, Log } from './evm-node.ts'
import { lookForPermit } from './find-permit.ts'
import { RpcAnswerTooLong, RpcError } from './rpc.ts'

/** A finding, with the block that it rests on where it rests on one alone. */
export interface Sighting {
  readonly finding: ChainFinding
  readonly blockHash?: string
}

/** What a server sees: the transfer that is looked for, the newest block, the newest final one. */
export interface View {
  readonly node: EvmNode
  readonly transfer: SignedTransfer
  readonly head: Block
  readonly final: Block
}

/**
 * @param finality blocks below the head from which on a block is final.
 * @throws RpcError where the server gives no answer that holds.
 */
export async function look(node: EvmNode, transfer: SignedTransfer, finality: bigint): Promise<Sighting> {
  const head = await node.head()
  const final = await finalBlock(node, head, finality)
  if (!final) return open('The chain has no final block yet.')
  const view = { node, transfer, head, final }
  if (transfer.permit !== undefined) return lookForPermit(view)
  const events = await eventsOf(view)
  if (events.length > 1) throw new RpcError(`${node.host} shows ${events.length} ends of one authorization.`)
  const [event] = events
  if (!event) return judgeSilence(view)
  return event.block > final.number ? seen(event, final) : judgeEvent(view, event)
}

/** The newest final block; undefined on a chain that is younger than its finality. */
export async function finalBlock(node: EvmNode, head: Block, finality: bigint): Promise<Block | undefined> {
  if (finality === 0n) return head
  return head.number < finality ? undefined : node.block(head.number - finality)
}

/** Nothing can happen to an authorization long before it is signed, and only a cancellation after its end. */
async function eventsOf({ node, transfer, head }: View): Promise<readonly Log[]> {
  const { token, payer, nonce, signedAt_s, validBefore_s } = transfer
  const { before } = await bracket(node, head, signedAt_s - SEARCH_MARGIN_S)
  const { after } = await bracket(node, head, validBefore_s + SEARCH_MARGIN_S)
  const topics = [[USED, CANCELLED], [topicOf(payer)], [nonce.toLowerCase()]]
  return node.logs({ addresses: [token], topics, from: before.number, to: (after ?? head).number })
}

function seen({ transaction, block }: Log, final: Block): Sighting {
  const reason = `Seen in block ${block}, which is not final yet; the last final one is ${final.number}.`
  return { finding: { kind: 'open', reason, seen: { transaction, block } } }
}

async function judgeEvent({ node, transfer }: View, event: Log): Promise<Sighting> {
  const { transaction, block, blockHash } = event
  const place = await node.block(block)
  if (place.hash !== blockHash) throw new RpcError(`${node.host} shows an event in a block that is not one of its chain.`)
  if (event.topics[0] === CANCELLED) return { finding: { kind: 'cancelled', transaction, block }, blockHash }
  const logs = await logsOf({ node, transfer }, event, place)
  if (!logs.some((log) => isSame(log, event))) throw new RpcError(`${node.host} shows an event that its transaction does not have.`)
  if (!logs.some((log) => isTransfer(log, transfer))) {
    const reason = `Transaction ${transaction} used the nonce without the transfer that was signed.`
    return { finding: { kind: 'used_otherwise', transaction, block, reason }, blockHash }
  }
  return { finding: { kind: 'settled', transaction, block, time_s: place.time_s }, blockHash }
}

/**
 * All that the event's transaction logged. Anyone can pay in the midst of a transaction whose receipt is beyond our bound:
 * of that one only the transfers between these two are asked for.
 */
async function logsOf({ node, transfer }: Pick<View, 'node' | 'transfer'>, event: Log, place: Block): Promise<readonly Log[]> {
  try {
    return await node.logsOf(event.transaction, place)
  } catch (fault) {
    if (!(fault instanceof RpcAnswerTooLong)) throw fault
    const topics = [[TRANSFER], [topicOf(transfer.payer)], [topicOf(transfer.payTo)]]
    const transfers = await node.logs({ addresses: [transfer.token], topics, from: place.number, to: place.number })
    return [event, ...transfers.filter(({ transaction, blockHash }) => transaction === event.transaction && blockHash === place.hash)]
  }
}

function isSame(log: Log, event: Log): boolean {
  return log.index === event.index && log.address === event.address && log.topics.join() === event.topics.join()
}

/** The very transfer that was signed, by the token's own word. */
function isTransfer({ address, topics, data }: Log, { token, payer, payTo, amountAtomic }: SignedTransfer): boolean {
  const [kind, from, to, ...more] = topics
  return (
    address === token.toLowerCase() &&
    kind === TRANSFER &&
    from === topicOf(payer) &&
    to === topicOf(payTo) &&
    more.length === 0 &&
    data.length === 66 &&
    BigInt(data) === amountAtomic
  )
}

/** No event: unused for ever, unused so far, or a server that does not show all it knows. */
async function judgeSilence({ node, transfer, final }: View): Promise<Sighting> {
  const { validBefore_s } = transfer
  if (final.time_s < validBefore_s) {
    return open(`Unused so far. The window closes at ${isoOf(validBefore_s)}; the last final block is of ${isoOf(final.time_s)}.`)
  }
  if (!(await node.isUsed({ ...transfer, block: final.number }))) return dead(final)
  const { after } = await bracket(node, final, validBefore_s)
  if (after && !(await node.isUsed({ ...transfer, block: after.number }))) return dead(after)
  throw new RpcError(`${node.host} says that the authorization is used or cancelled, and shows no event of it.`)
}

function dead({ number, time_s }: Block): Sighting {
  return { finding: { kind: 'dead', block: number, time_s } }
}

function open(reason: string): Sighting {
  return { finding: { kind: 'open', reason } }
}

function isoOf(time_s: number): string {
  return new Date(time_s * 1000).toISOString()
}
