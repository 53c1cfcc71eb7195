/**
 * The feed behind `GET /v1/events`: what happens to approvals, payments and sessions, from all processes on the ledger. It
 * only says that something happened and where to read it. It runs while somebody listens, and keeps the newest events, so
 * that who was cut off goes on where they were; whoever missed more is told to read anew.
 */
import type { Receipt } from '../audit/receipt.ts'
import type { Clock, Ids } from '../clock.ts'
import { refused } from '../errors.ts'
import type { Change, Ledger } from '../ledger/ledger.ts'
import { EVENT_OVERLAP_MS, EVENT_POLL_MS, MAX_EVENT_LISTENERS, MAX_KEPT_EVENTS, MAX_PAGE } from '../limits.ts'
import type { Session } from '../session/session.ts'
import type { Events } from '../telemetry/events.ts'

export type EventType = 'approval' | 'payment' | 'session' | 'halts' | 'policy' | 'reset'

export interface FeedEvent {
  /** Opaque; later ones of the same feed come after it. */
  readonly id: string
  readonly type: EventType
  readonly data: Readonly<Record<string, string | number | null>>
}

export interface Listener {
  deliver(event: FeedEvent): void
  /** Nothing comes any more: ask again, with the last id. */
  end(): void
}

export interface EventFeed {
  /**
   * From now on; `after` the last id that was seen: what came since is delivered first, or a `reset` where that is not known
   * any more. @returns the way out
   * @throws PurserError `conflict` where too many listen already
   */
  join(listener: Listener, after?: string): () => void
  /** Ends all listeners. */
  stop(): void
}

export interface FeedDeps {
  readonly ledger: Pick<Ledger, 'watch' | 'receipts' | 'sessions'> & { readonly approvals: Pick<Ledger['approvals'], 'approval'> }
  readonly clock: Clock
  readonly ids: Ids
  readonly events: Pick<Events, 'warned'>
  /** Runs it every so many milliseconds; returns what ends that. */
  readonly every?: (run: () => void, ms: number) => () => void
}

const byTimer: NonNullable<FeedDeps['every']> = (run, ms) => {
  const timer = setInterval(run, ms).unref()
  return () => clearInterval(timer)
}

export function createEventFeed(deps: FeedDeps): EventFeed {
  return new Feed(deps)
}

class Feed implements EventFeed {
  readonly #deps: FeedDeps
  readonly #listeners = new Set<Listener>()
  #kept: FeedEvent[] = []
  /** Names this run of the feed: ids of another one say nothing about what was missed since. */
  #run = ''
  #number = 0
  #ends: readonly (() => void)[] = []
  /** One look after the other, so that events come in the order in which they were found. */
  #turn: Promise<void> = Promise.resolve()
  #receipts = new Seen(0)
  #sessions = new Seen(0)
  #isPolling = false
  #isFailing = false
  #isStopped = false

  constructor(deps: FeedDeps) {
    this.#deps = deps
  }

