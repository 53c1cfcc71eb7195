/** An admin app over a real ledger in a file of its own, with a clock and ids in the test's hand. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { createAdminApp } from '../../src/admin/admin.ts'
import type { AdminDeps, PeopleDeps } from '../../src/admin/deps.ts'
import { createEventFeed } from '../../src/admin/event-feed.ts'
import type { ReconcileReport } from '../../src/admin/report.ts'
import type { AdminApp } from '../../src/admin/router.ts'
import { createLinks } from '../../src/approval/links.ts'
import { createNotices } from '../../src/approval/notices.ts'
import { createApprovals } from '../../src/approval/service.ts'
import { createCheckpointSigner } from '../../src/audit/checkpoint.ts'
import { createCheckpointing } from '../../src/audit/checkpointing.ts'
import { randomIds } from '../../src/clock.ts'
import { type PurserError, refused } from '../../src/errors.ts'
import type { AdminRole } from '../../src/ledger/administration.ts'
import type { Attempt, Ledger, Payment, Terms } from '../../src/ledger/ledger.ts'
import { openSqliteLedger } from '../../src/ledger/sqlite.ts'
import { createAuditIds } from '../../src/payment/audit-ids.ts'
import { createAuthorizeAhead } from '../../src/payment/authorize-ahead.ts'
import type { Authorization } from '../../src/rails/rail.ts'
import { hashToken } from '../../src/session/token.ts'
import { type TestClock, testClock } from '../clock.ts'

export const ADMIN_TOKEN = 'canary-admin-token'
export const WALLET = '0x1111111111111111111111111111111111111111' as const
export const MERCHANT = '0x2222222222222222222222222222222222222222' as const
export const USDC = '0x036CbD53842c5426634e7929541eC2318f3dCF7e' as const

/** A session's body with nothing but what is needed. */
export const SPEC = { agent: 'procurement-agent', purpose: 'liquidity report', cap: '25.00', ttl: '1h' }

export interface Asked {
  readonly method?: 'GET' | 'POST'
  /** `null` sends none. */
  readonly token?: string | null
  readonly body?: unknown
  readonly headers?: Record<string, string>
}

export interface Fixture extends AsyncDisposable {
  readonly deps: AdminDeps
  readonly app: AdminApp
  readonly ledger: Ledger
  readonly clock: TestClock
  /** What was told to `onRevoked`, and the faults that were reported. */
  readonly revoked: string[]
  readonly faults: unknown[]
  ask(path: string, asked?: Asked): Promise<Response>
  /** Opens a session and answers it. */
  open(more?: object): Promise<Answer>
  /** A token of this role. */
  token(role: Exclude<AdminRole, 'all'>, person?: string | null): Promise<string>
}

/** A reconciliation that came upon nothing. */
export const NOTHING_FOUND: ReconcileReport = {
  ...{ takenOver: 0, resolved: [], open: [], refunds: [], unmatched: [], unavailable: [] },
  ...{ disputed: [], unrecorded: [], searched: [], failures: 0, truncated: false },
}

// biome-ignore lint/suspicious/noExplicitAny: what a test looks at in an answer, it asserts
export type Answer = any

