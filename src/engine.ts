/**
 * The engine: what decides, asks people, pays and forwards, put together over an opened house. `app.ts` gives it doors;
 * `middleware/` uses it without any.
 */
import { readFile } from 'node:fs/promises'
import type { AgentDoor, AgentDoorDeps } from './admin/agent-door.ts'
import type { AdminDeps } from './admin/deps.ts'
import { newSession } from './admin/open-session.ts'
import { createReportKeeper, reportAlert } from './admin/report-keeper.ts'
import { watchRevocations } from './admin/revocations.ts'
import type { WorkloadDoor } from './admin/workload-door.ts'
import { receiversOf } from './alerts/books.ts'
import type { Alert } from './approval/alert.ts'
import type { DailyReport } from './audit/daily.ts'
import type { ServerTls } from './config/config.ts'
import { type Discovery, type Listed, noDiscovery } from './discovery/discovery.ts'
import { createFacilitatorList } from './discovery/facilitator-list.ts'
import type { House } from './house.ts'
import { createPass } from './ledger/archive/pass.ts'
import type { AuthorizeAhead } from './payment/ahead.ts'
import { createAnswers } from './payment/answers.ts'
import { createAuditIds } from './payment/audit-ids.ts'
import { createAuthorizeAhead } from './payment/authorize-ahead.ts'
import { createTurns } from './payment/channels/turns.ts'
import { createPhases, type PaymentDeps } from './payment/deps.ts'
import { createEstimate } from './payment/estimate.ts'
import { createGuards } from './payment/guards.ts'
import { createInFlight } from './payment/in-flight.ts'
import { createPay } from './payment/pay.ts'
import { placeOf } from './payment/place.ts'
import { createPreempt } from './payment/preempt.ts'
import { createRoutes } from './payment/routes.ts'
import { type PeopleAtWork, startPeople } from './people.ts'
import { ruleFor } from './policy/classify.ts'
import { isBlocked } from './policy/trust.ts'
import { openPolicy, type PolicyInForce } from './policy-in-force.ts'
import { type Proof, startClosing, startProof } from './proof.ts'
import { type Address, type RunningProxy, startProxy } from './proxy/listen.ts'
import { inMcp } from './rails/in-mcp.ts'
import { createMppRail } from './rails/mpp/mpp.ts'
import { isSolana } from './rails/x402/assets.ts'
import { type Accepted, createX402Rail } from './rails/x402/x402.ts'
import { createIdentify } from './session/identify.ts'
import type { Session } from './session/session.ts'
import { createSteps } from './session/steps.ts'
import { giveBackMemory, warmUp } from './warm-up.ts'

export interface EngineOptions {
  /** False: only `proxy.connect` leads to it. */
  readonly listens: boolean
  /** Where agents come in whose connections another process hands over. */
  readonly handed?: Address
  /** 48 bytes: processes that share them resume each other's TLS sessions on the proxy's own listener. */
  readonly ticketKeys?: Buffer
  /** False for a worker: what is done once for all processes is its primary's. True unless told otherwise. */
  readonly beside?: boolean
  /** Where the admin door is; asked for each notice, because the door opens after this. */
  readonly adminUrl: () => string
  /** The session of requests without credentials, in the place of the configured one. */
  readonly session?: () => Promise<Session>
}

interface Staff {
  readonly policy: PolicyInForce
  readonly proof: Proof
  readonly people: PeopleAtWork
  readonly discovery: Discovery
}

export interface Engine extends Staff {
  readonly proxy: RunningProxy
  readonly authorize: AuthorizeAhead
  /** Why payments cannot be made now; empty when they can. */
  readonly readiness: readonly (() => readonly string[] | Promise<readonly string[]>)[]
  /** Stops accepting, and concludes what was signed. */
  drain(): Promise<void>
}

/** Starts it all; `started` stops it, before the ledger is closed. @throws SecretError or the listener's own error */
export async function startEngine(house: House, options: EngineOptions, started: AsyncDisposableStack): Promise<Engine> {
  const { config, ledger, telemetry } = house
  const policy = await openPolicy({ config, ledger, events: telemetry.events }, started)
  const { beside = true } = options
  const proof = await startProof(house, { beside }, started)
  const stopping = new AbortController()
  const people = await startPeople(house, { adminUrl: options.adminUrl, stopping: stopping.signal, beside }, started)
  const discovery = startDiscovery(house, policy, started)
  if (beside) await startFunding(house, started)
  if (beside) startReports(house, people, started)
  if (beside) startRetention(house, { policy, proof, people }, started)
  const staff = { policy, proof, people, discovery }
  const payment = paymentDepsOf(house, staff)
  const authorize = authorizeOf(house, payment)
  const proxy = started.use(await openProxy(house, { ...options, payment, people, authorize }, started))
  if (beside) await startClosing(house, proxy.probe, started)
  started.defer(watchRevocations({ ledger, onRevoked: (id) => proxy.endSession(id), events: telemetry.events }))
  const drain = () => {
    stopping.abort()
    return proxy.drain()
  }
  const readiness = [
    () => ledger.readiness(),
    () => proof.clockReasons(),
    () => policy.reasons(),
    async () => (await house.wallet.readiness?.()) ?? [],
  ]
  return { ...staff, proxy, authorize, readiness, drain }
}

