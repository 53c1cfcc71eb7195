/** `configure`: a policy over a ledger of its own, ready to be asked. With `app.ts` and `house.ts` a file that names adapters. */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Alert } from '../approval/alert.ts'
import type { Approval } from '../approval/approval.ts'
import type { RunningApprovals } from '../approval/approvals.ts'
import { createApprovals } from '../approval/service.ts'
import type { Receipt, ReceiptFilter } from '../audit/receipt.ts'
import { type Clock, type Ids, randomIds, systemClock } from '../clock.ts'
import type { Ledger, Page, PageRequest } from '../ledger/ledger.ts'
import { migrate } from '../ledger/sqlite/migrations/migrate.ts'
import { composeLedger, openSqliteLedger } from '../ledger/sqlite.ts'
import { DEFAULT_PAGE, MAX_CAP, MAX_TTL_MS } from '../limits.ts'
import type { AuthorizeAhead, Authorized } from '../payment/ahead.ts'
import { createAuditIds } from '../payment/audit-ids.ts'
import { createAuthorizeAhead } from '../payment/authorize-ahead.ts'
import { type Proportion, proportionOf } from '../policy/proportion.ts'
import { policyText } from '../policy/written.ts'
import { type Session, stateOf } from '../session/session.ts'
import { hashToken } from '../session/token.ts'
import { noticeOf, noticeOfAlert, tell } from './notices.ts'
import { type AuthorizeRequest, authorizeSchema, type GovernanceOptions, readOptions, readWith, type Settled } from './options.ts'

/** What a person says to an approval, or against a window. */
export interface Answer {
  /** Never the agent itself. */
  readonly person: string
  readonly reason?: string
}

export interface Governance extends AsyncDisposable {
  readonly policyVersion: string
  /**
   * What the policy says to a payment, under an audit id. Repeating the same request after people have decided answers
   * what they said, once.
   * @throws PurserError `request_invalid`, `ledger_unavailable`
   */
  authorize(request: AuthorizeRequest): Promise<Authorized>
  /** What waits for people. Who lists a veto window has seen it: it starts to run. */
  pending(): Promise<readonly Approval[]>
  /** @throws PurserError `not_found`, `conflict`, `forbidden` where the person is the agent */
  approve(approvalId: string, answer: Answer): Promise<Approval>
  /** Also the veto against a window. @throws PurserError as `approve` */
  deny(approvalId: string, answer: Answer): Promise<Approval>
  /** The records, newest first. */
  receipts(filter?: ReceiptFilter, page?: PageRequest): Promise<Page<Receipt>>
  /** Whether the tiers treat payments in proportion. */
  check(): Proportion
  close(): Promise<void>
}

/** Time and names, for tests. */
export interface GovernanceInternals {
  readonly clock?: Clock
  readonly ids?: Ids
  readonly warned?: (sentence: string, cause?: unknown) => void
}

/**
 * Reads the policy at once; the ledger is opened with the first question.
 * @throws PurserError `request_invalid` with every problem of the options
 */
export function configure(options: GovernanceOptions, internals: GovernanceInternals = {}): Governance {
  return new Governed(readOptions(options), internals)
}

interface Opened {
  readonly ledger: Ledger
  readonly approvals: RunningApprovals
  readonly authorize: AuthorizeAhead
}

class Governed implements Governance {
  readonly #settled: Settled
  readonly #clock: Clock
  readonly #ids: Ids
  readonly #warned: NonNullable<GovernanceInternals['warned']>
  #opening: Promise<Opened> | undefined
  /** One after another, so that no two open the agent's session. */
  #session: Promise<Session | undefined> = Promise.resolve(undefined)

  constructor(settled: Settled, { clock = systemClock, ids = randomIds, warned = () => undefined }: GovernanceInternals) {
    this.#settled = settled
    this.#clock = clock
    this.#ids = ids
    this.#warned = warned
  }

  get policyVersion(): string {
    return this.#settled.policy.version
  }

