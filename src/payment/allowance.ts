/**
 * What a token lets Permit2 take from the wallet: without it a permit pays nobody. It is bounded, and set by an operator
 * with the wallet's own transaction. Read before anything is reserved, where the chain can be asked; trusted for refusing
 * only, like the balance.
 */
import { LRUCache } from 'lru-cache'
import type { Chain } from '../chain/chain.ts'
import type { Clock } from '../clock.ts'
import type { Refusal } from '../errors.ts'
import type { Terms } from '../ledger/ledger.ts'
import { BALANCE_AGE_MS } from '../limits.ts'
import { formatAtomic } from '../money.ts'
import type { Events } from '../telemetry/events.ts'
import { MAX_KEPT_BALANCES } from '../wallet-limits.ts'

export type Permitted = Pick<Terms, 'network' | 'asset' | 'payer' | 'amountAtomic' | 'amount' | 'currency'>

export interface AllowancesOptions {
  readonly chain: Pick<Chain, 'networks'> & Partial<Pick<Chain, 'allowance'>>
  readonly clock: Clock
  readonly events: Pick<Events, 'warned'>
  /** Gives up a reading that takes too long. */
  readonly inTime: <T>(work: Promise<T>) => Promise<T | undefined>
}

/** Why Permit2 could not take this much, or undefined where it can or nobody can tell. */
export type Allowances = (terms: Permitted) => Promise<Refusal | undefined>

/** By the monotonic clock, when it was asked for. */
interface Reading {
  readonly at: number
  readonly atomic: bigint
}

export function createAllowances({ chain, clock, events, inTime }: AllowancesOptions): Allowances {
  const readings = new LRUCache<string, Reading>({ max: MAX_KEPT_BALANCES })
  return async (terms) => {
    const { network, asset, payer, amountAtomic } = terms
    if (!chain.allowance || !chain.networks.includes(network)) return undefined
    const key = JSON.stringify([network, asset.address.toLowerCase(), payer.toLowerCase()])
    const known = readings.get(key)
    if (known && known.atomic >= amountAtomic && clock.monotonic() - known.at < BALANCE_AGE_MS) return undefined
    const at = clock.monotonic()
    const read = chain.allowance({ network, token: asset.address, wallet: payer }).catch((cause: unknown) => {
      events.warned(`What ${asset.symbol} on ${network} lets Permit2 take cannot be read; payments go on without this check.`, cause)
      return undefined
    })
    const atomic = await inTime(read)
    if (atomic === undefined) return undefined
    readings.set(key, { at, atomic })
    return atomic >= amountAtomic ? undefined : notAllowed(terms, atomic)
  }
}

/** With the command that mends it. @param allowed atomic units, where they are known */
export function notAllowed(terms: Permitted, allowed?: bigint): Refusal {
  const { network, asset, amountAtomic, amount, currency } = terms
  const show = (atomic: bigint) => `${formatAtomic(atomic, asset.decimals)} ${asset.symbol}`
  const less = allowed === undefined ? 'less' : show(allowed)
  return {
    code: 'wallet_insufficient',
    detail: `It is paid by Permit2, which may have to take ${show(amountAtomic)} on ${network} from the wallet, and is allowed ${less}.`,
    nextAction: `Ask the operator of this proxy to run \`purser wallet allow --network ${network} --asset ${asset.symbol} --amount ${formatAtomic(amountAtomic, asset.decimals)}\` (or with a larger amount, for later payments too), then repeat the request.`,
    ...{ amount, currency },
  }
}
