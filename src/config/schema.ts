/** The whole configuration as one schema. Absent means no: what is not listed is not paid, and unknown keys are refused. */
import { z } from 'zod'
import { uniformAddress } from '../address.ts'
import { MAX_SIGNERS } from '../extension-limits.ts'
import { MAX_POLICY_RULES } from '../limits.ts'
import { jurisdiction, oneOf, tiersSchema } from '../policy/tiers.ts'
import { resolveNetwork } from '../session/networks.ts'
import { address, amount, category, hostPattern, listOf, method, name, network, pathGlob, section, wanted } from '../session/values.ts'
import { isSolanaAddress, TOKEN_2022_PROGRAM, TOKEN_PROGRAM } from '../solana-address.ts'
import { channelsSchema } from './channels.ts'
import { circuitBreakerSchema, loopGuardSchema } from './guards.ts'
import { CERTIFICATE, identitySchema } from './identity.ts'
import { keysSchema, ledgerSchema, missingKeys, networkSchema, retentionSchema, sessionsSchema } from './keeping.ts'
import { adminSchema, proxySchema } from './listeners.ts'
import { mandatesSchema } from './mandates.ts'
import { unreachablePermissions } from './outer-ceilings.ts'
import { approvalsSchema, peopleSchema } from './people.ts'
import { permit2Schema } from './permit2.ts'
import { filePath, listen, secret } from './places.ts'
import { blockedFilesSchema, discoverySchema, priceDriftSchema } from './policy-inputs.ts'
import { preemptiveSchema } from './preemptive.ts'
import { telemetrySchema } from './telemetry.ts'
import { treasuryIssue } from './treasury.ts'
import { walletSchema } from './wallet.ts'

/** @param folder the folder that relative paths start from */
export function configSchema(folder: string) {
  return section(configShape(folder)).superRefine((config, context) => {
    for (const [path, message] of contradictionsOf(config)) context.addIssue({ code: 'custom', path: [...path], message })
  })
}

type Contradiction = readonly [path: readonly (string | number)[], message: string]

/** What each section allows and all together do not. */
function contradictionsOf(config: z.output<z.ZodObject<ReturnType<typeof configShape>>>): Contradiction[] {
  const { proxy, admin, metrics, networks, ledger, identity } = config
  const known = new Set(networks.map(({ id }) => id))
  const unknown = (proxy.defaultSession?.networks ?? []).filter((id) => !known.has(id))
  const taken = metrics.listen && [proxy.listen, admin.listen].some((other) => isSame(other, metrics.listen))
  return [
    ...when(isSame(proxy.listen, admin.listen), ['admin', 'listen'], 'is the address of the proxy already'),
    ...when(taken, ['metrics', 'listen'], 'is taken by another listener already'),
    ...when(config.gasWallet && networks.every(({ rpc }) => rpc === undefined), ['gasWallet'], 'needs a network with an rpc'),
    ...(ledger?.kind === 'postgres' ? missingKeys(config) : []).map((path): Contradiction => [path, SHARED]),
    ...when(
      identity.rules.some(({ issuer }) => issuer === CERTIFICATE) && proxy.serverTls?.clientCa === undefined,
      ['proxy', 'serverTls', 'clientCa'],
      'is missing: identity.issuers has one for client certificates',
    ),
    ...contradictionsOnSolana(config),
    ...contradictionsOfTreasury(config),
    ...when(config.preemptive && networks.every(({ rpc }) => rpc === undefined), ['preemptive'], 'needs a network with an rpc'),
    ...when(
      config.permit2.sponsored && networks.every(({ rpc }) => rpc === undefined),
      ['permit2', 'sponsored'],
      'needs a network with an rpc',
    ),
    ...when(config.channels && networks.every(({ rpc }) => rpc === undefined), ['channels'], 'needs a network with an rpc'),
    ...when(
      config.channels && !CHANNEL_WALLETS.has(config.wallet.kind ?? 'local'),
      ['channels'],
      'needs a wallet of kind local, derived or remote',
    ),
    ...unreachablePermissions(config.wallet, networks).map(([at, message]): Contradiction => [['wallet', 'spendPermissions', at], message]),
    ...unknown.map((id): Contradiction => [['proxy', 'defaultSession', 'networks'], `${id} is not among networks`]),
  ]
}

