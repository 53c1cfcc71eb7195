/** What an operator has allowed that is dangerous, in sentences for the start of the program. */
import type { Config } from './config.ts'
import { secretsOfPeople, unsignedHooks } from './people.ts'
import { isLoopback } from './places.ts'
import type { SecretRef } from './secrets.ts'
import { secretsOfTelemetry } from './telemetry.ts'
import { secretsOfWallet } from './wallet.ts'

/** A sentence for each danger; empty for a configuration without. */
export function dangersOf(config: Omit<Config, 'warnings'>): string[] {
  return [
    ...modeDanger(config),
    ...plainListeners(config),
    ...openedNetworks(config),
    ...looseReplication(config),
    ...missingApprovers(config),
    ...unsignedHooks(config),
    ...plainSecrets(config),
  ]
}

function modeDanger({ mode }: Pick<Config, 'mode'>): string[] {
  return mode === 'enforce' ? [] : [`mode: ${mode} pays what the tiers and scopes refuse. Caps and limits still hold.`]
}

function plainListeners({ proxy, admin }: Pick<Config, 'proxy' | 'admin'>): string[] {
  return Object.entries({ proxy, admin }).flatMap(([section, { listen, serverTls, unsafePlainListener }]) =>
    unsafePlainListener && !serverTls && !isLoopback(listen)
      ? [`${section}.unsafePlainListener: tokens cross the network in the clear on ${listen.host}:${listen.port}.`]
      : [],
  )
}

function openedNetworks({ proxy: { unsafeAllowPrivateUpstreams: opened } }: Pick<Config, 'proxy'>): string[] {
  if (opened.length === 0) return []
  return [`proxy.unsafeAllowPrivateUpstreams: agents reach ${opened.join(', ')}, and plain http is paid there.`]
}

function looseReplication({ ledger }: Pick<Config, 'ledger'>): string[] {
  if (ledger.kind !== 'postgres' || !ledger.unsafeAsyncReplication) return []
  return ['ledger.unsafeAsyncReplication: a failover of the database may lose payments that were made, and budgets look fuller then.']
}

/** A payment that needs more people than there are would always time out. */
function missingApprovers({ tiers, people }: Pick<Config, 'tiers' | 'people'>): string[] {
  const known = people.filter(({ roles }) => roles.includes('approver')).length
  return tiers
    .filter(({ approval, approvers }) => approval === 'explicit_human' && approvers > Math.max(known, 1))
    .map(
      ({ name, approvers }) =>
        `tiers.${name}: asks for a yes of ${approvers} different people, and people names ${known} with the role approver. The others need tokens of their own: purser token create --role approver --person NAME.`,
    )
}

function plainSecrets({
  wallet,
  approvals,
  people,
  ledger,
  keys,
  gasWallet,
  admin,
  telemetry,
}: Pick<Config, 'wallet' | 'approvals' | 'people' | 'ledger' | 'keys' | 'gasWallet' | 'admin' | 'telemetry'>): string[] {
  const { ca, ...plain } = keys
  const secrets: [string, SecretRef | undefined][] = [
    ['ledger.password', ledger.kind === 'postgres' ? ledger.password : undefined],
    ...Object.entries(plain).map(([name, ref]): [string, SecretRef] => [`keys.${name}`, ref]),
    ['keys.ca.key', ca?.key],
    ['gasWallet.key', gasWallet?.key],
    ...secretsOfWallet(wallet),
    ...secretsOfPeople({ people, approvals }),
    ['admin.oidc.clientSecret', admin.oidc?.clientSecret],
    ...secretsOfTelemetry(telemetry),
  ]
  return secrets.flatMap(([path, ref]) =>
    ref?.kind === 'text' ? [`${path} stands in the configuration itself. Write env:NAME or file:PATH instead.`] : [],
  )
}
