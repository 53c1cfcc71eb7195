/**
 * The service over the store. Every change is a rule applied by compare-and-set, so that whatever meets on one approval
 * (votes, claims, ends of windows, sweeps, other processes) happens in an order, and each decides on what it finds.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { refused } from '../errors.ts'
import {
  APPROVAL_ATTEMPTS,
  APPROVAL_POLL_MS,
  APPROVAL_SWEEP_BATCH,
  APPROVAL_SWEEP_MS,
  MAX_PAGE,
  MAX_PENDING_APPROVALS,
  WINDOW_GRACE_MS,
} from '../limits.ts'
import type { Approval, ApprovalFilter, ApprovalKind, ApprovalState, Vote } from './approval.ts'
import type {
  ApprovalNews,
  ApprovalPage,
  ApprovalRequest,
  ApprovalsDeps,
  PageRequest,
  RunningApprovals,
  WindowRequest,
} from './approvals.ts'
import { approvalDigest } from './digest.ts'
import * as rules from './rules.ts'
import { Wakers } from './wakers.ts'

export function createApprovals(deps: ApprovalsDeps): RunningApprovals {
  return new Service(deps)
}

const PAUSE: NonNullable<ApprovalsDeps['pause']> = (ms, signal) => wait(ms, undefined, { signal, ref: false })
const LIVE: readonly ApprovalState[] = ['pending', 'approved', 'passed']

interface Changed {
  readonly approval: Approval
  /** False where it was left as it stands. */
  readonly changed: boolean
}

class Service implements RunningApprovals {
  readonly #deps: ApprovalsDeps
  readonly #pause: NonNullable<ApprovalsDeps['pause']>
  readonly #wakers = new Wakers()
  readonly #stop = new AbortController()
  readonly #unwatch: () => void
  #loop: Promise<void> | undefined

  constructor(deps: ApprovalsDeps) {
    this.#deps = deps
    this.#pause = deps.pause ?? PAUSE
    this.#unwatch = deps.store.watchApprovals((id) => this.#wakers.wake(id))
  }

  async claim(sessionId: string, digest: string): Promise<Approval | undefined> {
    for (const { id } of await this.#deps.store.liveApprovals(sessionId, digest)) {
      await this.#passLeft(id)
      const { approval, changed } = await this.#change(id, (current) => rules.claimed(current, this.#now))
      if (changed) return approval
    }
    return undefined
  }

  async unclaim({ id, paymentId }: Pick<Approval, 'id' | 'paymentId'>): Promise<void> {
    const nextPaymentId = this.#deps.ids('pay')
    await this.#change(id, (current) => rules.unclaimed(current, { paymentId, nextPaymentId }))
  }

