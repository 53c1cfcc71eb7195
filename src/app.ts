/** Puts everything together: with `house.ts` the only file that names adapters. Whoever starts an app stops it (`await using`). */
import { fileURLToPath } from 'node:url'
import { readConsole } from './admin/console-files.ts'
import type { AdminDeps, ConsoleDeps, PolicyInfo } from './admin/deps.ts'
import { createEventFeed, type EventFeed } from './admin/event-feed.ts'
import { type RunningAdmin, startAdmin } from './admin/listen.ts'
import { createProbeDoor } from './admin/probes.ts'
import { packageVersion } from './cli/package-version.ts'
import { resolveOidc } from './config/console.ts'
import type { Config } from './config/load.ts'
import { adminBasis, type Engine, readTls, startEngine } from './engine.ts'
import { type House, type HouseOptions, openHouse } from './house.ts'
import { PACKAGE_ROOT } from './package-root.ts'
import { type Ceilings, createCeilings } from './payment/ceilings.ts'
import type { Policy } from './payment/deps.ts'
import { createHoldings } from './payment/holdings.ts'
import { createOuterCeiling } from './payment/outer-ceiling.ts'
import { lintTiers } from './policy/lint.ts'
import { policySentences } from './policy/sentences.ts'
import type { Telemetry } from './telemetry/telemetry.ts'
import { giveBackMemory, warmUp } from './warm-up.ts'
import { openCeilingReader } from './way-out.ts'
import { openWorkers, workersOf } from './workers.ts'

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
  /** Resolves where nothing is served any more, because workers die again and again. */
  readonly failed: Promise<Error>
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
  let adminUrl = ''
  const workers = workersOf(config) > 1 ? await openWorkers(house, options, started) : undefined
  const engine = await startEngine(house, { listens: workers === undefined, adminUrl: () => adminUrl }, started)
  const proxyUrl = workers?.url ?? engine.proxy.url
  const readiness = [...engine.readiness, ...(workers ? [() => workers.reasons()] : [])]
  const exemplars = house.telemetry.openMetrics
  const shown = { readiness, counted: async () => (await workers?.counted()) ?? [] }
  const status = {
    readiness,
    render: () => renderMetrics(house, house.telemetry, shown),
    openMetrics: { contentType: exemplars.contentType, render: () => renderMetrics(house, exemplars, shown) },
  }
  const feed = createEventFeed({ ...house, events: house.telemetry.events })
  const console = await openConsole(house, options)
  const admin = started.use(await openAdmin(house, { ...engine, proxyUrl, status, feed, console }))
  started.defer(() => feed.stop())
  adminUrl = admin.url
  const metrics = config.metrics.listen && started.use(await openMetrics(house, status))
  await workers?.begin(adminUrl)
  warmUp([admin.warm, giveBackMemory], { events: house.telemetry.events, started })
  const all = started.move()
  return {
    proxyUrl,
    adminUrl: admin.url,
    metricsUrl: metrics?.url,
    caFile: house.authority.certFile,
    walletAddress: await house.wallet.address(null),
    warnings: config.warnings,
    failed: workers?.failed ?? new Promise(() => undefined),
    readiness: async () => (await Promise.all(readiness.map((reasons) => reasons()))).flat(),
    drain: async () => {
      await Promise.all([workers?.drain(), engine.drain()])
      await all.disposeAsync()
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

interface Admitted extends Pick<Engine, 'policy' | 'proxy' | 'proof' | 'people' | 'authorize'> {
  readonly proxyUrl: string
  readonly feed: EventFeed
  readonly console: ConsoleDeps
  readonly status: Pick<AdminDeps, 'render' | 'openMetrics' | 'readiness'>
}

async function openAdmin(
  house: House,
  { policy, proxy, proxyUrl, proof, people, authorize, status, feed, console }: Admitted,
): Promise<RunningAdmin> {
  const { listen, hosts, serverTls } = house.config.admin
  const { checkpointing, reconcile, cancel } = proof
  const { contentType, events } = house.telemetry
  const deps: AdminDeps = {
    ...{ ...adminBasis(house), ...status, checkpointing, reconcile, cancel, hosts, people, authorize, feed, console, signer: house.signer },
    ...{ jwts: house.jwts, mandates: house.mandates, holdings: createHoldings(house) },
    ...{ outerCeiling: createOuterCeiling(house), ceilings: ceilingsOf(house) },
    policy: () => policyInfo(house, policy.policy()),
    contentType,
    proxyUrl,
    onRevoked: (sessionId) => proxy.endSession(sessionId),
  }
  const app = async () => (await import('./admin/admin.ts')).createAdminApp(deps)
  const tls = serverTls && { tls: await readTls(serverTls) }
  return known(house, await startAdmin({ app, probes: createProbeDoor(deps, hosts), events, listen, ...tls }))
}

/** Read when somebody looks. */
function ceilingsOf(house: House): Ceilings {
  const { config, fetch, clock } = house
  const { spenders = [], spendPermissions = [] } = config.wallet
  return createCeilings({ ...house, spenders, permissions: spendPermissions, reader: () => openCeilingReader(config, { fetch, clock }) })
}

const CONSOLE = fileURLToPath(new URL('dist/console', PACKAGE_ROOT))

async function openConsole({ config, env, clock, fetch }: House, { consoleDir = CONSOLE }: HouseOptions): Promise<ConsoleDeps> {
  const oidc = await resolveOidc(config.admin.oidc, env)
  return {
    ...{ version: packageVersion(), files: await readConsole(consoleDir), pageUrl: config.approvals.pageUrl },
    oidc: oidc && (await import('./admin/oidc.ts')).createOidc({ ...oidc, clock, fetch }),
  }
}

/** The policy in force, for people to read. */
function policyInfo({ config }: House, policy: Policy): PolicyInfo {
  const { tiers, rules, mode, version } = policy
  const cap = config.proxy.defaultSession?.cap
  const lint = lintTiers(tiers, { rules, ...(cap !== undefined && { cap }) })
  return { mode, version, tiers, rules, sentences: policySentences(policy), lint }
}

async function openMetrics(house: House, status: Pick<AdminDeps, 'render' | 'openMetrics' | 'readiness'>): Promise<RunningAdmin> {
  const { config, telemetry } = house
  if (!config.metrics.listen) throw new Error('metrics.listen is not set')
  const deps = { ...status, contentType: telemetry.contentType, events: telemetry.events }
  const app = async () => (await import('./admin/status.ts')).createMetricsApp(deps)
  return known(house, await startAdmin({ app, probes: createProbeDoor(deps, 'any'), events: deps.events, listen: config.metrics.listen }))
}

function known(house: House, admin: RunningAdmin): RunningAdmin {
  const { hostname, port } = new URL(admin.url)
  house.doors.push({ host: hostname.replace(/^\[|\]$/g, ''), port: Number.parseInt(port, 10) })
  return admin
}

/** While the ledger cannot be read, what was counted is shown all the same: that is when people look at it. */
async function renderMetrics(
  { ledger, telemetry, wallet }: House,
  format: Pick<Telemetry, 'render'>,
  { readiness, counted }: Pick<Engine, 'readiness'> & { readonly counted: () => Promise<Parameters<Telemetry['render']>[2]> },
): Promise<string> {
  const { approvals } = ledger
  const asked = Promise.all([ledger.totals(), approvals.pendingApprovals(), approvals.deadLetters()])
  const standing = await asked.then(
    ([totals, approvalsPending, deadLetters]) => ({ ...totals, approvalsPending, deadLetters }),
    (cause: unknown) => telemetry.events.warned('The ledger could not be asked for metrics.', cause),
  )
  const reasons = Promise.all(readiness.map(async (check) => check()))
  const isReady = await reasons.then(
    (all) => all.flat().length === 0,
    () => false,
  )
  const presigned = await wallet.presigned?.left().catch(() => undefined)
  return format.render(standing ?? undefined, { isReady, ...(presigned && { presigned }) }, await counted())
}
