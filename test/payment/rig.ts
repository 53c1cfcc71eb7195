/** The payment flow on its real ledger, rail, wallet and policy; only the upstream is played by the test, through the port. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { Ids } from '../../src/clock.ts'
import { noDiscovery } from '../../src/discovery/discovery.ts'
import type { RawHeaders } from '../../src/http.ts'
import type { Finding } from '../../src/ledger/findings.ts'
import type { Ledger, NewSession, Payment } from '../../src/ledger/ledger.ts'
import type { Flush } from '../../src/ledger/sqlite/write-ahead-log.ts'
import { openSqliteLedger } from '../../src/ledger/sqlite.ts'
import { createAnswers } from '../../src/payment/answers.ts'
import { createFunds } from '../../src/payment/balance.ts'
import type { OperatorBounds } from '../../src/payment/channels/plan.ts'
import { createTurns } from '../../src/payment/channels/turns.ts'
import { type ChannelDeps, createPhases, type PaymentDeps, type Policy } from '../../src/payment/deps.ts'
import { createGuards, type GuardRules } from '../../src/payment/guards.ts'
import { createInFlight } from '../../src/payment/in-flight.ts'
import { createPay } from '../../src/payment/pay.ts'
import { createPreempt } from '../../src/payment/preempt.ts'
import { createRoutes, type RouteRule } from '../../src/payment/routes.ts'
import type { ClassifyRules } from '../../src/policy/classify.ts'
import { tiersSchema } from '../../src/policy/tiers.ts'
import { createMppRail } from '../../src/rails/mpp/mpp.ts'
import { knownAssets } from '../../src/rails/x402/assets.ts'
import { createX402Rail } from '../../src/rails/x402/x402.ts'
import type { PaidRequest, Preempt, Send, SendResult, UnpaidAnswer } from '../../src/session/exchange.ts'
import type { Session } from '../../src/session/session.ts'
import { createTelemetry } from '../../src/telemetry/telemetry.ts'
import { createLocalWallet } from '../../src/wallet/local-key.ts'
import type { Wallet } from '../../src/wallet/wallet.ts'
import { countingIds, type TestClock, testClock } from '../clock.ts'
import { promptDisk } from '../ledger/disks.ts'
import { challengeOf, encodeBase64, RESULT_HEADER, type Terms, type Version } from '../testnet/wire.ts'
import { createPatience } from './patience.ts'
import { createPeople, type PeopleOptions, type PeopleRig } from './people-rig.ts'

export const NETWORK = 'eip155:84532'
export const PAY_TO = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C'
export const URL_ASKED = 'https://api.example.com/weather'
const KEY = `0x${'c0ffee11'.repeat(8)}` as const

export const TIERS = tiersSchema.parse([
  {
    name: 'autonomous',
    conditions: { maxAmount: '5', categories: ['api_calls'], recipientTrust: 'verified', frequency: { max: 100, per: '1h' } },
    approval: 'none',
  },
])
export const RULES: ClassifyRules = {
  categories: [{ host: '*', category: 'api_calls' }],
  recipients: { verified: [{ host: '*.example.com' }], blocked: [{ host: 'blocked.example.com' }] },
  jurisdictions: { sanctioned: [] },
}

/** What one attempt carried, and what the upstream is to make of it. */
export type Upstream = (headers: RawHeaders) => SendResult | Promise<SendResult>

export interface Rig extends AsyncDisposable {
  readonly deps: PaymentDeps
  readonly clock: TestClock
  readonly ledger: Ledger
  readonly session: Session
  /** Headers of every payment that left, in order. */
  readonly sent: RawHeaders[]
  openSession(changes?: Partial<NewSession>): Promise<Session>
  request(changes?: Partial<PaidRequest>): PaidRequest
  readonly people: PeopleRig
  /** What the policy is from now on. */
  govern(changes: Partial<Policy>): void
  /** Lets time pass for the clock and for whoever waits. */
  advance(ms: number): void
  /** Runs the flow over this 402; the upstream then answers the paid attempt, and this 402 again where it is asked again. */
  pay(
    upstream: Upstream,
    options?: { request?: PaidRequest; unpaid?: UnpaidAnswer; again?: () => UnpaidAnswer | undefined },
  ): ReturnType<ReturnType<typeof createPay>>
  /** As the proxy does where the first attempt may be paid; undefined where nothing left. `again`: the 402 of a request without payment. */
  payFirst(upstream: Upstream, options?: { request?: PaidRequest; again?: () => UnpaidAnswer | undefined }): ReturnType<Preempt['pay']>
  balance(id?: string): Promise<Session>
}

