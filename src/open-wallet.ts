/** The wallet that the configuration says: beside `house.ts` the only file that names its adapters. */
import type { Environment } from './config/environment.ts'
import type { Config } from './config/load.ts'
import { resolveSecret, resolveWalletKey } from './config/secrets.ts'
import type { Ledger } from './ledger/ledger.ts'
import { createLocalWallet, parseKey } from './wallet/local-key.ts'
import type { Wallet } from './wallet/wallet.ts'

/** What a wallet in another process needs beyond its configuration. */
export interface WalletSurroundings {
  /** By which it shows that it is no older copy; it is opened after the wallet. */
  readonly known: Promise<Pick<Ledger, 'payment'>>
  /** Closes the connection. */
  readonly started: AsyncDisposableStack
}

/** @throws SecretError where a secret cannot be had, Error where it is no key */
export async function openWallet({ wallet }: Pick<Config, 'wallet'>, env: Environment, around?: WalletSurroundings): Promise<Wallet> {
  if (wallet.kind === 'signer') {
    const { createSignerWallet } = await import('./wallet/signer-wallet.ts')
    const nonceOf = async (paymentId: string) => (await (await around?.known)?.payment(paymentId))?.nonce ?? undefined
    const opened = createSignerWallet({ ...wallet, nonceOf })
    return around ? around.started.use(opened) : opened
  }
  const password = wallet.password && (await resolveSecret(wallet.password, env))
  return createLocalWallet({ key: parseKey(await resolveWalletKey(wallet.key, env), password) })
}
