/**
 * Permits of Permit2 that a wallet's money left by, whoever remembers them. Permit2 tells of no settlement, but a settlement
 * has to name its nonce: each word of a transaction's input is tried, and one whose bit is unset before the transaction's
 * block and set after it is a nonce that was used there. For people: nothing is decided by it.
 */
import { MAX_PERMIT_TRANSACTIONS, MAX_PERMIT_WORDS } from '../permit2-limits.ts'
import type { NonceUse, Outgoing, PermitUses, Recorded } from './chain.ts'
import { addressIn, checksummed } from './eip3009.ts'
import type { EvmNode, Log } from './evm-node.ts'
import { RpcError } from './rpc.ts'

const SELECTOR_CHARS = 8
const WORD_CHARS = 64

/**
 * Transfers out of a wallet in transactions that moved its money more often than authorizations of the token account for.
 * Transfers of nothing anyone can write in anyone's name.
 */
export function withoutAuthorization(uses: readonly Log[], transfers: readonly Log[]): Outgoing[] {
  const authorized = Map.groupBy(uses, placeOf)
  const moved = Map.groupBy(transfers, placeOf)
  return [...moved].flatMap(([place, here]) => {
    const outgoing = here.flatMap(outgoingIn)
    return outgoing.length > (authorized.get(place)?.length ?? 0) ? outgoing : []
  })
}

function placeOf({ address, transaction }: Log): string {
  return `${address} ${transaction}`
}

function outgoingIn({ address, topics, data, transaction, block }: Log): Outgoing[] {
  const payTo = addressIn(topics[2])
  if (payTo === undefined || topics.length !== 3 || data.length !== 66 || BigInt(data) === 0n) return []
  return [{ token: checksummed(address), transaction, block, payTo, amountAtomic: BigInt(data) }]
}

export interface PermitSearch extends Recorded {
  readonly wallet: string
  readonly outgoing: readonly Outgoing[]
  /** A final block that is not older than they are. */
  readonly final: bigint
}

/** The uses that are not recorded; every server has to show the same. */
export async function findPermitUses(nodes: readonly EvmNode[], search: PermitSearch): Promise<PermitUses> {
  const transactions = Map.groupBy(search.outgoing, ({ transaction }) => transaction)
  const suspect = [...transactions].filter(([transaction, here]) => here.length > search.settledBy(transaction))
  const found: NonceUse[] = []
  const unread: string[] = []
  for (const [transaction, here] of suspect.slice(0, MAX_PERMIT_TRANSACTIONS)) {
    try {
      found.push(...(await usedIn(nodes, search, { transaction, here })))
    } catch (fault) {
      if (!(fault instanceof RpcError)) throw fault
      unread.push(`Whether transaction ${transaction} used a permit cannot be told: ${fault.message}`)
    }
  }
  const left = suspect.length - MAX_PERMIT_TRANSACTIONS
  if (left > 0) unread.push(`${left} further transactions were not searched for permits.`)
  return { uses: found, unread }
}

async function usedIn(
  nodes: readonly EvmNode[],
  { wallet, final, isKnown }: PermitSearch,
  { transaction, here }: { readonly transaction: string; readonly here: readonly Outgoing[] },
): Promise<NonceUse[]> {
  const [first] = here
  const [node] = nodes
  if (!first || !node) return []
  const { block, token } = first
  const words = wordsOf(await node.inputOf(transaction)).filter((word) => !isKnown(word))
  if (words.length > MAX_PERMIT_WORDS) throw new RpcError('its input is too long.')
  const isUsed = (nonce: string, at: bigint) => agreed(nodes, { payer: wallet, nonce, block: at })
  const began = async (nonce: string) =>
    (await isUsed(nonce, final)) && (await isUsed(nonce, block)) && !(block > 0n && (await isUsed(nonce, block - 1n)))
  const verdicts = await Promise.all(words.map(began))
  const nonces = words.filter((_, place) => verdicts[place])
  // Of several nobody can say which moved what.
  const only = nonces.length === 1 && here.length === 1
  const moved = only ? { payTo: first.payTo, amountAtomic: first.amountAtomic } : { payTo: null, amountAtomic: null }
  return nonces.map((nonce) => ({ token, nonce, transaction, block, ...moved }))
}

async function agreed(nodes: readonly EvmNode[], place: Parameters<EvmNode['isPermitUsed']>[0]): Promise<boolean> {
  const [one = false, ...others] = await Promise.all(nodes.map((node) => node.isPermitUsed(place)))
  if (others.some((other) => other !== one)) throw new RpcError('The two servers disagree about its nonces.')
  return one
}

/** Every word that may be an argument: of the call itself, and of calls inside it, which begin with selectors of their own. */
export function wordsOf(input: string): string[] {
  const words = new Set<string>()
  for (const depth of [1, 2, 3]) {
    for (let at = 2 + depth * SELECTOR_CHARS; at + WORD_CHARS <= input.length; at += WORD_CHARS)
      words.add(`0x${input.slice(at, at + WORD_CHARS)}`)
  }
  return [...words]
}
