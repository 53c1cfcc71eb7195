/**
 * The house: what all rooms share, opened once from the configuration. With `app.ts` the only file that names adapters:
 * this one those that keep things (keys, wallet, ledger, chain), that one those that listen.
 */
import { hkdfSync } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { DestinationStream } from 'pino'
import { type CheckpointSigner, createCheckpointSigner } from './audit/checkpoint.ts'
import type { Chain, ChainHistory, GasWallet } from './chain/chain.ts'
import { createEvmChain } from './chain/evm-chain.ts'
import { createGasWallet } from './chain/gas-wallet.ts'
import { type Clock, type Ids, randomIds, systemClock } from './clock.ts'
import { type Environment, environment } from './config/environment.ts'
import type { Config } from './config/load.ts'
import { fingerprint, readOrCreateAdminToken, requireVariables, resolveKey, resolveSecret, resolveWalletKey } from './config/secrets.ts'
import { startSecrets } from './config/start-secrets.ts'
import { openHeaders } from './config/telemetry.ts'
import type { Fetch } from './http.ts'
import type { Ledger } from './ledger/ledger.ts'
import { openPostgresLedger } from './ledger/postgres.ts'
import { openSqliteLedger } from './ledger/sqlite.ts'
import { type MandateDesk, openMandateDesk } from './mandate/desk.ts'
import type { Asset } from './money.ts'
import { createFunds, type Funds } from './payment/balance.ts'
import { AGENT_DOOR_HOST } from './proxy/admit.ts'
import { type Authority, openAuthority } from './proxy/authority.ts'
import type { Address } from './proxy/listen.ts'
import { permittedSubtrees } from './proxy/name-constraints.ts'
import type { Parents } from './proxy/parent.ts'
import { knownAssets } from './rails/x402/assets.ts'
import { createSessionJwts, type SessionJwts } from './session/jwt.ts'
import { createTelemetry, type Telemetry } from './telemetry/telemetry.ts'
import { openTraces, type Traces, type TracesOptions } from './telemetry/traces.ts'
import { createLocalWallet, parseKey } from './wallet/local-key.ts'
import type { Wallet } from './wallet/wallet.ts'
import { openWayOut } from './way-out.ts'

export interface HouseOptions {
  readonly logLevel?: string
  readonly logDestination?: DestinationStream
  readonly env?: Environment
  readonly clock?: Clock
  readonly ids?: Ids
  /** An operator says that a restored copy of the ledger is the one to go on with. */
  readonly acceptRestored?: boolean
  /** Where the built console stands; `dist/console` of this installation unless given. */
  readonly consoleDir?: string
}

/** Secrets of this installation, 32 bytes each. */
interface Keys {
  readonly token: Buffer
  readonly nonce: Buffer
  readonly answer: Buffer
  /** Signs session tokens that are JWTs. */
  readonly session: Buffer
}

export interface House {
  readonly config: Config
  readonly env: Environment
  readonly clock: Clock
  readonly ids: Ids
  readonly telemetry: Telemetry
  readonly ledger: Ledger
  readonly wallet: Wallet
  readonly chain: Chain & ChainHistory
  readonly gasWallet: GasWallet | undefined
  readonly signer: CheckpointSigner
  readonly keys: Keys
  readonly jwts: SessionJwts
  readonly mandates: MandateDesk | undefined
  readonly funds: Funds
  readonly assets: readonly Asset[]
  readonly networks: readonly string[]
  readonly authority: Authority
  /** The ways out. */
  readonly parents: Parents
  /** For our own questions, by the same ways. */
  readonly fetch: Fetch
  /** PEM of further roots for upstreams. */
  readonly ca: readonly string[]
  readonly adminToken: string
  /** Where our own listeners are, as they come up: agents must not reach them through the proxy. */
  readonly doors: Address[]
}

/** @throws SecretError, AuthorityError or PurserError; what is open by then is in `started`. */
export async function openHouse(config: Config, options: HouseOptions, started: AsyncDisposableStack): Promise<House> {
  const { clock = systemClock, ids = randomIds, env = environment(), logDestination } = options
  const { dataDir } = config
  requireVariables(startSecrets(config), env)
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const traces = await openConfiguredTraces(config, { env, clock, warned: (...said) => telemetry.events.warned(...said) })
  if (traces) started.use(traces)
  const telemetry: Telemetry = createTelemetry({
    level: options.logLevel ?? config.log.level,
    ...(logDestination ? { destination: logDestination } : {}),
    ...(traces && { traces }),
  })
  const { parents, ca, fetch } = started.use(await openWayOut(config, env))
  const networks = config.networks.map(({ id }) => id)
  const receiptKey = await resolveKey(config.keys.receipt, join(dataDir, 'receipt.key'), env)
  const base = {
    ...{ config, env, clock, ids, telemetry, networks, parents, fetch, ca, doors: [] },
    keys: await openKeys(config, env),
    signer: createCheckpointSigner(receiptKey),
    wallet: await openWallet(config, env),
    chain: createEvmChain({
      networks: config.networks.flatMap(({ rpc, ...network }) => (rpc === undefined ? [] : [{ ...network, rpc }])),
      fetch,
    }),
    gasWallet: await openGasWallet(config, { env, fetch }),
    authority: await openLocalAuthority(config, { env, clock }),
    adminToken: await readOrCreateAdminToken(join(dataDir, 'admin.token')),
    assets: [...knownAssets(), ...config.assets].filter(({ network }) => networks.includes(network)),
  }
  const jwts = await createSessionJwts(base.keys.session)
  const mandates = config.mandates ? await openMandateDesk({ ...config.mandates, secret: base.keys.token }) : undefined
  const ledger = started.use(await openLedger(base, { env, acceptRestored: options.acceptRestored ?? false }))
  if (config.ledger.kind === 'postgres') await ledger.claimIdentity(await fingerprintsOf(base, receiptKey))
  return { ...base, ledger, jwts, mandates, funds: createFunds({ chain: base.chain, ledger, clock, events: telemetry.events }) }
}

