/**
 * Notices: who is told of an approval or an alert, durably, until somebody has it before them. What cannot be delivered
 * goes on to the next address, then to the next person; it is retried, and kept as a dead letter when all is in vain.
 * Nothing here decides anything: not being able to tell people is never taken for their yes.
 */
import { createHash } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import { refused } from '../errors.ts'
import { MAX_PAGE, REFUSAL_RUN_MS } from '../limits.ts'
import {
  MAX_ALERT_TOPICS,
  MAX_WATCHED,
  NOTICE_BATCH,
  NOTICE_FORGET_BATCH,
  NOTICE_FORGET_MS,
  NOTICE_INTERVAL_MS,
  NOTICE_LEASE_MS,
  NOTICE_RETENTION_MS,
  UNDELIVERABLE_ATTEMPTS,
} from '../people-limits.ts'
import { type Alert, alertKey, type Subject } from './alert.ts'
import type { Approval, ApprovalStore, Notice } from './approval.ts'
import { createDelivery, type Delivery, type DeliveryDeps } from './delivery.ts'
import { payloadOf } from './payload.ts'
import { alertRungs, type Contacts, firstRungs, hearers, nextRung, type Person, type Rung, withShared } from './people.ts'

export interface NoticesDeps extends DeliveryDeps {
  readonly store: Pick<
    ApprovalStore,
    'queueNotices' | 'claimNotices' | 'updateNotice' | 'notices' | 'notice' | 'approval' | 'forgetNotices'
  >
  /** Owners of the budgets above a session, from its parent upwards. */
  readonly budgetOwners: (sessionId: string) => Promise<readonly string[]>
  /** Somebody has it before them; called at least once for each approval that was delivered. */
  readonly onDelivered: (approvalId: string) => Promise<unknown>
  /** Nobody can be told of this veto window. May be called more than once. */
  readonly onUndeliverable: (approvalId: string) => Promise<unknown>
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<unknown>
}

export interface Notices {
  /**
   * Queues what people are told of this approval. `queued` 0: there is nobody to tell.
   * @param news `approval.requested` and `veto.opened` ask people, `approval.unanswered` asks one more; any other tells
   *   those whom a question about it has reached.
   */
  tell(approval: Approval, news: string): Promise<{ readonly queued: number }>
  /** Tells owners that something happened; the same topic once in ten minutes, and not more than `MAX_ALERT_TOPICS` of one agent. */
  alert(alert: Alert): Promise<{ readonly queued: number }>
  /** Tries a notice again at once, a dead one too. @throws PurserError `not_found`, `conflict` */
  retry(id: string): Promise<Notice>
  /** Somebody else's mailer took it. @throws PurserError `not_found`, `conflict` */
  delivered(id: string): Promise<Notice>
  /** Something was queued past this: what is due is sent at once. */
  hurry(): void
  /** One round: sends what is due now and answers how many that were. */
  deliverDue(): Promise<number>
  /** Removes some of what people were told long ago, and answers how many notices that were. */
  forgetOld(): Promise<number>
  start(): void
  stop(): Promise<void>
}

/** These ask for something; while they wait for an answer, they are worth escalating. */
const ASKING: readonly string[] = ['approval.requested', 'veto.opened']

const PAUSE: NonNullable<NoticesDeps['pause']> = (ms, signal) => wait(ms, undefined, { signal, ref: false })

export function createNotices(deps: NoticesDeps): Notices {
  return new NoticeBoard(deps)
}

class NoticeBoard implements Notices {
  readonly #deps: NoticesDeps
  readonly #sendable: Contacts
  readonly #delivery: Delivery
  readonly #stopped = new AbortController()
  /** Topics of alerts by agent and ten minutes. */
  readonly #alerted = new LRUCache<string, Set<string>>({ max: MAX_WATCHED })
  #kick = new AbortController()
  #loop: Promise<void> | undefined
  #turn: Promise<void> = Promise.resolve()

  constructor(deps: NoticesDeps) {
    this.#deps = deps
    this.#sendable = onlySendable(deps.contacts)
    this.#delivery = createDelivery(deps)
  }

