/** The wallet that the configuration says: beside `house.ts` the only file that names its adapters. */
import type { Environment } from './config/environment.ts'
import type { Config } from './config/load.ts'
import { resolveSecret, resolveWalletKey } from './config/secrets.ts'
import { createLocalWallet, parseKey } from './wallet/local-key.ts'
import type { Wallet } from './wallet/wallet.ts'

/** @throws SecretError where a secret cannot be had, Error where it is no key */
export async function openWallet({ wallet }: Pick<Config, 'wallet'>, env: Environment): Promise<Wallet> {
  const password = wallet.password && (await resolveSecret(wallet.password, env))
  return createLocalWallet({ key: parseKey(await resolveWalletKey(wallet.key, env), password) })
}