/** Whether a payment there is dead only its blocks can tell, and it takes a key of its own. */
function contradictionsOnSolana({ networks, wallet }: Pick<z.output<z.ZodObject<ReturnType<typeof configShape>>>, 'networks' | 'wallet'>) {
  return networks.flatMap(({ id, rpc }, at): Contradiction[] => {
    if (!id.startsWith('solana:')) return []
    return [
      ...when(!SOLANA.has(id), ['networks', at, 'id'], 'is no network of Solana: write solana, solana-devnet or solana-testnet'),
      ...when(rpc === undefined, ['networks', at, 'rpc'], 'is missing: Solana is not paid on without one'),
      ...when(wallet.solana === undefined, ['wallet', 'solana'], `is missing: ${id} takes a key of its own`),
    ]
  })
}

function contradictionsOfTreasury({ networks, wallet }: Parameters<typeof contradictionsOnSolana>[0]): Contradiction[] {
  const issue = wallet.kind === 'derived' && wallet.treasury && treasuryIssue(wallet.treasury, networks)
  return issue ? [[['wallet', 'treasury', 'network'], issue]] : []
}

const SOLANA = new Set(['solana', 'solana-devnet', 'solana-testnet'].map(resolveNetwork))
/** Those that sign deposits, vouchers and withdrawals. */
const CHANNEL_WALLETS: ReadonlySet<string> = new Set(['local', 'derived', 'remote'])
const SHARED = 'is missing: processes that share a PostgreSQL ledger share their keys'

function when(holds: unknown, path: Contradiction[0], message: string): Contradiction[] {
  return holds ? [[path, message]] : []
}

