/**
 * Books: every receipt is told to those who keep accounts, at least once and under one id, through crashes and over
 * replicas. A place in the ledger says how far each receiver was told; it moves in the transaction that queues the
 * notices. While a receiver does not answer, receipts wait where they are.
 */
import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Notice } from '../approval/approval.ts'
import { noticeId } from '../approval/notices.ts'
import { payloadOf } from '../approval/payload.ts'
import type { Address } from '../approval/people.ts'
import type { Receipt } from '../audit/receipt.ts'
import { type Clock, type Pause, systemPause } from '../clock.ts'
import { BOOK_TYPES, hearsOf } from '../event-types.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { PlacedReceipt } from '../ledger/told.ts'
import { MAX_PAGE } from '../limits.ts'
import { BOOK_PAGE, BOOK_STEP_MS, MAX_BOOK_NOTICES, MAX_BOOK_SESSIONS, NOTICE_INTERVAL_MS } from '../people-limits.ts'
import type { Session } from '../session/session.ts'
import type { Events } from '../telemetry/events.ts'
import { bookEvent } from './book-event.ts'

export interface BooksDeps {
  readonly ledger: Pick<Ledger, 'told' | 'receipts' | 'session'>
  /** Addresses that are nobody's in particular; those that name no type of the books are left alone. */
  readonly shared: readonly Address[]
  readonly clock: Clock
  readonly events: Pick<Events, 'warned'>
  /** Something was queued. */
  readonly onQueued: () => void
  readonly pause?: Pause
}

export interface Books {
  /** One step of each receiver; answers how many receipts were passed, told or not. A new receiver begins with what comes from now on. */
  tellNew(): Promise<number>
  /** Resolves when every receiver has its place, so that what comes next is told; where the ledger fails that is made up for. */
  start(): Promise<void>
  stop(): Promise<void>
}

export function createBooks(deps: BooksDeps): Books {
  return new Bookkeeping(deps)
}

class Bookkeeping implements Books {
  readonly #deps: BooksDeps
  readonly #receivers: readonly Address[]
  readonly #places = new Map<string, bigint>()
  readonly #sessions = new LRUCache<string, Pick<Session, 'owner' | 'labels'>>({ max: MAX_BOOK_SESSIONS })
  readonly #stopped = new AbortController()
  #settled = 0n
  #loop: Promise<void> | undefined

  constructor(deps: BooksDeps) {
    this.#deps = deps
    this.#receivers = hearing(deps.shared)
  }