function paymentDepsOf(house: House, { policy, proof, people, discovery }: Staff): PaymentDeps {
  const { config, clock, ids, ledger, wallet, keys, assets, networks, telemetry } = house
  const { events } = telemetry
  return {
    ...{ ledger, wallet, clock, ids, events, nonceSecret: keys.nonce },
    rails: [createX402Rail({ assets, networks, ...channelsAccepted(house) }), createMppRail({ assets, networks })],
    ...sponsoringOf(house),
    ...(config.channels && { channels: { bounds: config.channels.bounds, turns: createTurns(), onChain: onChainOf(house) } }),
    policy: () => policy.policy(),
    people: people.payers,
    funds: house.funds,
    discovery,
    guards: createGuards({ ...config, clock, events }),
    ...(config.preemptive && { routes: createRoutes(config.preemptive, clock) }),
    phases: createPhases(clock, events),
    inFlight: createInFlight(),
    answers: createAnswers({ ledger, clock, events, key: keys.answer }),
    clockBar: proof.clockBar,
    ...(house.chain.recentBlock && { recentBlock: house.chain.recentBlock }),
    settleNow: proof.settleNow,
  }
}

/** Where the operator allows it, and only where the chain can be asked. */
function sponsoringOf({ config, chain }: House): Pick<PaymentDeps, 'sponsoring'> {
  const { allowanceNonce } = chain
  if (!config.permit2.sponsored || !allowanceNonce) return {}
  const networks = chain.networks.filter((id) => !isSolana(id))
  return {
    sponsoring: { networks, allowance: (query) => chain.allowance(query), allowanceNonce: (query) => allowanceNonce.call(chain, query) },
  }
}

function onChainOf({ escrows }: House): NonNullable<PaymentDeps['channels']>['onChain'] {
  return (network, channel) => escrows.state({ network, channel }).catch(() => undefined)
}

/** Only where the chain can be asked, because a channel is closed by what it shows. */
function channelsAccepted({ config, chain }: House): Pick<Accepted, 'channels'> {
  const { channels } = config
  const networks = chain.networks.filter((id) => !isSolana(id))
  return channels ? { channels: { networks, maxWithdrawDelay_s: channels.maxWithdrawDelay_s } } : {}
}

/** Moves money to sessions and back, in one of the processes that share a ledger at a time. */
async function startFunding(house: House, started: AsyncDisposableStack): Promise<void> {
  if (!house.treasury) return
  const { fundingRounds, openTreasury } = await import('./open-treasury.ts')
  const rounds = fundingRounds(await openTreasury(house.treasury.config, house.treasury.asset, house), house)
  rounds.start()
  started.defer(() => rounds.stop())
}

/** Keeps the report of each day, and tells shared addresses of it. */
function startReports(
  { records: ledger, clock, signer, telemetry }: House,
  { notices }: PeopleAtWork,
  started: AsyncDisposableStack,
): void {
  const onKept = (report: DailyReport) => notices.alert(reportAlert(report, clock.now()))
  const keeper = createReportKeeper({ ledger, clock, signer, onKept, events: telemetry.events })
  keeper.start()
  started.defer(() => keeper.stop())
}

/** Old payments leave for the archive, where the configuration says so. */
function startRetention(house: House, { policy, proof, people }: Omit<Staff, 'discovery'>, started: AsyncDisposableStack): void {
  const { config, ledger, clock, ids, chain, telemetry } = house
  if (!config.retention) return
  const pass = createPass({
    ...{ ledger, clock, ids, ...config.retention, events: telemetry.events, confirmable: chain.networks },
    seal: () => proof.checkpointing.now(),
    pricesOver_ms: () => policy.policy().rules.priceDrift?.over_ms ?? 0,
    receivers: receiversOf(people.contacts.shared),
  })
  pass.start()
  started.defer(() => pass.stop())
}