export async function startFixture(more: Partial<AdminDeps> = {}): Promise<Fixture> {
  const folder = await mkdtemp(join(tmpdir(), 'purser-admin-'))
  const clock = testClock()
  const ledger = await openSqliteLedger({ file: join(folder, 'purser.db'), clock, ids: randomIds, runId: 'run_1' })
  const revoked: string[] = []
  const signer = createCheckpointSigner(randomBytes(32))
  const faults: unknown[] = []
  const people = peopleOf({ ledger, clock })
  const policy = { mode: 'enforce', version: 'abc', tiers: [] } as const
  const rules = { categories: [], recipients: { verified: [], blocked: [] }, jurisdictions: { sanctioned: [] } }
  const deps: AdminDeps = {
    people,
    feed: createEventFeed({ ledger, clock, ids: randomIds, events: { warned: () => {} } }),
    authorize: createAuthorizeAhead({
      alert: (alert) => people.notices.alert(alert),
      ...{ ledger, clock, ids: randomIds, approvals: people.approvals, standalone: false },
      auditIds: createAuditIds({ store: ledger.approvals, clock }),
      policy: () => ({ rules, ...policy, ...more.policy?.() }),
    }),
    ledger,
    clock,
    ids: randomIds,
    wallet: { address: async (name) => addressOf(name) },
    tokenSecret: randomBytes(32),
    adminToken: ADMIN_TOKEN,
    defaults: { currency: 'USD', networks: ['eip155:84532'], assets: ['USDC'], owner: 'ops', wallet: null },
    assets: [{ symbol: 'USDC', address: USDC, currency: 'USD' }],
    proxyUrl: 'http://127.0.0.1:4020',
    policy: () => ({ ...policy, sentences: [], lint: [] }),
    events: { warned: () => {}, faulted: (_where, cause) => faults.push(cause) },
    render: async () => '# HELP purser_requests_total Requests\n',
    readiness: [() => ledger.readiness()],
    signer,
    checkpointing: createCheckpointing({ ledger, signer, events: { warned: () => {} } }),
    onRevoked: (id) => revoked.push(id),
    reconcile: async () => NOTHING_FOUND,
    cancel: async () => {
      throw refused('conflict', 'There is nothing to cancel.')
    },
    ...more,
  }
  const app = createAdminApp(deps)
  const ask = async (path: string, asked: Asked = {}) => app.request(`http://127.0.0.1:4021${path}`, requestOf(asked))
  return {
    ...{ deps, app, ledger, clock, revoked, faults, ask },
    async open(body = {}) {
      const answer = await ask('/v1/sessions', { body: { ...SPEC, ...body } })
      expect(answer.status).toBe(201)
      return answer.json()
    },
    async token(role, person = null) {
      const token = randomIds('pat')
      await ledger.createToken({ id: randomIds('tok'), role, person, label: '', createdAt: clock.now(), revokedAt: null }, hashToken(token))
      return token
    },
    async [Symbol.asyncDispose]() {
      deps.feed?.stop()
      await ledger[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    },
  }
}

/** The real service and the real notices over the ledger, with nobody to tell but who looks. */
function peopleOf({ ledger, clock }: { readonly ledger: Ledger; readonly clock: TestClock }): PeopleDeps {
  const events = { warned: () => {}, approvalWaited: () => {}, noticeEnded: () => {}, approvalUndelivered: () => {} }
  const approvals = createApprovals({
    ...{ store: ledger.approvals, clock, ids: randomIds, events },
    notify: async () => ({ queued: 1 }),
  })
  const links = createLinks(randomBytes(32))
  const contacts = { people: [], shared: [] }
  const post = async () => 200
  const notices = createNotices({
    ...{ store: ledger.approvals, clock, events, links, contacts, post, pageUrl: () => 'http://127.0.0.1:4021' },
    budgetOwners: async () => [],
    onDelivered: async (id) => approvals.noticed(id),
    onUndeliverable: async (id) => approvals.undeliverable(id),
  })
  return { approvals, notices, links, contacts, post, secureCookies: false, slackSigningSecret: undefined }
}

function addressOf(name: string | null): `0x${string}` {
  if (name !== null && name !== 'main') throw refused('internal_error', `no wallet ${name}`)
  return WALLET
}

export function requestOf({ method, token = ADMIN_TOKEN, body, headers }: Asked): RequestInit {
  return {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  }
}

/** The answer is this problem; its detail is returned. */
export async function expectProblem(answer: Response, code: string, status: number): Promise<string> {
  const problem: Answer = await answer.json()
  expect({ type: answer.headers.get('content-type'), status: answer.status, code: problem.code }).toEqual({
    type: 'application/problem+json',
    status,
    code,
  })
  return problem.detail
}

export interface Bought {
  readonly sessionId: string
  readonly agent?: string
  /** Millionths of a dollar. */
  readonly amount?: bigint
  readonly host?: string
  readonly payTo?: `0x${string}`
  readonly tool?: string
  readonly task?: string
  /** What became of it. */
  readonly end?: 'settled' | 'unknown' | 'void' | 'reserved'
  /** Pins the recipient at its origin. */
  readonly pin?: boolean
  /** What was odd about it. */
  readonly facts?: readonly string[]
  /** The agent got its answer. */
  readonly served?: boolean
}

/** A payment in the ledger, brought to its end. */
export async function buy({ ledger, clock }: Fixture, bought: Bought): Promise<Payment> {
  const attempt = { ...attemptOf(bought, clock.now()), terms: termsOf(bought) }
  const id = randomIds('buy')
  const purchase = { sessionId: bought.sessionId, fingerprint: id, keyDigest: null }
  const nonce: `0x${string}` = `0x${randomBytes(32).toString('hex')}`
  const result = await ledger.reserve({
    ...{ purchase, attempt, nonce },
    purchaseId: id,
    paymentId: randomIds('pay'),
    frequency: null,
    pin: bought.pin ?? false,
  })
  if (result.kind !== 'reserved')
    throw new Error(`not reserved: ${JSON.stringify(result, (_, value) => (typeof value === 'bigint' ? String(value) : value))}`)
  const { reservation } = result
  const end = bought.end ?? 'settled'
  if (end === 'void') await reservation.void({ kind: 'never_signed', reason: 'the agent went away', code: 'upstream_unreachable' })
  if (end === 'settled' || end === 'unknown') {
    await reservation.record(authorizationOf(attempt.terms, { nonce, now: clock.now() }, bought.payTo ?? MERCHANT))
    reservation.sent()
  }
  if (end === 'settled')
    await reservation.post({ kind: 'claimed', transaction: `0x${'ab'.repeat(32)}`, network: 'eip155:84532', reason: 'claimed' })
  if (end === 'unknown') await reservation.leaveUnknown('no answer')
  if (bought.served) await reservation.delivered({ status: 200, bytes: 1, complete: true })
  reservation.release()
  return reservation.payment()
}

/** A refusal in the ledger. */
export async function deny({ ledger, clock }: Fixture, bought: Bought): Promise<void> {
  const attempt = { ...attemptOf(bought, clock.now()), terms: termsOf(bought) }
  await ledger.refuse(attempt, { code: 'no_tier_matches', detail: 'No tier matches.' })
}

function attemptOf(
  { sessionId, agent = 'procurement-agent', host = 'api.example.com', tool, task, facts }: Bought,
  now: number,
): Omit<Attempt, 'terms'> {
  return {
    ...{ sessionId, agent, host, tool: tool ?? null },
    paymentRequestId: randomIds('exc'),
    method: 'GET',
    url: `https://${host}/weather`,
    origin: `https://${host}`,
    challengeDigest: 'c'.repeat(64),
    task: task ?? null,
    user: null,
    justification: null,
    tier: 'autonomous',
    rule: 'tiers.autonomous',
    reason: 'within the tier',
    policyVersion: 'abc',
    wouldBe: null,
    categories: ['search'],
    trust: 'verified',
    context: facts ? { facts } : null,
    challengedAt: now,
    decidedAt: now,
  }
}

function termsOf({ amount = 1_000_000n, payTo = MERCHANT }: Bought): Terms {
  return {
    rail: 'x402',
    protocolVersion: 2,
    scheme: 'exact',
    network: 'eip155:84532',
    asset: { symbol: 'USDC', address: USDC, decimals: 6 },
    amountAtomic: amount,
    amount,
    currency: 'USD',
    payTo,
    payer: WALLET,
    flow: 'authorization',
  }
}

function authorizationOf(
  { amountAtomic: value }: Terms,
  { nonce, now }: { nonce: `0x${string}`; now: number },
  to: `0x${string}`,
): Authorization {
  const validBefore_s = Math.floor(now / 1000) + 120
  return {
    headers: ['PAYMENT-SIGNATURE', 'canary-authorization'],
    ...{ payer: WALLET, payTo: to, nonce, validAfter_s: 0, validBefore_s },
    signature: `0x${'cd'.repeat(65)}`,
    transfer: { to, value, nonce },
  }
}

/** Everything of a stream, in its order. */
export async function gather<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

/** What a ledger answers whose store is gone. */
export function unavailable(): PurserError {
  return refused('ledger_unavailable', 'The ledger cannot be read.')
}