async function openConfiguredTraces(
  { telemetry: { traces } }: Config,
  { env, ...told }: Pick<TracesOptions, 'clock' | 'warned'> & { readonly env: Environment },
): Promise<Traces | undefined> {
  return traces ? openTraces({ ...(await openHeaders(traces, env)), ...told }) : undefined
}

async function openKeys({ dataDir, keys }: Config, env: Environment): Promise<Keys> {
  const key = (name: Exclude<keyof Keys, 'session'>) => resolveKey(keys[name], join(dataDir, `${name}.key`), env)
  const token = await key('token')
  const derived = () => Buffer.from(hkdfSync('sha256', token, '', 'purser session tokens', token.length))
  const session = keys.session ? await resolveKey(keys.session, '', env) : derived()
  return { token, nonce: await key('nonce'), answer: await key('answer'), session }
}

async function openWallet({ wallet }: Config, env: Environment): Promise<Wallet> {
  const password = wallet.password && (await resolveSecret(wallet.password, env))
  return createLocalWallet({ key: parseKey(await resolveWalletKey(wallet.key, env), password) })
}

async function openGasWallet(
  { gasWallet, networks }: Config,
  { env, fetch }: { readonly env: Environment; readonly fetch: Fetch },
): Promise<GasWallet | undefined> {
  if (!gasWallet) return undefined
  const reachable = networks.flatMap(({ id, rpc }) => (rpc === undefined ? [] : [{ id, rpc }]))
  return createGasWallet({ key: parseKey(await resolveSecret(gasWallet.key, env)), networks: reachable, fetch })
}

async function openLocalAuthority(
  { dataDir, proxy, keys }: Config,
  { env, clock }: { readonly env: Environment; readonly clock: Clock },
): Promise<Authority> {
  const permitted = permittedSubtrees([...proxy.intercept.hosts, AGENT_DOOR_HOST])
  const given = keys.ca && {
    certFile: keys.ca.cert,
    certPem: await readFile(keys.ca.cert, 'utf8'),
    keyPem: await resolveSecret(keys.ca.key, env),
  }
  return openAuthority({ dataDir, clock, ...(permitted && { permitted }), ...(given && { given }) })
}

async function openLedger(
  { config, clock, ids, telemetry, chain }: Pick<House, 'config' | 'clock' | 'ids' | 'telemetry' | 'chain'>,
  { env, acceptRestored }: { readonly env: Environment; readonly acceptRestored: boolean },
): Promise<Ledger> {
  const { ledger, dataDir, sessions } = config
  const runId = randomIds('run')
  const shared = {
    clock,
    ids,
    runId,
    events: telemetry.events,
    thresholds: sessions.thresholds,
    confirmable: chain.networks,
    acceptRestored,
  }
  if (ledger.kind === 'sqlite') return openSqliteLedger({ ...shared, file: ledger.file })
  const password = ledger.password && (await resolveSecret(ledger.password, env))
  return openPostgresLedger({
    ...shared,
    url: ledger.url,
    ...(password !== undefined && { password }),
    unsafeAsyncReplication: ledger.unsafeAsyncReplication,
    instance: `${hostname()}:${dataDir}`,
    mark: join(dataDir, 'ledger.mark'),
  })
}

/** What replicas of one ledger have to share (rule R21). */
async function fingerprintsOf(
  { keys, wallet, authority }: Pick<House, 'keys' | 'wallet' | 'authority'>,
  receiptKey: Buffer,
): Promise<Readonly<Record<string, string>>> {
  return {
    'nonce key': fingerprint('nonce key', keys.nonce),
    'answer key': fingerprint('answer key', keys.answer),
    'token key': fingerprint('token key', keys.token),
    'session key': fingerprint('session key', keys.session),
    'receipt key': fingerprint('receipt key', receiptKey),
    'local authority': fingerprint('local authority', authority.publicKey),
    wallet: fingerprint('wallet', await wallet.address(null)),
  }
}
