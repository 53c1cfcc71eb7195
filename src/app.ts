/** Puts everything together: with `house.ts` the only file that names adapters. Whoever starts an app stops it (`await using`). */
import { readFile } from 'node:fs/promises'
import { createAdminApp } from './admin/admin.ts'
import { type AgentDoor, createAgentDoor } from './admin/agent-door.ts'
import type { AdminDeps } from './admin/deps.ts'
import { type RunningAdmin, startAdmin } from './admin/listen.ts'
import { newSession } from './admin/open-session.ts'
import { watchRevocations } from './admin/revocations.ts'
import { createMetricsApp } from './admin/status.ts'
import type { ServerTls } from './config/config.ts'
import type { Config } from './config/load.ts'
import { PurserError } from './errors.ts'
import { type House, type HouseOptions, openHouse } from './house.ts'
import type { Ledger } from './ledger/ledger.ts'
import { PROOF_INTERVAL_MS } from './limits.ts'
import { createAnswers } from './payment/answers.ts'
import { createPhases, type PaymentDeps, type Policy } from './payment/deps.ts'
import { createEstimate } from './payment/estimate.ts'
import { createInFlight } from './payment/in-flight.ts'
import { createPay } from './payment/pay.ts'
import { lintTiers } from './policy/lint.ts'
import { policySentences } from './policy/sentences.ts'
import { policyVersion } from './policy/version.ts'
import { type Proof, startProof } from './proof.ts'
import { type RunningProxy, startProxy } from './proxy/listen.ts'
import { createX402Rail } from './rails/x402/x402.ts'
import { createIdentify } from './session/identify.ts'
import type { Session } from './session/session.ts'

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
  /** Why payments cannot be made now; empty when they can. The same is on /readyz. */
  readiness(): Promise<readonly string[]>
  /** Stops accepting, concludes what was signed, then closes everything. Bounded by `DRAIN_TIMEOUT_MS`. */
  drain(): Promise<void>
}

/**
 * Opens the data folder, starts the listeners, and is ready when this resolves.
 * @throws SecretError, AuthorityError, PurserError or a listener's error; nothing stays open then.
 */