/** What is listed is seen by the operator's rules as they stand. */
function startDiscovery({ config, assets, telemetry, fetch }: House, policy: PolicyInForce, started: AsyncDisposableStack): Discovery {
  if (!config.discovery) return noDiscovery
  const see = ({ url, payTo }: Listed) => {
    const place = { ...placeOf(url), method: 'GET' }
    const { categories, recipients } = policy.policy().rules
    return { category: ruleFor(place, categories)?.category, blocked: isBlocked({ ...place, payTo }, recipients.blocked) }
  }
  const list = createFacilitatorList({ ...config.discovery, assets, see, events: telemetry.events, fetch })
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

interface Agents extends Pick<EngineOptions, 'listens' | 'handed' | 'ticketKeys' | 'session'> {
  readonly payment: PaymentDeps
  readonly people: PeopleAtWork
  readonly authorize: AuthorizeAhead
}

async function openProxy(
  house: House,
  { payment, people, authorize, listens, handed, ticketKeys, session }: Agents,
  started: AsyncDisposableStack,
): Promise<RunningProxy> {
  const { config, clock, ids, ledger, authority, telemetry } = house
  const { proxy } = config
  const [rail] = payment.rails
  const defaultSession = session ?? (proxy.authenticate ? undefined : await openDefaultSession(house))
  const settings = listens ? proxy : { ...proxy, listen: null }
  const running: RunningProxy = await startProxy({
    ...{ clock, ids, authority, settings, events: telemetry.events },
    identify: createIdentify({
      sessionByToken: (hash) => ledger.sessionByToken(hash),
      jwt: { verify: house.jwts.verify, session: (id) => ledger.session(id), now: () => clock.now() },
      ...(defaultSession && { defaultSession }),
    }),
    onPaymentRequired: createPay(payment),
    paymentHeaders: payment.rails.flatMap(({ paymentHeaders }) => paymentHeaders),
    ...(rail && { askAgain: rail.askAgain }),
    toolDialect: inMcp,
    ...(payment.routes && {
      preempt: createPreempt(payment, { routes: payment.routes, provable: new Set(house.chain.networks.filter((id) => !isSolana(id))) }),
    }),
    agentDoor: async (...visit) => (await agentDoor())(...visit),
    otherDoors: () => house.doors,
    ...{ ca: house.ca, parents: house.parents },
    steps: createSteps((id) => ledger.session(id)),
    ...(await identityDoorOf(house, () => running.url)),
    ...(handed && { handed }),
    ...((listens || handed) && proxy.serverTls && { tls: { ...(await readTls(proxy.serverTls)), ...(ticketKeys && { ticketKeys }) } }),
  })
  const quote = createEstimate(payment, running.probe)
  const agentDoor = kept(() => openAgentDoor(house, { people, authorize, quote, proxyUrl: () => running.url }))
  const needed: (() => Promise<unknown>)[] = proxy.intercept.hosts.length > 0 ? [authority.warm, agentDoor] : [agentDoor]
  if (handed) needed.push(giveBackMemory)
  if (listens || handed) warmUp(needed, { events: telemetry.events, started })
  return running
}

type Own = Pick<AgentDoorDeps, 'people' | 'authorize' | 'quote' | 'proxyUrl'>

/** Few agents ask there, and none before it has a session. */
async function openAgentDoor(house: House, own: Own): Promise<AgentDoor> {
  const { createAgentDoor } = await import('./admin/agent-door.ts')
  return createAgentDoor({ ...house, ...own, ledger: house.records, tokenSecret: house.keys.token, events: house.telemetry.events })
}

/** Made at the first call, unless that fails. */
function kept<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make().catch((fault: unknown) => {
      made = undefined
      throw fault
    })
    return made
  }
}

/** Where no workload is known there is no such door. */
async function identityDoorOf(house: House, proxyUrl: () => string): Promise<{ readonly identityDoor?: WorkloadDoor }> {
  const { rules, issuers, budgets } = house.config.identity
  if (rules.length === 0) return {}
  const [{ createBudgets }, { createWorkloadDoor }, { createVerify }] = await Promise.all([
    import('./admin/budgets.ts'),
    import('./admin/workload-door.ts'),
    import('./identity/verify.ts'),
  ])
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

/** What an operator's request needs to open sessions. */
export function adminBasis(
  house: House,
): Pick<AdminDeps, 'ledger' | 'clock' | 'ids' | 'wallet' | 'tokenSecret' | 'adminToken' | 'assets' | 'defaults' | 'events'> {
  const { records: ledger, clock, ids, wallet, keys, adminToken, assets, networks, telemetry, config } = house
  const symbols = [...new Set(assets.map(({ symbol }) => symbol))]
  const owner = config.people.find(({ roles }) => roles.includes('owner'))?.id ?? 'operator'
  const defaults = { currency: 'USD', networks, assets: symbols, owner, wallet: null }
  return { ledger, clock, ids, wallet, tokenSecret: keys.token, adminToken, assets, defaults, events: telemetry.events }
}

/** The PEM texts of a listener. */
export async function readTls({ cert, key, clientCa }: ServerTls): Promise<{ cert: string; key: string; clientCa?: string }> {
  const roots = clientCa === undefined ? {} : { clientCa: await readFile(clientCa, 'utf8') }
  return { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8'), ...roots }
}
