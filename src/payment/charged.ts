/**
 * What a server says that it took of an amount that was only the most it may take. Its word changes what the agent is
 * told and nothing else: the whole amount counts until the chain shows what was taken.
 */
import type { Terms } from '../ledger/ledger.ts'
import { formatAtomic } from '../money.ts'
import type { Settlement } from '../rails/rail.ts'

export interface Charged {
  /** What is written down of its word. */
  readonly settlement: Settlement
  /** What the agent is told that it cost. */
  readonly terms: Terms
  /** It says that it took more than was signed for. */
  readonly over: boolean
}

export function chargedBy(terms: Terms, settlement: Settlement): Charged {
  const { scheme, asset, amountAtomic, amount } = terms
  const { charged } = settlement
  if (scheme !== 'upto' || settlement.kind !== 'claimed' || charged === undefined) return { settlement, terms, over: false }
  const show = (atomic: bigint) => `${formatAtomic(atomic, asset.decimals)} ${asset.symbol}`
  const over = charged > amountAtomic
  const reason = over
    ? `The server says that it took ${show(charged)}, which is more than the ${show(amountAtomic)} that were signed for.`
    : `The server says that it took ${show(charged)} of up to ${show(amountAtomic)} and names the transaction.`
  const told = over ? terms : { ...terms, amountAtomic: charged, amount: (amount * charged + amountAtomic - 1n) / amountAtomic }
  return { settlement: { ...settlement, reason }, terms: told, over }
}
