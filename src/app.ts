/** Puts everything together: the only file that names adapters. Whoever starts an app stops it (`await using`). */
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DestinationStream } from 'pino'
import { createAdminApp } from './admin/admin.ts'
import { type AgentDoor, createAgentDoor } from './admin/agent-door.ts'
import type { AdminDeps } from './admin/deps.ts'
import { type RunningAdmin, startAdmin } from './admin/listen.ts'
import { newSession } from './admin/open-session.ts'
import { createMetricsApp } from './admin/status.ts'
import { type Clock, type Ids, randomIds, systemClock } from './clock.ts'
import type { ServerTls } from './config/config.ts'
import { type Environment, environment } from './config/environment.ts'
import type { Config } from './config/load.ts'
import { readOrCreateAdminToken, readOrCreateKey, resolveSecret, resolveWalletKey } from './config/secrets.ts'
import type { Ledger } from './ledger/ledger.ts'
import { openSqliteLedger } from './ledger/sqlite.ts'
import type { Asset } from './money.ts'
import { createPhases, type PaymentDeps, type Policy } from './payment/deps.ts'
import { createEstimate } from './payment/estimate.ts'
import { createInFlight } from './payment/in-flight.ts'
import { createPay } from './payment/pay.ts'
import { lintTiers } from './policy/lint.ts'
import { policySentences } from './policy/sentences.ts'
import { policyVersion } from './policy/version.ts'
import { AGENT_DOOR_HOST } from './proxy/admit.ts'
import { type Authority, openAuthority } from './proxy/authority.ts'
import { type Address, type RunningProxy, startProxy } from './proxy/listen.ts'
import { permittedSubtrees } from './proxy/name-constraints.ts'
import { knownAssets } from './rails/x402/assets.ts'
import { createX402Rail } from './rails/x402/x402.ts'
import { createIdentify } from './session/identify.ts'
import type { Session } from './session/session.ts'
import { createTelemetry, type Telemetry } from './telemetry/telemetry.ts'
import { createLocalWallet, parseKey } from './wallet/local-key.ts'
import type { Wallet } from './wallet/wallet.ts'

export interface App extends AsyncDisposable {
  /** Where agents reach the proxy, with the port that was taken. */
  readonly proxyUrl: string
  readonly adminUrl: string
  readonly metricsUrl: string | undefined
  /** The local authority's certificate, which agents must trust for intercepted hosts. */
  readonly caFile: string
  readonly walletAddress: string
  /** What an operator should know about this configuration. */
  readonly warnings: readonly string[]
  /** Stops accepting, concludes what was signed, then closes everything. Bounded by `DRAIN_TIMEOUT_MS`. */
  drain(): Promise<void>
}

export interface AppOptions {
  readonly logLevel?: string
  readonly logDestination?: DestinationStream
  readonly env?: Environment
  readonly clock?: Clock
  readonly ids?: Ids
}

/** What the rooms share. */
interface House {
  readonly config: Config
  readonly clock: Clock
  readonly ids: Ids
  readonly telemetry: Telemetry
  readonly ledger: Ledger
  readonly wallet: Wallet
  readonly assets: readonly Asset[]
  readonly networks: readonly string[]
  readonly authority: Authority
  readonly tokenSecret: Buffer
  readonly nonceSecret: Buffer
  readonly adminToken: string
  /** Where our own listeners are, as they come up: agents must not reach them through the proxy. */
  readonly doors: Address[]
}

/**
 * Opens the data folder, starts the listeners, and is ready when this resolves.
 * @throws SecretError, AuthorityError, PurserError or a listener's error; nothing stays open then.
 */
