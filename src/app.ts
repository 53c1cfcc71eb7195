/** Puts everything together: with `house.ts` the only file that names adapters. Whoever starts an app stops it (`await using`). */
import { readFile } from 'node:fs/promises'
import { createAdminApp } from './admin/admin.ts'
import { type AgentDoor, createAgentDoor } from './admin/agent-door.ts'
import { createBudgets } from './admin/budgets.ts'
import type { AdminDeps, PolicyInfo } from './admin/deps.ts'
import { createEventFeed, type EventFeed } from './admin/event-feed.ts'
import { type RunningAdmin, startAdmin } from './admin/listen.ts'
import { newSession } from './admin/open-session.ts'
import { createReportKeeper, reportAlert } from './admin/report-keeper.ts'
import { watchRevocations } from './admin/revocations.ts'
import { createMetricsApp } from './admin/status.ts'
import { createWorkloadDoor, type WorkloadDoor } from './admin/workload-door.ts'
import type { Alert } from './approval/alert.ts'
import type { DailyReport } from './audit/daily.ts'
import type { ServerTls } from './config/config.ts'
import type { Config } from './config/load.ts'
import { type Discovery, type Listed, noDiscovery } from './discovery/discovery.ts'
import { createFacilitatorList } from './discovery/facilitator-list.ts'
import { type House, type HouseOptions, openHouse } from './house.ts'
import { createVerify } from './identity/verify.ts'
import type { AuthorizeAhead } from './payment/ahead.ts'
import { createAnswers } from './payment/answers.ts'
import { createAuditIds } from './payment/audit-ids.ts'
import { createAuthorizeAhead } from './payment/authorize-ahead.ts'
import { createPhases, type PaymentDeps, type Policy } from './payment/deps.ts'
import { createEstimate } from './payment/estimate.ts'
import { createGuards } from './payment/guards.ts'
import { createHoldings } from './payment/holdings.ts'
import { createInFlight } from './payment/in-flight.ts'
import { createPay } from './payment/pay.ts'
import { placeOf } from './payment/place.ts'
import { type PeopleAtWork, startPeople } from './people.ts'
import { ruleFor } from './policy/classify.ts'
import { lintTiers } from './policy/lint.ts'
import { policySentences } from './policy/sentences.ts'
import { isBlocked } from './policy/trust.ts'
import { openPolicy, type PolicyInForce } from './policy-in-force.ts'
import { type Proof, startProof } from './proof.ts'
import { type RunningProxy, startProxy } from './proxy/listen.ts'
import { createX402Rail } from './rails/x402/x402.ts'
import { createIdentify } from './session/identify.ts'
import type { Session } from './session/session.ts'
import { createSteps } from './session/steps.ts'

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
  const { ledger, telemetry } = house
  const policy = await openPolicy({ config, ledger, events: telemetry.events }, started)
  const proof = await startProof(house, started)
  const stopping = new AbortController()
  let adminUrl = ''
  const people = await startPeople(house, { adminUrl: () => adminUrl, stopping: stopping.signal }, started)
  const discovery = startDiscovery(house, policy, started)
  startReports(house, people, started)
  const staff = { policy, proof, people, discovery }
  const payment = paymentDepsOf(house, staff)
  const readiness = [() => ledger.readiness(), () => proof.clockReasons(), () => policy.reasons()]
  const status = { render: () => renderMetrics(house), readiness }
  const authorize = authorizeOf(house, payment)
  const proxy = started.use(await openProxy(house, { payment, people, authorize }))
  const feed = createEventFeed({ ...house, events: telemetry.events })
  const admin = started.use(await openAdmin(house, { ...staff, proxy, authorize, status, feed }))
  started.defer(() => feed.stop())
  adminUrl = admin.url
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
      stopping.abort()
      await proxy.drain()
      await all.disposeAsync()
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

interface Staff {
  readonly policy: PolicyInForce
  readonly proof: Proof
  readonly people: PeopleAtWork
  readonly discovery: Discovery
}

function paymentDepsOf(house: House, { policy, proof, people, discovery }: Staff): PaymentDeps {
  const { config, clock, ids, ledger, wallet, keys, assets, networks, telemetry } = house
  const { events } = telemetry
  return {
    ...{ ledger, wallet, clock, ids, events, nonceSecret: keys.nonce },
    rails: [createX402Rail({ assets, networks })],
    policy: () => policy.policy(),
    people: people.payers,
    funds: house.funds,
    discovery,
    guards: createGuards({ ...config, clock, events }),
    phases: createPhases(clock, events),
    inFlight: createInFlight(),
    answers: createAnswers({ ledger, clock, events, key: keys.answer }),
    clockBar: proof.clockBar,
    settleNow: proof.settleNow,
  }
}

/** Keeps the report of each day, and tells shared addresses of it. */
function startReports({ ledger, clock, signer, telemetry }: House, { notices }: PeopleAtWork, started: AsyncDisposableStack): void {
  const onKept = (report: DailyReport) => notices.alert(reportAlert(report, clock.now()))
  const keeper = createReportKeeper({ ledger, clock, signer, onKept, events: telemetry.events })
  keeper.start()
  started.defer(() => keeper.stop())
}

