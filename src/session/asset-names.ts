/** Names of tokens: a symbol stands for all its tokens, an address for one. */
import { uniformAddress } from '../address.ts'
import type { Asset } from '../money.ts'

export type NamedAsset = Pick<Asset, 'symbol' | 'address'>

/**
 * Whether everything that `name` stands for is among what is listed. A listed symbol covers its addresses; a listed
 * address never covers its symbol, which may stand for more.
 * @param known tells which address belongs to which symbol
 */
export function coversAsset(listed: readonly string[], name: string, known: readonly NamedAsset[]): boolean {
  if (listed.includes(name)) return true
  const address = uniformAddress(name)
  const symbols = known.filter((asset) => uniformAddress(asset.address) === address).map(({ symbol }) => symbol)
  return listed.some((one) => uniformAddress(one) === address || symbols.includes(one))
}