/** The sections by name; `tiers` as the list itself, which a file may hold too. */
export function configShape(folder: string) {
  return {
    mode: oneOf('open', 'report', 'enforce').default('enforce'),
    dataDir: filePath(folder).prefault('./data'),
    proxy: proxySchema(folder).prefault({}),
    admin: adminSchema(folder).prefault({}),
    metrics: section({ listen: listen.nullable().default(null) }).prefault({}),
    people: peopleSchema(folder).default([]),
    ledger: ledgerSchema(folder).exactOptional(),
    retention: retentionSchema(folder).default(null),
    keys: keysSchema(folder).prefault({}),
    sessions: sessionsSchema.prefault({}),
    wallet: walletSchema(folder).prefault({}),
    gasWallet: section({ key: secret(folder) })
      .nullable()
      .default(null),
    networks: networksSchema.default([]),
    assets: assetsSchema.default([]),
    recipients: recipientsSchema(folder).prefault({}),
    categories: rulesOf(categoryRule).default([]),
    jurisdictions: section({ sanctioned: listOf(jurisdiction).default([]) }).prefault({}),
    priceDrift: priceDriftSchema.prefault({}),
    discovery: discoverySchema.default(null),
    circuitBreaker: circuitBreakerSchema.prefault({}),
    loopGuard: loopGuardSchema.prefault({}),
    preemptive: preemptiveSchema.default(null),
    channels: channelsSchema.default(null),
    permit2: permit2Schema.prefault({}),
    identity: identitySchema(folder).prefault({}),
    tiers: tiersSchema.default([]),
    approvals: approvalsSchema(folder).prefault({}),
    mandates: mandatesSchema(folder).default(null),
    log: section({ level: oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent').default('info') }).prefault({}),
    telemetry: telemetrySchema(folder).prefault({}),
  }
}

function rulesOf<Item extends z.ZodType>(item: Item) {
  return z.array(item, { error: wanted('write a list') }).max(MAX_POLICY_RULES, { error: `at most ${MAX_POLICY_RULES} entries` })
}

const networksSchema = listOf(networkSchema).superRefine(eachOnce(({ id }) => id, 'id'))

/** A price of zero would make payments free in the caps' eyes. */
const rate = amount.refine((millionths) => millionths > 0n, { error: 'must be more than zero' })
const assetsSchema = listOf(
  section({
    network,
    address,
    symbol: name,
    decimals: z
      .int({ error: wanted('write a whole number') })
      .min(0, { error: '0 to 36' })
      .max(36, { error: '0 to 36' }),
    currency: z
      .string({ error: wanted('write a currency like USD') })
      .regex(/^[A-Z]{3,5}$/, { error: 'write a currency like USD' })
      .default('USD'),
    rate: rate.prefault('1.00'),
    eip712: section({ name, version: name }).exactOptional(),
    tokenProgram: oneOf('spl-token', 'token-2022')
      .transform((program) => (program === 'spl-token' ? TOKEN_PROGRAM : TOKEN_2022_PROGRAM))
      .exactOptional(),
  }).superRefine(({ network: place, address: at, eip712, tokenProgram }, context) => {
    const onSolana = place.startsWith('solana:')
    const issue = (member: string, message: string) => context.addIssue({ code: 'custom', path: [member], message })
    if (isSolanaAddress(at) !== onSolana)
      issue('address', onSolana ? 'not a Solana address' : 'not an address: write 0x and 40 hex digits, in quotes')
    if (onSolana && tokenProgram === undefined) issue('tokenProgram', 'is missing: write spl-token or token-2022')
    if (!onSolana && eip712 === undefined) issue('eip712', 'is missing: write a map with name, version')
  }),
).superRefine(eachOnce(({ network: place, address: at }) => `${place}/${uniformAddress(at)}`, 'address'))

/** As a receipt names it: without the fragment of a key. */
const signer = z
  .string({ error: wanted('write an address or a DID') })
  .regex(/^(0x[0-9a-fA-F]{40}|did:[a-z0-9]+:[A-Za-z0-9._:%-]{1,400})$/, { error: 'write an address or a DID, without a fragment' })
const listing = section({
  host: hostPattern,
  payTo: address.exactOptional(),
  jurisdiction: jurisdiction.exactOptional(),
  kind: oneOf('service', 'agent').exactOptional(),
  signers: z
    .array(signer, { error: wanted('write a list') })
    .max(MAX_SIGNERS, { error: `at most ${MAX_SIGNERS} signers` })
    .exactOptional(),
  signIn: z.boolean({ error: wanted('write true or false') }).exactOptional(),
})
const blocked = section({ host: hostPattern.exactOptional(), payTo: address.exactOptional() }).refine(
  ({ host, payTo }) => host !== undefined || payTo !== undefined,
  { error: 'write a host, a payTo or both' },
)
const recipientsSchema = (folder: string) =>
  section({
    verified: rulesOf(listing).default([]),
    blocked: rulesOf(blocked).default([]),
    blockedFiles: blockedFilesSchema(folder).default([]),
  })

const categoryRule = section({
  host: hostPattern,
  path: pathGlob.exactOptional(),
  method: method.exactOptional(),
  tool: name.exactOptional(),
  category,
})

/** Refuses the second of two entries with the same key. */
function eachOnce<Item>(keyOf: (item: Item) => string, member: string) {
  return (items: readonly Item[], context: z.RefinementCtx) => {
    const keys = items.map(keyOf)
    for (const [at, key] of keys.entries()) {
      if (keys.indexOf(key) < at) context.addIssue({ code: 'custom', path: [at, member], message: `${key} is listed twice` })
    }
  }
}

function isSame(a: { host: string; port: number }, b: { host: string; port: number } | null): boolean {
  return b !== null && a.port !== 0 && a.host === b.host && a.port === b.port
}
