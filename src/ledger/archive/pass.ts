/**
 * The pass: once a day, what is old and final leaves for the archive, in small steps beside the requests. Receipts leave
 * in the order of writing, so that each chain is cut once and goes on here; payments after all their receipts. A step
 * writes its lines, waits for the disk, and only then takes the rows out: whatever dies, an entry is in the tables or in
 * a segment.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { dayOf } from '../../audit/daily.ts'
import type { Receipt } from '../../audit/receipt.ts'
import { type Clock, type Ids, type Pause, systemPause } from '../../clock.ts'
import {
  ARCHIVE_FILE_BYTES,
  PAYMENTS_AT_ONCE,
  RECEIPTS_AT_ONCE,
  RETENTION_INTERVAL_MS,
  RETENTION_LEASE_MS,
  RETENTION_PAUSE_MS,
  RETENTION_START_MS,
} from '../../retention-limits.ts'
import type { Session } from '../../session/session.ts'
import type { Events } from '../../telemetry/events.ts'
import type { Ledger } from '../ledger.ts'
import { type Handover, mayLeave, nameOf, type OldPayment, type SegmentKind } from '../retention.ts'
import type { PlacedReceipt } from '../told.ts'
import { paymentLine, receiptLine } from './entries.ts'
import { ArchiveFile } from './files.ts'

export interface PassDeps {
  readonly ledger: Pick<Ledger, 'retention' | 'told' | 'reports' | 'session'>
  /** Signs all that is written so far: what leaves is covered by a checkpoint. */
  readonly seal: () => Promise<unknown>
  /** Absolute. */
  readonly folder: string
  /** What is younger stays. */
  readonly after_ms: number
  /** How far back past prices are compared; asked at each pass. */
  readonly pricesOver_ms: () => number
  /** Who is told of every receipt: what they were not told yet stays. */
  readonly receivers: readonly string[]
  /** Networks whose chain can be asked. */
  readonly confirmable: readonly string[]
  readonly clock: Clock
  readonly ids: Ids
  readonly events: Pick<Events, 'archived' | 'retentionPassed' | 'warned'>
  readonly pause?: Pause
}

export interface Left {
  readonly receipts: number
  readonly payments: number
}

export interface RetentionPass {
  /** One pass; answers what left. Undefined where another process is at it. */
  round(): Promise<Left | undefined>
  start(): void
  /** Resolves when the step that runs is over. */
  stop(): Promise<void>
}

export function createPass(deps: PassDeps): RetentionPass {
  const stopped = new AbortController()
  const { events, pause = systemPause } = deps
  let loop: Promise<void> | undefined
  const round = () => new Round(deps, stopped.signal).run()
  const run = async () => {
    await pause(RETENTION_START_MS, stopped.signal).catch(() => undefined)
    while (!stopped.signal.aborted) {
      await round().catch((cause: unknown) => events.warned('Old payments could not be archived; it is tried again.', cause))
      await pause(RETENTION_INTERVAL_MS, stopped.signal).catch(() => undefined)
    }
  }
  return {
    round,
    start() {
      loop ??= run()
    },
    async stop() {
      stopped.abort()
      await loop
    },
  }
}

class Round {
  readonly #deps: PassDeps
  readonly #stopping: AbortSignal
  readonly #files = new Map<SegmentKind, ArchiveFile>()
  #heldUntil = 0
  #number = 0

  constructor(deps: PassDeps, stopping: AbortSignal) {
    this.#deps = deps
    this.#stopping = stopping
  }