  async tell(approval: Approval, news: string): Promise<{ readonly queued: number }> {
    const at = this.#deps.clock.now()
    if (news === 'approval.unanswered') return this.#send({ type: 'approval.requested', at, approval }, await this.#further(approval))
    const subject: Subject = { type: news, at, approval }
    if (!ASKING.includes(news)) return this.#send(subject, withShared(this.#sendable, await this.#reached(approval), news))
    const fetched = lettersToFetch(this.#deps.contacts).map((rung) => this.#notice(subject, rung, approval.expiresAt))
    const asked = { approvers: approval.required, type: news }
    return this.#send(subject, firstRungs(this.#sendable, await this.#hearers(approval), asked), fetched)
  }

  async alert(alert: Alert): Promise<{ readonly queued: number }> {
    if (this.#isOneTooMany(alert)) return { queued: 0 }
    const subject: Subject = { type: alert.type, at: alert.at, alert }
    return this.#send(subject, alertRungs(this.#sendable, alert))
  }

  async retry(id: string): Promise<Notice> {
    const notice = await this.#found(id)
    if (notice.state === 'delivered') throw refused('conflict', `Notice ${id} was delivered already.`)
    const again: Notice = { ...notice, state: 'waiting', dueAt: this.#deps.clock.now() }
    await this.#deps.store.updateNotice(again)
    this.#kick.abort()
    return again
  }

  async delivered(id: string): Promise<Notice> {
    const notice = await this.#found(id)
    if (notice.state !== 'waiting') throw refused('conflict', `Notice ${id} does not wait any more: it is ${notice.state}.`)
    const done: Notice = { ...notice, state: 'delivered', deliveredAt: this.#deps.clock.now(), lastError: null }
    await this.#inTurn(done)
    return done
  }

  async deliverDue(): Promise<number> {
    const attempts = await this.#begin(NOTICE_BATCH)
    await Promise.all(attempts)
    return attempts.length
  }

  hurry(): void {
    this.#kick.abort()
  }

  forgetOld(): Promise<number> {
    const { store, clock } = this.#deps
    return store.forgetNotices(clock.now() - NOTICE_RETENTION_MS, NOTICE_FORGET_BATCH)
  }

  start(): void {
    this.#loop ??= this.#run()
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#loop
  }

  /** A receiver that does not answer keeps one attempt busy, never the whole round. */
  async #run(): Promise<void> {
    const { pause = PAUSE, events, clock } = this.#deps
    let forget_ms = clock.monotonic()
    const running = new Set<Promise<void>>()
    const warn = (cause: unknown) => events.warned('Notices to people could not be looked at.', cause)
    const nothing = (cause: unknown): [] => {
      warn(cause)
      return []
    }
    while (!this.#stopped.signal.aborted) {
      const free = NOTICE_BATCH - running.size
      const begun = free === 0 ? [] : await this.#begin(free).catch(nothing)
      for (const attempt of begun) {
        const done = attempt.catch(warn).finally(() => running.delete(done))
        running.add(done)
      }
      if (begun.length > 0) continue
      if (clock.monotonic() >= forget_ms) {
        forget_ms = clock.monotonic() + NOTICE_FORGET_MS
        const forgotten = await this.forgetOld().catch(warn)
        // Books write more than one look removes.
        if (forgotten === NOTICE_FORGET_BATCH) forget_ms = clock.monotonic()
      }
      await pause(NOTICE_INTERVAL_MS, AbortSignal.any([this.#stopped.signal, this.#kick.signal])).catch(() => undefined)
      if (this.#kick.signal.aborted) this.#kick = new AbortController()
    }
    await Promise.all(running)
  }

  /** Begins to send what is due, at most so many; each is done when its outcome is written down. */
  async #begin(limit: number): Promise<readonly Promise<void>[]> {
    const { store, clock } = this.#deps
    const now = clock.now()
    const due = await store.claimNotices(now, now + NOTICE_LEASE_MS, limit)
    return due.map(async (notice) => this.#inTurn(await this.#delivery.attempt(notice)))
  }

  /** One after the other: two that fail at once must not both go on to the same next address. */
  async #inTurn(notice: Notice): Promise<void> {
    const turn = this.#turn.then(() => this.#conclude(notice))
    this.#turn = turn.catch(() => undefined)
    await turn
  }

  /** An agent in a loop may find a new topic each time. */
  #isOneTooMany(alert: Alert): boolean {
    const about = JSON.stringify([alert.agent, Math.floor(alert.at / REFUSAL_RUN_MS)])
    const [topics, topic] = [this.#alerted.get(about) ?? new Set<string>(), alertKey(alert, REFUSAL_RUN_MS)]
    if (topics.size >= MAX_ALERT_TOPICS && !topics.has(topic)) return true
    this.#alerted.set(about, topics.add(topic))
    return false
  }

  async #send(subject: Subject, rungs: readonly Rung[], fetched: readonly Notice[] = []): Promise<{ readonly queued: number }> {
    await this.#queue([...rungs.map((rung) => this.#notice(subject, rung)), ...fetched])
    return { queued: rungs.length }
  }

  async #queue(notices: readonly Notice[]): Promise<void> {
    if (notices.length === 0) return
    await this.#deps.store.queueNotices(notices)
    this.#kick.abort()
  }

  /** A window's start comes before its notice is written down: after a crash in between it is sent once more, not lost. */
  async #conclude(notice: Notice): Promise<void> {
    const { store, events, onDelivered } = this.#deps
    const { approvalId, channel, state } = notice
    if (state === 'delivered' && approvalId !== null && ASKING.includes(notice.type)) await onDelivered(approvalId)
    await store.updateNotice(notice)
    events.noticeEnded({ channel, outcome: state === 'waiting' ? 'failed' : state })
    if (state !== 'delivered' && approvalId !== null && ASKING.includes(notice.type)) await this.#escalate(notice, approvalId)
  }

  async #escalate(failed: Notice, approvalId: string): Promise<void> {
    const { store, events, onUndeliverable } = this.#deps
    const approval = await store.approval(approvalId)
    if (approval?.state !== 'pending' || (failed.type === 'veto.opened') !== (approval.kind === 'veto')) return
    const told = (await this.#noticesOf(approval)).filter(({ type, target }) => type === failed.type && this.#isSendable(target))
    const next = nextRung(await this.#hearers(approval), failed, told)
    const isFirstFailure = failed.attempts <= 1 && failed.person !== ''
    if (next && isFirstFailure) return this.#queue([this.#notice({ type: failed.type, at: this.#deps.clock.now(), approval }, next)])
    if (next || told.some((notice) => !this.#delivery.isInVain(notice))) return
    if (isNewlyInVain(failed)) events.approvalUndelivered({ approvalId, kind: approval.kind })
    if (approval.kind === 'veto' && approval.noticedAt === null) await onUndeliverable(approvalId)
  }

  /** The next person who has not been asked for a yes. */
  async #further(approval: Approval): Promise<readonly Rung[]> {
    const asked = (await this.#noticesOf(approval)).filter(({ type }) => type === 'approval.requested')
    const next = nextRung(await this.#hearers(approval), undefined, asked)
    return next ? [next] : []
  }

  /** Whoever has the question before them, each at the address that it reached. */
  async #reached(approval: Approval): Promise<readonly Rung[]> {
    const had = (await this.#noticesOf(approval)).filter(({ type, state }) => state === 'delivered' && ASKING.includes(type))
    return this.#sendable.people.flatMap(({ id, addresses }) =>
      addresses.filter(({ name }) => had.some(({ target }) => target === name)).map((address) => ({ person: id, address })),
    )
  }

  async #noticesOf({ id: approvalId }: Approval): Promise<readonly Notice[]> {
    return (await this.#deps.store.notices({ approvalId }, { limit: MAX_PAGE })).items
  }

  async #hearers(approval: Approval): Promise<readonly Person[]> {
    return hearers(this.#sendable, { ...approval, budgetOwners: await this.#deps.budgetOwners(approval.sessionId) })
  }

  #isSendable(target: string): boolean {
    return [...this.#sendable.people.flatMap(({ addresses }) => addresses), ...this.#sendable.shared].some(({ name }) => name === target)
  }

  #notice(subject: Subject, { person, address }: Rung, dueAt: number = subject.at): Notice {
    const about = subject.approval ? [subject.approval.id, subject.approval.state] : [alertKey(subject.alert, REFUSAL_RUN_MS)]
    return {
      id: noticeId([...about, subject.type, person, address.name]),
      approvalId: subject.approval?.id ?? null,
      ...{ type: subject.type, person, channel: address.channel, target: address.name, payload: payloadOf(subject, address) },
      ...{ state: 'waiting' as const, attempts: 0, dueAt, createdAt: subject.at, deliveredAt: null, lastError: null },
    }
  }

  async #found(id: string): Promise<Notice> {
    const notice = await this.#deps.store.notice(id)
    if (!notice) throw refused('not_found', `There is no notice ${id}.`)
    return notice
  }
}

/** The same for the same message to the same address, so that two processes that escalate at once queue it once. */
export function noticeId(parts: readonly string[]): string {
  return `ntc_${createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 22)}`
}

function onlySendable({ people, shared }: Contacts): Contacts {
  const withUrl = people.map((person) => ({ ...person, addresses: person.addresses.filter(({ url }) => url !== undefined) }))
  return { people: withUrl, shared: shared.filter(({ url }) => url !== undefined) }
}

/** Mail that nobody sends for us waits to be fetched, and proves nothing until somebody says that it left. */
function lettersToFetch({ people }: Contacts): readonly Rung[] {
  return people.flatMap(({ id, addresses }) => addresses.filter(({ url }) => url === undefined).map((address) => ({ person: id, address })))
}

/** The attempt from which on it counts as told to nobody; further ones add nothing to that. */
function isNewlyInVain({ state, attempts }: Notice): boolean {
  return attempts === UNDELIVERABLE_ATTEMPTS || (state === 'dead' && attempts < UNDELIVERABLE_ATTEMPTS)
}