  async tellNew(): Promise<number> {
    let passed = 0
    for (const receiver of this.#receivers) passed += await this.#tellOne(receiver)
    return passed
  }

  async start(): Promise<void> {
    if (this.#receivers.length === 0) return
    const passed = await this.#step()
    this.#loop ??= this.#run(passed)
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#loop
  }

  async #run(before: number): Promise<void> {
    const { pause = systemPause } = this.#deps
    let passed = before
    while (!this.#stopped.signal.aborted) {
      await pause(passed > 0 ? BOOK_STEP_MS : NOTICE_INTERVAL_MS, this.#stopped.signal).catch(() => undefined)
      if (!this.#stopped.signal.aborted) passed = await this.#step()
    }
  }

  #step(): Promise<number> {
    return this.tellNew().catch((cause: unknown) => {
      this.#deps.events.warned('Receipts could not be told to those who keep the books; it is tried again.', cause)
      return 0
    })
  }

  async #tellOne(receiver: Address): Promise<number> {
    const { told } = this.#deps.ledger
    const name = nameOf(receiver)
    const from = this.#places.get(name) ?? (await told.toldUpTo(name))
    const end = await this.#endAfter(from)
    if (from === undefined) return this.#move({ receiver: name, from, to: end, notices: [] }).then(() => 0)
    this.#places.set(name, from)
    const free = end === from ? 0 : this.#share() - (await told.waitingFor(receiver.name))
    if (free <= 0) return 0
    const placed = await told.receiptsBetween({ after: from, upTo: end, limit: BOOK_PAGE })
    const { notices, passed } = await this.#noticesOf(placed, { receiver, free })
    const to = passed < placed.length || placed.length === BOOK_PAGE ? placed[passed - 1]?.place : end
    if (to === undefined || !(await this.#move({ receiver: name, from, to, notices }))) return 0
    if (notices.length > 0) this.#deps.onQueued()
    return passed
  }

  /** Asked for only where what was settled already is told: it holds up whoever writes. */
  async #endAfter(from: bigint | undefined): Promise<bigint> {
    if (from === undefined || from >= this.#settled) this.#settled = await this.#deps.ledger.told.settledPlace(from ?? 0n)
    return this.#settled
  }

  /** As many as are free, in order. */
  async #noticesOf(placed: readonly PlacedReceipt[], { receiver, free }: { readonly receiver: Address; readonly free: number }) {
    const notices: Notice[] = []
    let passed = 0
    for (const { receipt } of placed) {
      if (notices.length === free) break
      const notice = await this.#noticeFor(receiver, receipt)
      if (notice) notices.push(notice)
      passed += 1
    }
    return { notices, passed }
  }

  async #noticeFor(receiver: Address, receipt: Receipt): Promise<Notice | undefined> {
    const session = await this.#session(receipt.sessionId)
    const alert = bookEvent(receipt, { session, before: await this.#before(receipt) })
    if (!hearsOf(receiver.events, alert.type)) return undefined
    const now = this.#deps.clock.now()
    const { type, at } = alert
    return {
      id: noticeId(['books', nameOf(receiver), receipt.id]),
      ...{ approvalId: null, type, person: '', channel: receiver.channel, target: receiver.name },
      payload: payloadOf({ type, at, alert }, receiver),
      ...{ state: 'waiting', attempts: 0, dueAt: now, createdAt: now, deliveredAt: null, lastError: null },
    }
  }

  /** False where another process was faster; where it stands is read anew then. */
  async #move(telling: Parameters<Ledger['told']['tell']>[0]): Promise<boolean> {
    const moved = await this.#deps.ledger.told.tell(telling)
    if (moved) this.#places.set(telling.receiver, telling.to)
    else this.#places.delete(telling.receiver)
    return moved
  }

  /** Of the notices that may wait at once. */
  #share(): number {
    return Math.max(1, Math.floor(MAX_BOOK_NOTICES / this.#receivers.length))
  }

  async #session(id: string): Promise<Pick<Session, 'owner' | 'labels'>> {
    const known = this.#sessions.get(id)
    if (known) return known
    const { owner, labels } = (await this.#deps.ledger.session(id)) ?? { owner: '', labels: {} }
    this.#sessions.set(id, { owner, labels })
    return { owner, labels }
  }

  /** Only what amends needs it: the first entry about a payment says by itself what it is. */
  async #before({ kind, paymentId, number }: Receipt): Promise<Receipt | undefined> {
    if (kind !== 'amendment') return undefined
    let cursor: string | null = ''
    while (cursor !== null) {
      const page = await this.#deps.ledger.receipts({ payment: paymentId }, { limit: MAX_PAGE, ...(cursor !== '' && { cursor }) })
      const before = page.items.find((one) => one.number < number)
      if (before) return before
      cursor = page.next
    }
    return undefined
  }
}

/** Under these names the ledger keeps how far each of them was told. */
export function receiversOf(shared: readonly Address[]): string[] {
  return hearing(shared).map(nameOf)
}

function hearing(shared: readonly Address[]): Address[] {
  return shared.filter(({ url, events }) => url !== undefined && BOOK_TYPES.some((type) => hearsOf(events, type)))
}

/** Its place in the configuration may change; whom it reaches does not. The URL may be a secret. */
function nameOf({ url = '' }: Address): string {
  return createHash('sha256').update(url).digest('hex').slice(0, 32)
}
