/**
 * The house: what all rooms share, opened once from the configuration. With `app.ts` the only file that names adapters:
 * this one those that keep things (keys, wallet, ledger, chain), that one those that listen. What only some configurations
 * need is loaded by those.
 */
import { hkdfSync } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { DestinationStream } from 'pino'
import { type CheckpointSigner, createCheckpointSigner } from './audit/checkpoint.ts'
import type { Chain, ChainHistory, Escrows, GasWallet } from './chain/chain.ts'
import { type Clock, type Ids, randomIds, systemClock } from './clock.ts'
import { type Environment, environment } from './config/environment.ts'
import type { Config } from './config/load.ts'
import { fingerprint, readOrCreateAdminToken, requireVariables, resolveKey, resolveSecret } from './config/secrets.ts'
import { startSecrets } from './config/start-secrets.ts'
import { openHeaders } from './config/telemetry.ts'
import type { Fetch } from './http.ts'
import { withArchive } from './ledger/archive/records.ts'
import type { Ledger } from './ledger/ledger.ts'
import type { SharedLedger } from './ledger/shared.ts'
import { openSqliteLedger } from './ledger/sqlite.ts'
import type { MandateDesk } from './mandate/desk.ts'
import type { Asset } from './money.ts'
import { openWallet } from './open-wallet.ts'
import { createFunds, type Funds } from './payment/balance.ts'
import { AGENT_DOOR_HOST } from './proxy/admit.ts'
import { type Authority, type AuthorityOptions, openAuthority } from './proxy/authority.ts'
import type { Address } from './proxy/listen.ts'
import { permittedSubtrees } from './proxy/name-constraints.ts'
import type { Parents } from './proxy/parent.ts'
import { createSessionJwts, type SessionJwts } from './session/jwt.ts'
import { logToStderr } from './telemetry/log.ts'
import { createTelemetry, type Telemetry } from './telemetry/telemetry.ts'
import { openTraces, type Traces, type TracesOptions } from './telemetry/traces.ts'
import { parseKey } from './wallet/local-key.ts'
import type { Wallet } from './wallet/wallet.ts'
import { openChain, openEscrows, openWayOut, payableAssets } from './way-out.ts'

export interface HouseOptions {
  readonly logLevel?: string
  readonly logDestination?: DestinationStream
  readonly env?: Environment
  readonly clock?: Clock
  readonly ids?: Ids
  /** An operator says that a restored copy of the ledger is the one to go on with. */
  readonly acceptRestored?: boolean
  /** This process is a worker. */
  readonly worker?: WorkerPlace
  /** Where the built console stands; `dist/console` of this installation unless given. */
  readonly consoleDir?: string
}