export async function startApp(config: Config, options: AppOptions = {}): Promise<App> {
  await using started = new AsyncDisposableStack()
  const house = await openHouse(config, options, started)
  const policy = policyOf(config)
  const payment = paymentDepsOf(house, policy)
  const status = { render: () => renderMetrics(house), readiness: () => house.ledger.readiness() }
  const proxy = started.use(await openProxy(house, payment))
  const admin = started.use(await openAdmin(house, { policy, proxy, status }))
  const metrics = config.metrics.listen && started.use(await openMetrics(house, status))
  const all = started.move()
  return {
    proxyUrl: proxy.url,
    adminUrl: admin.url,
    metricsUrl: metrics?.url,
    caFile: house.authority.certFile,
    walletAddress: await house.wallet.address(null),
    warnings: config.warnings,
    drain: async () => {
      await proxy.drain()
      await all.disposeAsync()
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

async function openHouse(config: Config, options: AppOptions, started: AsyncDisposableStack): Promise<House> {
  const { clock = systemClock, ids = randomIds, env = environment(), logDestination } = options
  const { dataDir } = config
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const telemetry = createTelemetry({
    level: options.logLevel ?? config.log.level,
    ...(logDestination ? { destination: logDestination } : {}),
  })
  const networks = config.networks.map(({ id }) => id)
  const permitted = permittedSubtrees([...config.proxy.intercept.hosts, AGENT_DOOR_HOST])
  const password = config.wallet.password && (await resolveSecret(config.wallet.password, env))
  return {
    ...{ config, clock, ids, telemetry, networks, doors: [] },
    assets: [...knownAssets(), ...config.assets].filter(({ network }) => networks.includes(network)),
    wallet: createLocalWallet({ key: parseKey(await resolveWalletKey(config.wallet.key, env), password) }),
    authority: await openAuthority({ dataDir, clock, ...(permitted && { permitted }) }),
    tokenSecret: await readOrCreateKey(join(dataDir, 'token.key')),
    nonceSecret: await readOrCreateKey(join(dataDir, 'nonce.key')),
    adminToken: await readOrCreateAdminToken(join(dataDir, 'admin.token')),
    ledger: started.use(
      await openSqliteLedger({ file: config.ledger.file, clock, ids, runId: randomIds('run'), events: telemetry.events }),
    ),
  }
}

function policyOf({ mode, tiers, categories, recipients, jurisdictions }: Config): Policy {
  const rules = { categories, recipients, jurisdictions }
  return { mode, tiers, rules, version: policyVersion({ tiers, rules }) }
}

function paymentDepsOf(house: House, policy: Policy): PaymentDeps {
  const { clock, ids, ledger, wallet, nonceSecret, assets, networks, telemetry } = house
  const { events } = telemetry
  const rails = [createX402Rail({ assets, networks })]
  const phases = createPhases(clock, events)
  return { rails, ledger, wallet, policy: () => policy, clock, ids, events, phases, inFlight: createInFlight(), nonceSecret }
}

async function openProxy(house: House, payment: PaymentDeps): Promise<RunningProxy> {
  const { config, clock, ids, ledger, authority, telemetry } = house
  const { proxy } = config
  const [rail] = payment.rails
  const defaultSession = proxy.authenticate ? undefined : await openDefaultSession(house)
  const running: RunningProxy = await startProxy({
    ...{ clock, ids, authority, settings: proxy, events: telemetry.events },
    identify: createIdentify({ sessionByToken: (hash) => ledger.sessionByToken(hash), ...(defaultSession && { defaultSession }) }),
    onPaymentRequired: createPay(payment),
    paymentHeaders: payment.rails.flatMap(({ paymentHeaders }) => paymentHeaders),
    ...(rail && { askAgain: rail.askAgain }),
    agentDoor: (session, request) => agentDoor(session, request),
    otherDoors: () => house.doors,
    ca: await Promise.all(proxy.tls.caFiles.map((file) => readFile(file, 'utf8'))),
    ...(proxy.serverTls && { tls: await readTls(proxy.serverTls) }),
  })
  const agentDoor: AgentDoor = createAgentDoor({ ...house, events: telemetry.events, quote: createEstimate(payment, running.probe) })
  return running
}

/** The one durable row of this name: a restart resumes it, and never refills it (rule R10). */
async function openDefaultSession(house: House): Promise<() => Promise<Session>> {
  const { config, ledger } = house
  const spec = config.proxy.defaultSession
  if (!spec) throw new Error('proxy.defaultSession is missing although proxy.authenticate is false')
  const name = `default:${spec.agent}`
  const found = await ledger.sessionByName(name)
  const session = found ?? (await ledger.openSession({ ...(await newSession(spec, adminBasis(house))), name }))
  return async () => (await ledger.session(session.id)) ?? session
}

function adminBasis(
  house: House,
): Pick<AdminDeps, 'ledger' | 'clock' | 'ids' | 'wallet' | 'tokenSecret' | 'adminToken' | 'assets' | 'defaults' | 'events'> {
  const { ledger, clock, ids, wallet, tokenSecret, adminToken, assets, networks, telemetry, config } = house
  const symbols = [...new Set(assets.map(({ symbol }) => symbol))]
  const owner = config.people.find(({ roles }) => roles.includes('owner'))?.id ?? 'operator'
  const defaults = { currency: 'USD', networks, assets: symbols, owner, wallet: null }
  return { ledger, clock, ids, wallet, tokenSecret, adminToken, assets, defaults, events: telemetry.events }
}

interface Admitted {
  readonly policy: Policy
  readonly proxy: RunningProxy
  readonly status: Pick<AdminDeps, 'render' | 'readiness'>
}

async function openAdmin(house: House, { policy, proxy, status }: Admitted): Promise<RunningAdmin> {
  const { listen, hosts, serverTls } = house.config.admin
  const { tiers, rules, mode, version } = policy
  const cap = house.config.proxy.defaultSession?.cap
  const lint = lintTiers(tiers, { rules, ...(cap !== undefined && { cap }) })
  const info = { mode, version, tiers, rules, sentences: policySentences(policy), lint }
  const app = createAdminApp({
    ...{ ...adminBasis(house), ...status, hosts, policy: () => info },
    contentType: house.telemetry.contentType,
    proxyUrl: proxy.url,
    onRevoked: (sessionId) => proxy.endSession(sessionId),
  })
  return known(house, await startAdmin({ app, listen, ...(serverTls && { tls: await readTls(serverTls) }) }))
}

async function openMetrics(house: House, status: Pick<AdminDeps, 'render' | 'readiness'>): Promise<RunningAdmin> {
  const { config, telemetry } = house
  if (!config.metrics.listen) throw new Error('metrics.listen is not set')
  const app = createMetricsApp({ ...status, contentType: telemetry.contentType, events: telemetry.events })
  return known(house, await startAdmin({ app, listen: config.metrics.listen }))
}

function known(house: House, admin: RunningAdmin): RunningAdmin {
  const { hostname, port } = new URL(admin.url)
  house.doors.push({ host: hostname.replace(/^\[|\]$/g, ''), port: Number.parseInt(port, 10) })
  return admin
}

async function renderMetrics({ ledger, telemetry }: House): Promise<string> {
  return telemetry.render({ ...(await ledger.totals()), approvalsPending: 0 })
}

async function readTls({ cert, key }: ServerTls): Promise<{ cert: string; key: string }> {
  return { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') }
}
