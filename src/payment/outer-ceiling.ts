/**
 * What the chain itself lets a session spend at most, whatever its cap says: what its wallet has free. Told to people beside
 * the cap; nothing is decided by it here, because a payment is held against the balance of its own token when it is made.
 */
import { uniformAddress } from '../address.ts'
import { type Asset, priceOf } from '../money.ts'
import { coversAsset } from '../session/asset-names.ts'
import type { Session } from '../session/session.ts'
import type { Wallet } from '../wallet/wallet.ts'
import type { Funds } from './balance.ts'
import { payerOn } from './payer.ts'

/** Millionths of the session's currency, rounded up; undefined where any part of it is unknown. */
export type OuterCeiling = (of: Pick<Session, 'wallet' | 'networks' | 'assets' | 'currency'>) => Promise<bigint | undefined>

export interface OuterCeilingOptions {
  readonly funds: Pick<Funds, 'holding'>
  readonly wallet: Pick<Wallet, 'address' | 'solana'>
  readonly assets: readonly Asset[]
}

/** All tokens that the session may pay with, on all of its networks. One that nobody can tell makes the whole unknown, not less. */
export function createOuterCeiling({ funds, wallet, assets }: OuterCeilingOptions): OuterCeiling {
  return async (session) => {
    const payable = distinctAssets(assets).filter(
      ({ network, address, currency }) =>
        session.networks.includes(network) && currency === session.currency && coversAsset(session.assets, address, assets),
    )
    if (payable.length === 0) return undefined
    const free = await Promise.all(
      payable.map(async (asset) => {
        const { network, address } = asset
        const holding = await funds.holding({ network, token: address, payer: await payerOn(wallet, network, session.wallet) })
        return holding && priceOf(holding.free, asset)
      }),
    )
    return free.reduce((sum, one) => (sum === undefined || one === undefined ? undefined : sum + one), 0n)
  }
}

/** A configured asset stands for the known one of its address: their money is the same. */
export function distinctAssets(assets: readonly Asset[]): Asset[] {
  return [...new Map(assets.map((asset) => [`${asset.network} ${uniformAddress(asset.address)}`, asset])).values()]
}
