/** Which secrets a start reads, whatever it opens first. */
import type { Config } from './config.ts'
import type { SecretRef } from './secrets.ts'

export function startSecrets({ keys, wallet, gasWallet, ledger }: Pick<Config, 'keys' | 'wallet' | 'gasWallet' | 'ledger'>): SecretRef[] {
  const { ca, ...own } = keys
  const password = ledger.kind === 'postgres' ? ledger.password : undefined
  const named = [...Object.values(own), ca?.key, wallet.key, wallet.password, gasWallet?.key, password]
  return named.filter((ref) => ref !== undefined)
}
