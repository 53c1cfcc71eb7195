/** Who pays: a wallet has an address of its own for each kind of chain. */
import { refused } from '../errors.ts'
import type { Wallet } from '../wallet/wallet.ts'

/**
 * The address that pays on this network (CAIP-2).
 * @throws PurserError `network_not_allowed` where the wallet has none there, `not_found` for a wallet that is not configured.
 */
export async function payerOn(wallet: Pick<Wallet, 'address' | 'solana'>, network: string, walletName: string | null): Promise<string> {
  if (!network.startsWith('solana:')) return wallet.address(walletName)
  if (!wallet.solana) throw refused('network_not_allowed', `No wallet for ${network} is configured.`)
  return wallet.solana.address(walletName)
}