export interface RigOptions {
  /** Of a rig that was ended, to be started again: with its clock and ids, and another run. */
  readonly folder?: string
  readonly ids?: Ids
  readonly runId?: string
  /** The disk. Done at once unless said otherwise. */
  readonly flush?: Flush
  readonly policy?: Partial<Policy>
  readonly wallet?: Wallet
  readonly people?: PeopleOptions
  /** None is set up unless said otherwise. */
  readonly guards?: Partial<GuardRules>
  /** Paying with the first attempt is off unless said otherwise. `provable`: whether the network has an RPC. */
  readonly preemptive?: Partial<RouteRule> & { readonly provable?: boolean }
  readonly session?: Partial<NewSession>
  /** What the chain says the wallet holds. Nobody can tell unless said otherwise. */
  readonly balance?: () => Promise<bigint>
  /** Where a test's chain has a time of its own. */
  readonly clock?: TestClock
  /** No clock is barred unless said otherwise. */
  readonly clockBar?: PaymentDeps['clockBar']
  /** Nothing is paid through channels unless said otherwise. `onChain`: what the escrow shows. */
  readonly channels?: OperatorBounds & Partial<Pick<ChannelDeps, 'onChain'>>
  /** What the chain shows when it is asked. Silent unless said otherwise. */
  readonly chain?: (payment: Payment) => Finding | undefined
}