  async ask({ required, timeout_ms, ...asked }: ApprovalRequest): Promise<Approval> {
    const { sessionId } = asked
    const { escalateAfter_ms } = this.#deps
    for (let attempt = 0; attempt < APPROVAL_ATTEMPTS; attempt++) {
      const facts = this.#facts(asked, this.#deps.ids('pay'))
      const joined = await this.#joinable(facts, ['approval', 'veto'])
      if (joined) return joined
      await this.#bounded(sessionId)
      const approval = rules.openedApproval(facts, { required, timeout_ms, escalateAfter_ms })
      if (!(await this.#deps.store.insertApproval(approval))) continue
      await this.#tell(approval, 'approval.requested')
      return approval
    }
    throw restless('The approval')
  }

  async openWindow({ sessionId, agent, shown, paymentId, length_ms }: WindowRequest): Promise<Approval> {
    const window = rules.openedWindow(this.#facts({ sessionId, agent, shown }, paymentId), length_ms)
    await this.#deps.store.insertApproval(window)
    if ((await this.#tell(window, 'veto.opened')) > 0) return this.#get(window.id)
    const { approval } = await this.#change(window.id, (current) => rules.unaddressed(current, this.#now))
    return approval
  }

  async settled(id: string, wait_ms: number, signal: AbortSignal): Promise<Approval> {
    const until = this.#deps.clock.monotonic() + wait_ms
    let kind: Approval['kind'] | undefined
    for (;;) {
      const waking = new AbortController()
      const wake = () => waking.abort()
      // Before it is read: a change that comes in between is not missed.
      const forget = this.#wakers.add(id, wake)
      signal.addEventListener('abort', wake, { once: true })
      try {
        const approval = await this.#get(id)
        kind ??= approval.kind
        const left = until - this.#deps.clock.monotonic()
        if (left <= 0 || signal.aborted || this.#stop.signal.aborted || this.#isSettled(approval, kind)) return approval
        await this.#pause(Math.min(left, APPROVAL_POLL_MS, this.#untilEnd(approval)), waking.signal).catch(() => undefined)
      } finally {
        signal.removeEventListener('abort', wake)
        forget()
      }
    }
  }

  async closeWindow(id: string, waiting: boolean): Promise<Approval> {
    const nextPaymentId = this.#deps.ids('pay')
    const { approval } = await this.#change(id, (current) => rules.closed(current, { waiting, nextPaymentId, now: this.#now }))
    return approval
  }

  async undeliverable(id: string): Promise<Approval> {
    const window = await this.#get(id)
    const other = window.kind === 'veto' ? await this.#joinable(window, ['approval']) : undefined
    if (other) {
      await this.withdraw(id)
      return other
    }
    const turn = { nextPaymentId: this.#deps.ids('pay'), escalateAfter_ms: this.#deps.escalateAfter_ms }
    const { approval, changed } = await this.#change(id, (current) => rules.unseen(current, { ...turn, now: this.#now }))
    if (changed) await this.#tell(approval, 'approval.requested')
    return approval
  }

  async vote(id: string, vote: Omit<Vote, 'at'>): Promise<Approval> {
    const { approval } = await this.#change(id, (current) => rules.voted(current, { ...vote, at: this.#now }))
    if (approval.state === 'pending') return approval
    this.#deps.events.approvalWaited(this.#now - approval.createdAt)
    await this.#tell(approval, 'approval.decided')
    return approval
  }

  async noticed(id: string): Promise<void> {
    await this.#change(id, (current) => rules.noticed(current, this.#now))
  }

  async withdraw(id: string): Promise<void> {
    await this.#change(id, (current) => rules.withdrawn(current, this.#now))
  }

  async sessionEnded(session: string): Promise<void> {
    for (const state of LIVE) {
      const { items } = await this.#deps.store.approvals({ session, state }, { limit: MAX_PAGE })
      for (const { id } of items) {
        const { approval, changed } = await this.#change(id, (current) => rules.withdrawn(current, this.#now))
        if (changed && state === 'pending') await this.#tell(approval, 'approval.expired')
      }
    }
  }

  approval(id: string): Promise<Approval | undefined> {
    return this.#deps.store.approval(id)
  }

  approvals(filter: ApprovalFilter, page: PageRequest): Promise<ApprovalPage> {
    return this.#deps.store.approvals(filter, page)
  }

  pending(): Promise<number> {
    return this.#deps.store.pendingApprovals()
  }

  start(): void {
    this.#loop ??= this.#run()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    this.#wakers.wakeAll()
    this.#unwatch()
    await this.#loop
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async sweep(): Promise<number> {
    let ended = 0
    for (const approval of await this.#deps.store.overdueApprovals(this.#now, APPROVAL_SWEEP_BATCH)) {
      if (await this.#end(approval)) ended += 1
    }
    return ended
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      await this.sweep().catch((cause: unknown) => this.#deps.events.warned('Overdue approvals could not be ended.', cause))
      await this.#pause(APPROVAL_SWEEP_MS, signal).catch(() => undefined)
    }
  }

  async #end({ id, kind, state, window }: Approval): Promise<boolean> {
    if (kind === 'veto' && state === 'pending') {
      if (window?.startedAt !== null) return this.#passLeft(id)
      return (await this.undeliverable(id)).kind === 'approval'
    }
    const { approval, changed } = await this.#change(id, (current) => rules.expired(current, this.#now))
    if (changed && state === 'pending') await this.#tell(approval, 'approval.expired')
    if (!changed) await this.#escalate(id)
    return changed
  }

  /** Written down first: of several processes one tells, and a crash in between leaves it to the next time. */
  async #escalate(id: string): Promise<void> {
    const { escalateAfter_ms } = this.#deps
    const { approval, changed } = await this.#change(id, (current) => rules.escalated(current, { now: this.#now, escalateAfter_ms }))
    if (changed) await this.#tell(approval, 'approval.unanswered')
  }

  /** A window whose end was not taken by whoever waited for it: they are gone, with the reservation. */
  async #passLeft(id: string): Promise<boolean> {
    const nextPaymentId = this.#deps.ids('pay')
    const left = ({ expiresAt }: Approval) => this.#now >= expiresAt + WINDOW_GRACE_MS
    const { changed } = await this.#change(id, (current) =>
      left(current) ? rules.closed(current, { waiting: false, nextPaymentId, now: this.#now }) : { kind: 'unchanged' },
    )
    return changed
  }

  /**
   * The one that a request for the same payment waits for, or may claim. People were told of it; if a crash came between,
   * they are now.
   */
  async #joinable(
    { sessionId, digest }: Pick<Approval, 'sessionId' | 'digest'>,
    kinds: readonly ApprovalKind[],
  ): Promise<Approval | undefined> {
    for (const { id } of await this.#deps.store.liveApprovals(sessionId, digest)) {
      const { approval } = await this.#change(id, (current) => rules.expired(current, this.#now))
      if (!kinds.includes(approval.kind)) continue
      if (rules.isClaimable(approval, this.#now)) return approval
      if (approval.kind !== 'approval' || approval.state !== 'pending') continue
      if (approval.noticedAt === null && (await this.#isUntold(id))) await this.#tell(approval, 'approval.requested')
      return approval
    }
    return undefined
  }

  async #isUntold(approvalId: string): Promise<boolean> {
    const { items } = await this.#deps.store.notices({ approvalId }, { limit: 1 })
    return items.length === 0
  }

  async #bounded(session: string): Promise<void> {
    const { items } = await this.#deps.store.approvals({ session, state: 'pending' }, { limit: MAX_PENDING_APPROVALS })
    if (items.length < MAX_PENDING_APPROVALS) return
    throw refused(
      'approval_pending',
      `Session ${session} has ${items.length} payments waiting for people already; no further one is asked for.`,
    )
  }

  #facts({ sessionId, agent, requester, shown }: Pick<ApprovalRequest, 'sessionId' | 'agent' | 'requester' | 'shown'>, paymentId: string) {
    const digest = approvalDigest({ ...shown, sessionId })
    const asked = { sessionId, agent, ...(requester !== undefined && { requester }), shown }
    return { ...asked, id: this.#deps.ids('apr'), digest, paymentId, createdAt: this.#now }
  }

  #isSettled(approval: Approval, kind: Approval['kind']): boolean {
    return approval.state !== 'pending' || approval.kind !== kind || rules.hasEnded(approval, this.#now)
  }

  #untilEnd({ window, expiresAt }: Approval): number {
    return window?.startedAt === null || window === null ? Number.POSITIVE_INFINITY : expiresAt - this.#now
  }

  /** By compare-and-set, deciding again on what stands where somebody was faster. @throws PurserError */
  async #change(id: string, rule: (current: Approval) => rules.Ruling): Promise<Changed> {
    for (let attempt = 0; attempt < APPROVAL_ATTEMPTS; attempt++) {
      const current = await this.#get(id)
      const ruling = rule(current)
      if (ruling.kind === 'unchanged') return { approval: current, changed: false }
      if (ruling.kind === 'refused') throw refused(ruling.code, `${id}: ${ruling.detail}`)
      if (await this.#deps.store.replaceApproval(ruling.approval)) return { approval: ruling.approval, changed: true }
    }
    throw restless(id)
  }

  async #get(id: string): Promise<Approval> {
    const approval = await this.#deps.store.approval(id)
    if (!approval) throw refused('not_found', `There is no approval ${id}.`)
    return approval
  }

  /** How many messages will be tried; a fault of ours is nobody told, and never stops what was decided. */
  async #tell(approval: Approval, news: ApprovalNews): Promise<number> {
    try {
      return (await this.#deps.notify(approval, news)).queued
    } catch (cause) {
      this.#deps.events.warned(`Nobody could be told of approval ${approval.id} (${news}).`, cause)
      return 0
    }
  }

  get #now(): number {
    return this.#deps.clock.now()
  }
}

function restless(what: string) {
  return refused('ledger_unavailable', `${what} was changed by others all the time; nothing was paid.`)
}
