/** What a wallet's used authorizations moved, as the token's own events tell it. For people: nothing is decided by it. */
import type { NonceUse } from './chain.ts'
import { addressIn, checksummed, TRANSFER, topicOf, USED } from './eip3009.ts'
import type { Log, LogQuery } from './evm-node.ts'

type Topics = LogQuery['topics']

/** Every use of an authorization of this wallet, and every transfer out of it. */
export function usesOf(wallet: string): Topics {
  return [[USED, TRANSFER], [topicOf(wallet)]]
}

/**
 * Uses with what they moved. A token says both in one transaction, in the same order; where it does not tell as many
 * transfers as uses there, nobody can say which belongs to which, and amount and recipient stay null.
 */
export function pairUses(uses: readonly Log[], transfers: readonly Log[]): NonceUse[] {
  const placed = Map.groupBy(uses, placeOf)
  const moved = Map.groupBy(transfers, placeOf)
  return [...placed].flatMap(([place, here]) => {
    const out = moved.get(place) ?? []
    return here.flatMap((use, at) => useIn(use, out.length === here.length ? out[at] : undefined))
  })
}

function placeOf({ address, transaction }: Log): string {
  return `${address} ${transaction}`
}

function useIn({ address, topics, transaction, block }: Log, moved: Log | undefined): NonceUse[] {
  const [, , nonce] = topics
  return nonce === undefined ? [] : [{ token: checksummed(address), nonce, transaction, block, ...amountIn(moved) }]
}

function amountIn(moved: Log | undefined): Pick<NonceUse, 'payTo' | 'amountAtomic'> {
  const payTo = addressIn(moved?.topics[2])
  if (!moved || payTo === undefined || moved.topics.length !== 3 || moved.data.length !== 66) return { payTo: null, amountAtomic: null }
  return { payTo, amountAtomic: BigInt(moved.data) }
}
