/**
 * The x402 rail on EVM, in versions 1 and 2: schemes `exact` by EIP-3009 and by Permit2, and `upto`. challenge: header and
 * body read into an envelope; offer: each entry vetted against our own registry of assets; schemes: what each of them signs;
 * authorization: that, put into a header; proof: the header read again; settlement: what the server says came of it.
 */
import type { Asset } from '../../money.ts'
import { STABLECOINS } from './stablecoins.ts'

/** The rail's closed world: what is not in it cannot be paid. */
export interface Registry {
  /** Whether payments on this network (CAIP-2) are wanted. */
  allows(network: string): boolean
  /** The asset at this address, whatever the case of its letters. */
  asset(network: string, address: string): Asset | undefined
}

export function createRegistry({
  assets,
  networks,
}: {
  readonly assets: readonly Asset[]
  readonly networks: readonly string[]
}): Registry {
  const allowed = new Set(networks)
  const byPlace = new Map(assets.map((asset) => [placeOf(asset.network, asset.address), frozen(asset)]))
  return {
    allows: (network) => allowed.has(network),
    asset: (network, address) => byPlace.get(placeOf(network, address)),
  }
}

/** The dollar stablecoins of the protocol's own table that can be paid by EIP-3009, each at a peg of one to one. */
export function knownAssets(): Asset[] {
  return STABLECOINS.map(([network, address, symbol, decimals, name, version]) => ({
    ...{ network, address, symbol, decimals },
    ...{ currency: 'USD', rate: 1_000_000n, eip712: { name, version } },
  }))
}

/** The chain id of an EVM network, or undefined for every other CAIP-2 name. */
export function chainIdOf(network: string): number | undefined {
  const [, digits] = /^eip155:([1-9][0-9]{0,14})$/.exec(network) ?? []
  return digits === undefined ? undefined : Number.parseInt(digits, 10)
}

/** Offers share it. */
function frozen(asset: Asset): Asset {
  return Object.freeze({ ...asset, eip712: Object.freeze({ ...asset.eip712 }) })
}

function placeOf(network: string, address: string): string {
  return `${network}/${address.toLowerCase()}`
}