  join(listener: Listener, after?: string): () => void {
    if (this.#isStopped) throw refused('conflict', 'This process is stopping; ask again soon.')
    if (this.#listeners.size >= MAX_EVENT_LISTENERS)
      throw refused('conflict', `${MAX_EVENT_LISTENERS} listeners follow the events already; let one of them go first.`)
    if (this.#listeners.size === 0) this.#start()
    this.#listeners.add(listener)
    if (after !== undefined) this.#catchUp(listener, after)
    return () => {
      if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.#rest()
    }
  }

  stop(): void {
    // Whoever asks again on a connection that is still open would keep the listener from closing.
    this.#isStopped = true
    const listeners = [...this.#listeners]
    this.#listeners.clear()
    this.#rest()
    for (const listener of listeners) listener.end()
  }

  #start(): void {
    const { ledger, clock, ids, every = byTimer } = this.#deps
    this.#run = ids('feed')
    this.#number = 0
    this.#kept = []
    this.#receipts = new Seen(clock.now())
    this.#sessions = new Seen(clock.now())
    this.#ends = [ledger.watch((change) => this.#heard(change)), every(() => this.#poll(), EVENT_POLL_MS)]
  }

  #rest(): void {
    for (const end of this.#ends) end()
    this.#ends = []
  }

  #catchUp(listener: Listener, after: string): void {
    if (after === this.#id(this.#number)) return
    const at = this.#kept.findIndex(({ id }) => id === after)
    const missed = at < 0 ? [this.#reset()] : this.#kept.slice(at + 1)
    for (const event of missed) listener.deliver(event)
  }

  #reset(): FeedEvent {
    return { id: this.#id(this.#number), type: 'reset', data: {} }
  }

  #id(number: number): string {
    return `${this.#run}.${number}`
  }

  #emit(type: EventType, data: FeedEvent['data']): void {
    this.#number += 1
    const event = { id: this.#id(this.#number), type, data }
    this.#kept.push(event)
    if (this.#kept.length > MAX_KEPT_EVENTS) this.#kept.shift()
    for (const listener of [...this.#listeners]) listener.deliver(event)
  }

  #heard(change: Change): void {
    switch (change.kind) {
      case 'approval':
        this.#look(() => this.#tellApproval(change.approvalId))
        break
      case 'session_ended':
        this.#emit('session', { id: change.sessionId, news: 'ended' })
        break
      case 'halts':
        this.#emit('halts', {})
        break
      case 'policy':
        this.#emit('policy', { version: change.version })
        break
      case 'tokens':
        // Whoever listens has to show a token that still holds.
        this.#endAll()
        break
    }
  }

  #endAll(): void {
    for (const listener of [...this.#listeners]) listener.end()
  }

  #look(look: () => Promise<void>): void {
    this.#turn = this.#turn.then(look).then(
      () => {
        this.#isFailing = false
      },
      (cause: unknown) => {
        if (!this.#isFailing) this.#deps.events.warned('The events for operators could not be read from the ledger.', cause)
        this.#isFailing = true
      },
    )
  }

  async #tellApproval(id: string): Promise<void> {
    const approval = await this.#deps.ledger.approvals.approval(id)
    if (!approval) return
    const { kind, state, paymentId, sessionId, agent, version } = approval
    this.#emit('approval', { id, kind, state, paymentId, sessionId, agent, version })
  }

  /** A slow ledger is not asked twice at once. */
  #poll(): void {
    if (this.#isPolling) return
    this.#isPolling = true
    this.#look(() =>
      this.#tellNew().finally(() => {
        this.#isPolling = false
      }),
    )
  }

  async #tellNew(): Promise<void> {
    if (this.#listeners.size === 0) return
    const { ledger } = this.#deps
    const receipts = await ledger.receipts({ since: this.#receipts.since }, { limit: MAX_PAGE })
    const fresh = this.#receipts.fresh(receipts.items, ({ at }) => Date.parse(at))
    if (fresh.length === MAX_PAGE) this.#emit('reset', {})
    for (const receipt of fresh) this.#emit('payment', paymentData(receipt))
    const sessions = await ledger.sessions({ limit: MAX_PAGE })
    for (const session of this.#sessions.fresh(sessions.items, ({ createdAt }) => createdAt)) this.#emit('session', sessionData(session))
  }
}

/** Which of the things that carry a time were told: those older than the start are, and each is told once. */
class Seen {
  readonly #start: number
  #newest: number
  readonly #told = new Map<string, number>()

  constructor(start: number) {
    this.#start = start
    this.#newest = start
  }

  /** Clocks of processes differ a little, and what is committed later may carry an earlier time. */
  get since(): number {
    return Math.max(this.#start, this.#newest - EVENT_OVERLAP_MS)
  }

  /** Of a list, newest first: those that were not told yet, oldest first. */
  fresh<T extends { readonly id: string }>(items: readonly T[], timeOf: (item: T) => number): T[] {
    const { since } = this
    const found = items.filter((item) => timeOf(item) >= since && !this.#told.has(item.id)).toReversed()
    for (const item of found) {
      this.#told.set(item.id, timeOf(item))
      this.#newest = Math.max(this.#newest, timeOf(item))
    }
    for (const [id, at] of this.#told) if (at < this.since) this.#told.delete(id)
    return found
  }
}

function paymentData(receipt: Receipt): FeedEvent['data'] {
  const { paymentId, id, kind, state, code, sessionId, agent, tier, amount, currency } = receipt
  return { id: paymentId, receiptId: id, kind, state, code, sessionId, agent, tier, amount, currency }
}

function sessionData({ id, agent, parent, owner }: Session): FeedEvent['data'] {
  return { id, news: 'opened', agent, parent, owner }
}