/** What is listed is seen by the operator's rules as they stand. */
function startDiscovery({ config, assets, telemetry }: House, policy: PolicyInForce, started: AsyncDisposableStack): Discovery {
  if (!config.discovery) return noDiscovery
  const see = ({ url, payTo }: Listed) => {
    const place = { ...placeOf(url), method: 'GET' }
    const { categories, recipients } = policy.policy().rules
    return { category: ruleFor(place, categories)?.category, blocked: isBlocked({ ...place, payTo }, recipients.blocked) }
  }
  const list = createFacilitatorList({ ...config.discovery, assets, see, events: telemetry.events })
  list.start()
  started.defer(() => list.stop())
  return list
}

/** Judges what is only described, by the policy in force. */
function authorizeOf(
  { ledger, clock, ids, telemetry: { events } }: House,
  { people: { approvals, alert: tellOwners }, policy }: PaymentDeps,
): AuthorizeAhead {
  const auditIds = createAuditIds({ store: ledger.approvals, clock })
  const alert = (alert: Alert) => tellOwners(alert).catch((cause: unknown) => events.faulted('alert of a prohibited payment', cause))
  return createAuthorizeAhead({ ledger, approvals, policy, clock, ids, auditIds, alert, standalone: false })
}

interface Agents {
  readonly payment: PaymentDeps
  readonly people: PeopleAtWork
  readonly authorize: AuthorizeAhead
}

async function openProxy(house: House, { payment, people, authorize }: Agents): Promise<RunningProxy> {
  const { config, clock, ids, ledger, authority, telemetry } = house
  const { proxy } = config
  const [rail] = payment.rails
  const defaultSession = proxy.authenticate ? undefined : await openDefaultSession(house)
  const running: RunningProxy = await startProxy({
    ...{ clock, ids, authority, settings: proxy, events: telemetry.events },
    identify: createIdentify({
      sessionByToken: (hash) => ledger.sessionByToken(hash),
      jwt: { verify: house.jwts.verify, session: (id) => ledger.session(id), now: () => clock.now() },
      ...(defaultSession && { defaultSession }),
    }),
    onPaymentRequired: createPay(payment),
    paymentHeaders: payment.rails.flatMap(({ paymentHeaders }) => paymentHeaders),
    ...(rail && { askAgain: rail.askAgain }),
    agentDoor: (...visit) => agentDoor(...visit),
    otherDoors: () => house.doors,
    ca: await Promise.all(proxy.tls.caFiles.map((file) => readFile(file, 'utf8'))),
    steps: createSteps((id) => ledger.session(id)),
    ...identityDoorOf(house, () => running.url),
    ...(proxy.serverTls && { tls: await readTls(proxy.serverTls) }),
  })
  const agentDoor: AgentDoor = createAgentDoor({
    ...{ ...house, people, authorize, tokenSecret: house.keys.token, events: telemetry.events, proxyUrl: () => running.url },
    quote: createEstimate(payment, running.probe),
  })
  return running
}

/** Where no workload is known there is no such door. */
function identityDoorOf(house: House, proxyUrl: () => string): { readonly identityDoor?: WorkloadDoor } {
  const { rules, issuers, budgets } = house.config.identity
  if (rules.length === 0) return {}
  const basis = adminBasis(house)
  const budget = createBudgets(budgets, basis)
  return { identityDoor: createWorkloadDoor({ ...basis, rules, budget, proxyUrl, verify: createVerify(issuers, house) }) }
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

interface Admitted extends Staff {
  readonly proxy: RunningProxy
  readonly authorize: AuthorizeAhead
  readonly feed: EventFeed
  readonly status: Pick<AdminDeps, 'render' | 'readiness'>
}

async function openAdmin(house: House, { policy, proxy, proof, people, authorize, status, feed }: Admitted): Promise<RunningAdmin> {
  const { listen, hosts, serverTls } = house.config.admin
  const { checkpointing, reconcile, cancel } = proof
  const app = createAdminApp({
    ...{ ...adminBasis(house), ...status, checkpointing, reconcile, cancel, hosts, people, authorize, feed, signer: house.signer },
    ...{ jwts: house.jwts, mandates: house.mandates, holdings: createHoldings(house) },
    policy: () => policyInfo(house, policy.policy()),
    contentType: house.telemetry.contentType,
    proxyUrl: proxy.url,
    onRevoked: (sessionId) => proxy.endSession(sessionId),
  })
  return known(house, await startAdmin({ app, listen, ...(serverTls && { tls: await readTls(serverTls) }) }))
}

/** The policy in force, for people to read. */
function policyInfo({ config }: House, policy: Policy): PolicyInfo {
  const { tiers, rules, mode, version } = policy
  const cap = config.proxy.defaultSession?.cap
  const lint = lintTiers(tiers, { rules, ...(cap !== undefined && { cap }) })
  return { mode, version, tiers, rules, sentences: policySentences(policy), lint }
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
  const { approvals } = ledger
  const asked = Promise.all([ledger.totals(), approvals.pendingApprovals(), approvals.deadLetters()])
  const standing = await asked.then(
    ([totals, approvalsPending, deadLetters]) => ({ ...totals, approvalsPending, deadLetters }),
    (cause: unknown) => telemetry.events.warned('The ledger could not be asked for metrics.', cause),
  )
  return telemetry.render(standing ?? undefined)
}

async function readTls({ cert, key, clientCa }: ServerTls): Promise<{ cert: string; key: string; clientCa?: string }> {
  const roots = clientCa === undefined ? {} : { clientCa: await readFile(clientCa, 'utf8') }
  return { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8'), ...roots }
}