  async authorize(request: AuthorizeRequest): Promise<Authorized> {
    const { justification = null, ...asked } = readWith(authorizeSchema, request)
    const { ledger, authorize } = await this.#opened()
    const { network } = this.#settled
    const means = { ledger, clock: this.#clock, ids: this.#ids }
    const session = this.#session.then(() => sessionFor(this.#settled, means))
    this.#session = session.catch(() => undefined)
    return authorize({ ...asked, justification, network, session: await session })
  }

  async pending(): Promise<readonly Approval[]> {
    const { approvals } = await this.#opened()
    const { items } = await approvals.approvals({ state: 'pending', agent: this.#settled.agentId }, { limit: DEFAULT_PAGE })
    for (const { id } of items) await approvals.noticed(id)
    return Promise.all(items.map(async (one) => (await approvals.approval(one.id)) ?? one))
  }

  async approve(approvalId: string, { person, reason = '' }: Answer): Promise<Approval> {
    return (await this.#opened()).approvals.vote(approvalId, { person, verdict: 'approve', reason, channel: 'api' })
  }

  async deny(approvalId: string, { person, reason = '' }: Answer): Promise<Approval> {
    return (await this.#opened()).approvals.vote(approvalId, { person, verdict: 'deny', reason, channel: 'api' })
  }

  async receipts(filter: ReceiptFilter = {}, page: PageRequest = { limit: DEFAULT_PAGE }): Promise<Page<Receipt>> {
    return (await this.#opened()).ledger.receipts(filter, page)
  }

  check(): Proportion {
    return proportionOf({ type: 'tiered', tiers: this.#settled.policy.tiers })
  }

  async close(): Promise<void> {
    const opened = await this.#opening?.catch(() => undefined)
    this.#opening = undefined
    await opened?.approvals[Symbol.asyncDispose]()
    await opened?.ledger[Symbol.asyncDispose]()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** A failure is not kept: the next question tries again. */
  #opened(): Promise<Opened> {
    this.#opening ??= this.#open().catch((cause: unknown) => {
      this.#opening = undefined
      throw cause
    })
    return this.#opening
  }

  async #open(): Promise<Opened> {
    const { policy, dataDir } = this.#settled
    const [clock, ids] = [this.#clock, this.#ids]
    const ledger = await openLedger(dataDir, { clock, ids, runId: randomIds('run') })
    await ledger.announcePolicy(policy.version, policyText(policy))
    const telling = {
      ...{ onNotice: this.#settled.onNotice, warned: this.#warned },
      onTold: (approvalId: string) => approvals.noticed(approvalId),
    }
    const approvals: RunningApprovals = createApprovals({
      ...{ store: ledger.approvals, clock, ids, events: { warned: this.#warned, approvalWaited: () => undefined } },
      // The inbox is `pending`: whoever reads it has been told, whatever became of the notice.
      notify: async (approval, news) => {
        void tell(noticeOf(approval, news), telling)
        return { queued: 1 }
      },
    })
    approvals.start()
    const auditIds = createAuditIds({ store: ledger.approvals, clock })
    const alert = async (alert: Alert) => void tell(noticeOfAlert(alert), telling)
    const authorize = createAuthorizeAhead({ ledger, approvals, policy: () => policy, clock, ids, auditIds, alert, standalone: true })
    return { ledger, approvals, authorize }
  }
}

interface Means {
  readonly clock: Clock
  readonly ids: Ids
  readonly runId: string
}

async function openLedger(dataDir: string | undefined, means: Means): Promise<Ledger> {
  if (dataDir !== undefined) return openSqliteLedger({ ...means, file: join(dataDir, 'governance.db') })
  const db = new DatabaseSync(':memory:', { readBigInts: true })
  migrate(db)
  return composeLedger(db, means)
}

/**
 * The agent's row, which carries its records. It has no token, no network and no asset, so that nothing can ever be paid
 * by it; its cap therefore bounds nothing, and the tiers bound each payment.
 */
async function sessionFor(
  { agentId, purpose, owner }: Settled,
  { ledger, clock, ids }: Pick<Means, 'clock' | 'ids'> & { readonly ledger: Ledger },
): Promise<Session> {
  const name = `governance:${agentId}:${new Date(clock.now()).getUTCFullYear()}`
  const known = await ledger.sessionByName(name)
  if (known && stateOf(known, clock.now()) === 'open') return known
  const id = ids('ses')
  return ledger.openSession({
    ...{ id, name: known ? `${name}:${id}` : name, tokenHash: hashToken(randomIds('none')), agent: agentId, purpose, currency: 'USD' },
    ...{ cap: MAX_CAP, createdAt: clock.now(), expiresAt: clock.now() + MAX_TTL_MS, limits: {}, scope: {}, networks: [], assets: [] },
    ...{ wallet: null, owner, parent: null, singleUse: false, labels: { kind: 'governance' }, refill: null },
  })
}