export async function startRig(options: RigOptions = {}): Promise<Rig> {
  await using started = new AsyncDisposableStack()
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'purser-payment-')))
  if (!options.folder) started.defer(() => rm(folder, { recursive: true, force: true }))
  const { clock = testClock(), ids = countingIds(), runId = 'run_1', flush = promptDisk } = options
  const { events } = createTelemetry({ level: 'silent' })
  const patience = createPatience(clock)
  const ledger = started.use(await openSqliteLedger({ file: join(folder, 'purser.db'), clock, ids, runId, flush, events }))
  let policy: Policy = { mode: 'enforce', tiers: TIERS, rules: RULES, version: 'v1', ...options.policy }
  const accepted = { assets: knownAssets(), networks: [NETWORK] }
  const channels = options.channels && { networks: [NETWORK], maxWithdrawDelay_s: 86_400 }
  const rails = [createX402Rail({ ...accepted, ...(channels && { channels }) }), createMppRail(accepted)]
  const wallet = options.wallet ?? createLocalWallet({ key: KEY })
  const basis = { rails, ledger, wallet, policy: () => policy, clock, ids, events, nonceSecret: new Uint8Array(32).fill(7) }
  const people = createPeople({ ledger, ids, events, patience }, options.people)
  started.use(people.approvals)
  const deps: PaymentDeps = {
    ...basis,
    people: people.people,
    funds: createFunds({ chain: chainWith(options.balance), ledger, clock, events }),
    guards: createGuards({ circuitBreaker: null, loopGuard: null, clock, events, ...options.guards }),
    phases: createPhases(clock, events),
    inFlight: createInFlight(),
    ...(options.preemptive && { routes: createRoutes({ after: 2, terms_ms: 300_000, hosts: ['*'], ...options.preemptive }, clock) }),
    ...(options.channels && { channels: channelsOf(options.channels) }),
    discovery: noDiscovery,
    answers: createAnswers({ ledger, key: new Uint8Array(32).fill(5), clock, events }),
    clockBar: options.clockBar ?? (() => undefined),
    settleNow: async (payment) => {
      const finding = options.chain?.(payment)
      if (finding) return ledger.resolve(payment.id, finding)
      return (await ledger.payment(payment.id)) ?? payment
    },
  }
  const openSession = (changes: Partial<NewSession> = {}) => ledger.openSession(newSession(ids('ses'), clock.now(), changes))
  const session = (await ledger.session('ses_resumed')) ?? (await openSession(options.session))
  const sent: RawHeaders[] = []
  const pay = createPay(deps)
  const provable = new Set(options.preemptive?.provable === false ? [] : [NETWORK])
  const preempt = deps.routes && createPreempt(deps, { routes: deps.routes, provable })
  const request = (changes: Partial<PaidRequest> = {}) => paidRequest(session, changes)
  const all = started.move()
  return {
    ...{ deps, clock, ledger, session, sent, openSession, request, people },
    govern: (changes) => {
      policy = { ...policy, ...changes }
    },
    advance: (ms) => patience.advance(ms),
    pay: (upstream, { request: asked = request(), unpaid = challenge(), again = () => unpaid } = {}) =>
      pay(asked, unpaid, sendTo(upstream, sent), async () => again()),
    payFirst: async (upstream, { request: asked = request(), again = () => challenge() } = {}) =>
      preempt?.expects(asked) ? preempt.pay(asked, sendTo(upstream, sent), async () => again()) : undefined,
    balance: async (id = session.id) => (await ledger.session(id)) ?? session,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

function channelsOf({ onChain = async () => undefined, ...bounds }: NonNullable<RigOptions['channels']>): ChannelDeps {
  return { bounds, turns: createTurns(), onChain }
}

function sendTo(upstream: Upstream, sent: RawHeaders[]): Send {
  return async ({ set, beforeSend }) => {
    const played = await upstream(set)
    // Where no byte leaves, the proxy never came to the point right before the first one.
    if (played.kind === 'failed' && !played.sent) return played
    if (beforeSend && !beforeSend()) return { kind: 'failed', sent: false, code: 'upstream_timeout', detail: 'The window was closing.' }
    sent.push(set)
    return played
  }
}

function chainWith(balance: RigOptions['balance']): Parameters<typeof createFunds>[0]['chain'] {
  return balance ? { networks: [NETWORK], balance } : { networks: [], balance: async () => 0n }
}

function newSession(id: string, now: number, changes: Partial<NewSession>): NewSession {
  return {
    ...{ id, tokenHash: id, name: null, agent: 'tester', purpose: 'test', currency: 'USD', cap: 1_000_000n, owner: 'ops', parent: null },
    ...{ createdAt: now, expiresAt: now + 3_600_000, limits: {}, scope: {}, networks: [NETWORK], assets: ['USDC'], wallet: null },
    ...{ singleUse: false, labels: {}, refill: null, ...changes },
  }
}

const NO_BODY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

function paidRequest(session: Session, changes: Partial<PaidRequest>): PaidRequest {
  return {
    ...{ exchangeId: 'exc_1', mode: 'forward', session, method: 'GET', url: URL_ASKED, headers: [], line: {} },
    hints: { payNever: false },
    signal: new AbortController().signal,
    body: async () => ({ digest: NO_BODY, bytes: 0, replayable: true, bound_bytes: 65_536 }),
    transport: 'verified-tls',
    ...changes,
  }
}

export function challenge(changes: Partial<Terms> = {}, version: Version = 2): UnpaidAnswer {
  const { status, headers, body } = challengeOf(version, { amount: '1000', payTo: PAY_TO, window_s: 60, resource: URL_ASKED, ...changes })
  return { status, headers, body: Buffer.from(body) }
}

export function answer(status: number, headers: RawHeaders = [], body = 'goods'): SendResult {
  return { kind: 'answer', answer: { status, statusText: '', headers, body: Readable.from([Buffer.from(body)]), trailers: () => [] } }
}

/** 200 with the word of the server that it settled. */
export function settled(version: Version = 2): SendResult {
  const said = { success: true, transaction: `0x${'ab'.repeat(32)}`, network: version === 1 ? 'base-sepolia' : NETWORK }
  return answer(200, [RESULT_HEADER[version], encodeBase64(said)])
}

/** Says that it settled, and breaks off before its body is whole. */
export function cut(): SendResult {
  const said = settled()
  if (said.kind === 'answer') said.answer.body.destroy()
  return said
}

export const COMPLETE = { status: 200, bytes: 5, complete: true } as const

/** Lets everything run on that can: what still waits then, waits for the test. */
export async function settleDown(): Promise<void> {
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve))
}