export async function startApp(config: Config, options: HouseOptions = {}): Promise<App> {
  await using started = new AsyncDisposableStack()
  const house = await openHouse(config, options, started)
  const policy = policyOf(config)
  const proof = await startProof(house, started)
  const payment = paymentDepsOf(house, { policy, proof })
  const readiness = [() => house.ledger.readiness(), () => proof.clockReasons(), watchPolicy(house, policy, started)]
  await announce(house, policy, started)
  const status = { render: () => renderMetrics(house), readiness }
  const proxy = started.use(await openProxy(house, payment))
  const admin = started.use(await openAdmin(house, { policy, proxy, proof, status }))
  const metrics = config.metrics.listen && started.use(await openMetrics(house, status))
  started.defer(watchRevocations({ ledger: house.ledger, onRevoked: (id) => proxy.endSession(id), events: house.telemetry.events }))
  const all = started.move()
  return {
    proxyUrl: proxy.url,
    adminUrl: admin.url,
    metricsUrl: metrics?.url,
    caFile: house.authority.certFile,
    walletAddress: await house.wallet.address(null),
    warnings: config.warnings,
    readiness: async () => (await Promise.all(readiness.map((reasons) => reasons()))).flat(),
    drain: async () => {
      await proxy.drain()
      await all.disposeAsync()
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

/** A ledger that cannot be written now is told of on /readyz, and told the policy as soon as it can be. */
async function announce({ ledger }: House, { version }: Policy, started: AsyncDisposableStack): Promise<void> {
  if (await isAnnounced(ledger, version)) return
  const timer = setInterval(() => {
    isAnnounced(ledger, version).then(
      (done) => done && clearInterval(timer),
      () => undefined,
    )
  }, PROOF_INTERVAL_MS).unref()
  started.defer(() => clearInterval(timer))
}

/** Another process may put another policy in force: this one refuses every payment then (rule R8), and says so. */
function watchPolicy({ ledger, telemetry }: House, { version }: Policy, started: AsyncDisposableStack): () => readonly string[] {
  let inForce = version
  const unwatch = ledger.watch((change) => {
    if (change.kind !== 'policy') return
    inForce = change.version
    if (inForce !== version)
      telemetry.events.warned(`Policy ${inForce} is in force, and this process decides by ${version}: it pays nothing.`)
  })
  started.defer(unwatch)
  return () =>
    inForce === version ? [] : [`Policy ${inForce} is in force, and this process decides by ${version}. Restart it with the same file.`]
}

async function isAnnounced(ledger: Pick<Ledger, 'announcePolicy'>, version: string): Promise<boolean> {
  try {
    await ledger.announcePolicy(version)
    return true
  } catch (cause) {
    if (cause instanceof PurserError && cause.refusal.code === 'ledger_unavailable') return false
    throw cause
  }
}

function policyOf({ mode, tiers, categories, recipients, jurisdictions }: Config): Policy {
  const rules = { categories, recipients, jurisdictions }
  return { mode, tiers, rules, version: policyVersion({ mode, tiers, rules }) }
}

function paymentDepsOf(house: House, { policy, proof }: { readonly policy: Policy; readonly proof: Proof }): PaymentDeps {
  const { clock, ids, ledger, wallet, keys, assets, networks, telemetry } = house
  const { events } = telemetry
  return {
    ...{ ledger, wallet, clock, ids, events, nonceSecret: keys.nonce },
    rails: [createX402Rail({ assets, networks })],
    policy: () => policy,
    phases: createPhases(clock, events),
    inFlight: createInFlight(),
    answers: createAnswers({ ledger, clock, events, key: keys.answer }),
    clockBar: proof.clockBar,
    settleNow: proof.settleNow,
  }
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
  const agentDoor: AgentDoor = createAgentDoor({
    ...{ ...house, tokenSecret: house.keys.token, events: telemetry.events, proxyUrl: () => running.url },
    quote: createEstimate(payment, running.probe),
  })
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
  const { ledger, clock, ids, wallet, keys, adminToken, assets, networks, telemetry, config } = house
  const symbols = [...new Set(assets.map(({ symbol }) => symbol))]
  const owner = config.people.find(({ roles }) => roles.includes('owner'))?.id ?? 'operator'
  const defaults = { currency: 'USD', networks, assets: symbols, owner, wallet: null }
  return { ledger, clock, ids, wallet, tokenSecret: keys.token, adminToken, assets, defaults, events: telemetry.events }
}

interface Admitted {
  readonly policy: Policy
  readonly proxy: RunningProxy
  readonly proof: Proof
  readonly status: Pick<AdminDeps, 'render' | 'readiness'>
}

async function openAdmin(house: House, { policy, proxy, proof, status }: Admitted): Promise<RunningAdmin> {
  const { listen, hosts, serverTls } = house.config.admin
  const { tiers, rules, mode, version } = policy
  const cap = house.config.proxy.defaultSession?.cap
  const lint = lintTiers(tiers, { rules, ...(cap !== undefined && { cap }) })
  const info = { mode, version, tiers, rules, sentences: policySentences(policy), lint }
  const { checkpointing, reconcile, cancel } = proof
  const app = createAdminApp({
    ...{ ...adminBasis(house), ...status, checkpointing, reconcile, cancel, hosts, policy: () => info },
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

/** While the ledger cannot be read, what was counted is shown all the same: that is when people look at it. */
async function renderMetrics({ ledger, telemetry }: House): Promise<string> {
  const totals = await ledger.totals().catch((cause: unknown) => {
    telemetry.events.warned('The ledger could not be asked for metrics.', cause)
    return undefined
  })
  return telemetry.render(totals && { ...totals, approvalsPending: 0 })
}

async function readTls({ cert, key }: ServerTls): Promise<{ cert: string; key: string }> {
  return { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') }
}