  async run(): Promise<Left | undefined> {
    const { ledger, events, clock } = this.#deps
    if (!(await this.#hold())) return undefined
    const before = await this.#border()
    this.#number = await ledger.retention.newest()
    try {
      const receipts = await this.#receipts(before)
      const payments = await this.#payments(before)
      events.retentionPassed(clock.now())
      return { receipts, payments }
    } finally {
      for (const file of this.#files.values()) await file[Symbol.asyncDispose]()
    }
  }

  /** What is younger than this stays; so does all of a day whose report is not kept yet. */
  async #border(): Promise<number> {
    const { ledger, clock, after_ms, pricesOver_ms } = this.#deps
    const [newest] = (await ledger.reports.days({ limit: 1 })).items
    return Math.min(clock.now() - Math.max(after_ms, pricesOver_ms()), newest ? dayOf(newest.date).until : 0)
  }

  async #receipts(before: number): Promise<number> {
    const { ledger, seal } = this.#deps
    const [last] = await ledger.retention.segments({ kind: 'receipts', below: Number.MAX_SAFE_INTEGER, limit: 1 })
    const upTo = await this.#toldPlace()
    await seal()
    let left = 0
    for (let after = last?.last ?? 0n; !this.#stopping.aborted && after < upTo; ) {
      const placed = await ledger.told.receiptsBetween({ after, upTo, limit: RECEIPTS_AT_ONCE })
      const old = untilYoung(placed, before)
      const end = old.at(-1)
      if (!end || !(await this.#handOver(receiptsIn(old)))) break
      left += old.length
      after = end.place
      if (old.length < RECEIPTS_AT_ONCE) break
    }
    return left
  }

  /** Up to here everybody was told. The newest receipt stays, so that places never begin anew. */
  async #toldPlace(): Promise<bigint> {
    const { told } = this.#deps.ledger
    let place = (await told.settledPlace(0n)) - 1n
    for (const receiver of this.#deps.receivers) {
      const upTo = await told.toldUpTo(receiver)
      if (upTo !== undefined && upTo < place) place = upTo
    }
    return place
  }

  async #payments(before: number): Promise<number> {
    const { retention } = this.#deps.ledger
    let [left, after, goesOn] = [0, 0n, true]
    let leaving: OldPayment[] = []
    while (goesOn && !this.#stopping.aborted) {
      const found = await retention.paymentsBehind(after, PAYMENTS_AT_ONCE)
      const last = found.at(-1)
      goesOn = found.length === PAYMENTS_AT_ONCE && last !== undefined && last.payment.decidedAt < before
      // The newest payment stays, so that places never begin anew.
      leaving.push(...(await this.#over(found.length === PAYMENTS_AT_ONCE ? found : found.slice(0, -1), before)))
      after = last?.place ?? after
      if (leaving.length >= PAYMENTS_AT_ONCE || (!goesOn && leaving.length > 0)) {
        if (!(await this.#handOver(paymentsIn(leaving)))) break
        left += leaving.length
        leaving = []
      } else await turn()
    }
    return left
  }

  async #over(found: readonly OldPayment[], before: number): Promise<OldPayment[]> {
    const { ledger } = this.#deps
    const confirmable = new Set(this.#deps.confirmable)
    const sessions = new Map<string, Session | undefined>()
    const over: OldPayment[] = []
    for (const one of found) {
      const { sessionId } = one.payment
      if (one.hasReceipts || one.payment.decidedAt >= before) continue
      if (!sessions.has(sessionId)) sessions.set(sessionId, await ledger.session(sessionId))
      if (mayLeave(one.payment, { session: sessions.get(sessionId), before, confirmable })) over.push(one)
    }
    return over
  }

  /** False where the round has to end: another process is at it now, or something changed meanwhile. */
  async #handOver({ kind, lines, ...rest }: Bundle): Promise<boolean> {
    const { ledger, events, pause = systemPause } = this.#deps
    if (!(await this.#hold())) return false
    const stretch = await (await this.#file(kind)).append(lines)
    const segment = { ...rest.span, ...stretch, kind, number: this.#number + 1, entries: lines.length }
    if (!(await ledger.retention.handOver({ segment, names: rest.names, leaving: rest.leaving }))) return false
    this.#number += 1
    events.archived({ kind, entries: lines.length })
    await pause(RETENTION_PAUSE_MS, this.#stopping).catch(() => undefined)
    return true
  }

  async #hold(): Promise<boolean> {
    const now = this.#deps.clock.now()
    if (now < this.#heldUntil - RETENTION_LEASE_MS / 2) return true
    this.#heldUntil = now + RETENTION_LEASE_MS
    return this.#deps.ledger.retention.hold(this.#heldUntil)
  }

  async #file(kind: SegmentKind): Promise<ArchiveFile> {
    const { folder, clock, ids } = this.#deps
    const open = this.#files.get(kind)
    if (open && open.size < ARCHIVE_FILE_BYTES) return open
    await open?.[Symbol.asyncDispose]()
    const day = new Date(clock.now()).toISOString().slice(0, 10)
    const file = await ArchiveFile.begin(folder, `${kind}-${day}-${String(this.#number + 1).padStart(8, '0')}-${ids('arc')}.jsonl.gz`)
    this.#files.set(kind, file)
    return file
  }
}

interface Bundle extends Pick<Handover, 'names' | 'leaving'> {
  readonly kind: SegmentKind
  readonly lines: readonly string[]
  readonly span: Pick<Handover['segment'], 'first' | 'last' | 'oldest' | 'newest'>
}

function receiptsIn(placed: readonly PlacedReceipt[]): Bundle {
  return {
    kind: 'receipts',
    lines: placed.map(({ receipt }) => receiptLine(receipt)),
    names: namesOf(placed.flatMap(({ receipt }) => [receipt.sessionId, receipt.paymentId])),
    leaving: { receipts: placed.map(({ place, receipt }) => ({ place, paymentId: receipt.paymentId })) },
    span: spanOf(placed.map(({ place, receipt }) => ({ place, at: writtenAt(receipt) }))),
  }
}

function paymentsIn(found: readonly OldPayment[]): Bundle {
  return {
    kind: 'payments',
    lines: found.map(paymentLine),
    names: namesOf(found.flatMap(({ payment }) => [payment.sessionId, payment.id])),
    leaving: { payments: found.map(({ payment: { id, sessionId } }) => ({ id, sessionId })) },
    span: spanOf(found.map(({ place, payment }) => ({ place, at: payment.decidedAt }))),
  }
}

function namesOf(ids: readonly string[]): bigint[] {
  return [...new Set([...new Set(ids)].map(nameOf))]
}

/** Entries come by rising place; their times may not. */
function spanOf(entries: readonly { readonly place: bigint; readonly at: number }[]): Bundle['span'] {
  const times = entries.map(({ at }) => at)
  return { first: entries[0]?.place ?? 0n, last: entries.at(-1)?.place ?? 0n, oldest: Math.min(...times), newest: Math.max(...times) }
}

function untilYoung(placed: readonly PlacedReceipt[], before: number): readonly PlacedReceipt[] {
  const young = placed.findIndex(({ receipt }) => writtenAt(receipt) >= before)
  return young === -1 ? placed : placed.slice(0, young)
}

/** Milliseconds since 1970. */
function writtenAt({ at }: Receipt): number {
  return Date.parse(at)
}