export interface WorkerPlace {
  /** From 1 on. */
  readonly number: number
  /** The primary's, where only that has it; absent where each process has a connection of its own. */
  readonly ledger?: Ledger
  readonly ticketSecret: Uint8Array
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
  /** Takes whole lines of other processes' logs. */
  readonly logLines: DestinationStream
  readonly ledger: Ledger
  /** For people and reports: the same ledger, whose records go on in the archive. Nothing that pays reads through it. */
  readonly records: Ledger
  /** The same, where other processes reach it through this one only. */
  readonly shared: SharedLedger | undefined
  readonly wallet: Wallet
  readonly chain: Chain & ChainHistory
  readonly escrows: Escrows
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
  const { clock = systemClock, ids = randomIds, env = environment(), logDestination, worker } = options
  const { dataDir } = config
  requireVariables(startSecrets(config), env)
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const traces = await openConfiguredTraces(config, { env, clock, warned: (...said) => telemetry.events.warned(...said) })
  if (traces) started.use(traces)
  const logLines = logDestination ?? logToStderr()
  const telemetry: Telemetry = createTelemetry({
    level: options.logLevel ?? config.log.level,
    destination: logLines,
    ...(traces && { traces }),
    worker: worker?.number,
  })
  const { parents, ca, fetch } = started.use(await openWayOut(config, env))
  const networks = config.networks.map(({ id }) => id)
  const late = Promise.withResolvers<Ledger>()
  const receiptKey = await resolveKey(config.keys.receipt, join(dataDir, 'receipt.key'), env)
  const base = {
    ...{ config, env, clock, ids, telemetry, logLines, networks, parents, fetch, ca, doors: [] },
    keys: await openKeys(config, env),
    signer: createCheckpointSigner(receiptKey),
    wallet: await openWallet(config, env, { ask: fetch, known: late.promise, started, clock, warned: telemetry.events.warned }),
    chain: await openChain(config, fetch),
    escrows: openEscrows(config, fetch),
    gasWallet: await openGasWallet(config, { env, fetch }),
    authority: await openLocalAuthority(config, { env, clock, ticketSecret: worker?.ticketSecret }),
    adminToken: await readOrCreateAdminToken(join(dataDir, 'admin.token')),
    assets: payableAssets(config),
  }
  const jwts = await createSessionJwts(base.keys.session)
  const mandates = await openMandates(config, base.keys)
  const { ledger, shared } = await openLedger(base, { env, worker, acceptRestored: options.acceptRestored ?? false })
  started.use(ledger)
  if (config.ledger.kind === 'postgres') await ledger.claimIdentity(await fingerprintsOf(base, receiptKey))
  const records = config.retention ? withArchive(ledger, config.retention.folder) : ledger
  late.resolve(records)
  const funds = createFunds({ chain: base.chain, ledger, clock, events: telemetry.events })
  return { ...base, ledger, records, shared, jwts, mandates, funds }
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

async function openGasWallet(
  { gasWallet, networks }: Config,
  { env, fetch }: { readonly env: Environment; readonly fetch: Fetch },
): Promise<GasWallet | undefined> {
  if (!gasWallet) return undefined
  const { createGasWallet } = await import('./chain/gas-wallet.ts')
  const reachable = networks.flatMap(({ id, rpc }) => (rpc === undefined ? [] : [{ id, rpc }]))
  return createGasWallet({ key: parseKey(await resolveSecret(gasWallet.key, env)), networks: reachable, fetch })
}

async function openMandates({ mandates }: Config, keys: Keys): Promise<MandateDesk | undefined> {
  if (!mandates) return undefined
  const { openMandateDesk } = await import('./mandate/desk.ts')
  return openMandateDesk({ ...mandates, secret: keys.token })
}

async function openLocalAuthority(
  { dataDir, proxy, keys }: Config,
  { env, ...options }: { readonly env: Environment } & Pick<AuthorityOptions, 'clock' | 'ticketSecret'>,
): Promise<Authority> {
  const permitted = permittedSubtrees([...proxy.intercept.hosts, AGENT_DOOR_HOST])
  const given = keys.ca && {
    certFile: keys.ca.cert,
    certPem: await readFile(keys.ca.cert, 'utf8'),
    keyPem: await resolveSecret(keys.ca.key, env),
  }
  return openAuthority({ dataDir, ...options, ...(permitted && { permitted }), ...(given && { given }) })
}

async function openLedger(
  { config, clock, ids, telemetry, chain }: Pick<House, 'config' | 'clock' | 'ids' | 'telemetry' | 'chain'>,
  {
    env,
    worker,
    acceptRestored,
  }: { readonly env: Environment; readonly worker: WorkerPlace | undefined; readonly acceptRestored: boolean },
): Promise<Pick<House, 'ledger' | 'shared'>> {
  if (worker?.ledger) return { ledger: worker.ledger, shared: undefined }
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
  if (ledger.kind === 'sqlite') {
    const opened = await openSqliteLedger({ ...shared, file: ledger.file })
    return { ledger: opened, shared: opened }
  }
  const password = ledger.password && (await resolveSecret(ledger.password, env))
  const { openPostgresLedger } = await import('./ledger/postgres.ts')
  const opened = await openPostgresLedger({
    ...shared,
    url: ledger.url,
    ...(password !== undefined && { password }),
    unsafeAsyncReplication: ledger.unsafeAsyncReplication,
    instance: `${hostname()}:${dataDir}${worker ? `:${worker.number}` : ''}`,
    mark: join(dataDir, 'ledger.mark'),
    marksItself: worker === undefined,
  })
  return { ledger: opened, shared: undefined }
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
    ...(await walletFingerprints(wallet)),
    ...(wallet.solana && { 'Solana wallet': fingerprint('Solana wallet', await wallet.solana.address(null)) }),
  }
}

/**
 * The first wallet of the ledger, then each that took over from the one before: a replica that has not rotated yet brings
 * a part of the same.
 */
export async function walletFingerprints(wallet: Pick<Wallet, 'address' | 'payers'>): Promise<Readonly<Record<string, string>>> {
  const payers = (await wallet.payers?.(null)) ?? [await wallet.address(null)]
  const named = payers
    .toReversed()
    .map((address, rotations) => [rotations === 0 ? 'wallet' : `wallet after rotation ${rotations}`, address])
  return Object.fromEntries(named.map(([name = '', address = '']) => [name, fingerprint('wallet', address)]))
}
