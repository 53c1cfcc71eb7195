/** Which secrets a start reads, whatever it opens first. */
import type { Config } from './config.ts'
import { secretsOfPeople } from './people.ts'
import type { SecretRef } from './secrets.ts'
import { secretsOfTelemetry } from './telemetry.ts'
import { secretsOfWallet } from './wallet.ts'

export function startSecrets({
  keys,
  wallet,
  gasWallet,
  ledger,
  admin,
  proxy,
  telemetry,
  people,
  approvals,
}: Pick<Config, 'keys' | 'wallet' | 'gasWallet' | 'ledger' | 'admin' | 'proxy' | 'telemetry' | 'people' | 'approvals'>): SecretRef[] {
  const { ca, ...own } = keys
  const password = ledger.kind === 'postgres' ? ledger.password : undefined
  const beyond = [admin.oidc?.clientSecret, proxy.parents.https?.password]
  const traces = secretsOfTelemetry(telemetry).map(([, ref]) => ref)
  const told = secretsOfPeople({ people, approvals }).map(([, ref]) => ref)
  const held = secretsOfWallet(wallet).map(([, ref]) => ref)
  const named = [...Object.values(own), ca?.key, ...held, gasWallet?.key, password, ...beyond, ...traces, ...told]
  return named.filter((ref) => ref !== undefined)
}
