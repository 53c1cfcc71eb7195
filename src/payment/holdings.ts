/** What the wallet of a session holds of the tokens that it may pay with, for people to look at. */

import type { Asset } from '../money.ts'
import { formatAtomic } from '../money.ts'
import { coversAsset } from '../session/asset-names.ts'
import type { Session } from '../session/session.ts'
import type { Wallet } from '../wallet/wallet.ts'
import type { Funds } from './balance.ts'
import { payerOn } from './payer.ts'

export interface TokenHolding {
  /** CAIP-2. */
  readonly network: string
  /** Symbol. */
  readonly asset: string
  /** Decimal, of the token. */
  readonly amount: string
  /** Less what payments of all sessions may still take. */
  readonly free: string
}

export type Holdings = (of: Pick<Session, 'wallet' | 'networks' | 'assets'>) => Promise<readonly TokenHolding[]>

export interface HoldingsOptions {
  readonly funds: Pick<Funds, 'holding'>
  readonly wallet: Pick<Wallet, 'address' | 'solana'>
  readonly assets: readonly Asset[]
}

/** Leaves out what nobody can tell. */
export function createHoldings({ funds, wallet, assets }: HoldingsOptions): Holdings {
  return async (session) => {
    const payable = assets.filter(
      ({ network, address }) => session.networks.includes(network) && coversAsset(session.assets, address, assets),
    )
    const held = await Promise.all(
      payable.map(async ({ network, address, symbol, decimals }) => {
        const payer = await payerOn(wallet, network, session.wallet)
        const holding = await funds.holding({ network, token: address, payer })
        const show = (atomic: bigint) => formatAtomic(atomic, decimals)
        return holding ? [{ network, asset: symbol, amount: show(holding.balance), free: show(holding.free) }] : []
      }),
    )
    return held.flat()
  }
}
