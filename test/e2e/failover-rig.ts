/** Load for a failover: agents that reserve, sign, post and take back, and write down what the ledger acknowledged. */
import { randomBytes, randomInt } from 'node:crypto'
import { randomIds, systemClock } from '../../src/clock.ts'
import { PurserError } from '../../src/errors.ts'
import type { Ledger, Reservation, ReserveRequest } from '../../src/ledger/ledger.ts'
import { openPostgresLedger } from '../../src/ledger/postgres.ts'
import { authorizationFor, CLAIMED, COMPLETE, fixtures, NEVER_SENT, usd } from '../ledger/fixtures.ts'

export interface LedgerChoice {
  readonly url: string
  readonly runId: string
  readonly unsafeAsyncReplication?: boolean
  readonly told?: string[]
}

export function openLedger({ url, runId, unsafeAsyncReplication = false, told = [] }: LedgerChoice): Promise<Ledger> {
  const ignore = () => undefined
  return openPostgresLedger({
    url,
    runId,
    instance: null,
    unsafeAsyncReplication,
    clock: systemClock,
    ids: randomIds,
    events: {
      ledgerTook: ignore,
      receiptWritten: ignore,
      paymentEntered: ignore,
      thresholdReached: ignore,
      reconciled: ignore,
      warned: (sentence) => told.push(sentence),
      faulted: ignore,
    },
  })
}

export const make = fixtures(randomIds, () => Date.now())

/** How far a payment had come when the ledger said yes; what comes later may be there too. */
export type Reached = 'reserved' | 'signed' | 'settled' | 'void'

const PAUSE_MS = 20

export class Load {
  /** What the ledger has acknowledged, by payment. */
  readonly acknowledged = new Map<string, Reached>()
  /** Answers that were lost. */
  readonly doubts: ReserveRequest[] = []
  readonly #ledgers: readonly Ledger[]
  readonly #sessions: readonly string[]
  readonly #marks: { readonly count: number; readonly reached: () => void }[] = []
  #stopped = false
  #agents: Promise<void>[] = []

  constructor(ledgers: readonly Ledger[], sessions: readonly string[]) {
    this.#ledgers = ledgers
    this.#sessions = sessions
  }

  start(agents: number): void {
    this.#agents = Array.from({ length: agents }, (_, number) => this.#buy(number))
  }

  /** Until so many payments more were acknowledged. */
  more(count: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#marks.push({ count: this.acknowledged.size + count, reached: resolve })
    return promise
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#agents)
  }

  async #buy(number: number): Promise<void> {
    while (!this.#stopped) {
      const session = this.#sessions[randomInt(this.#sessions.length)] ?? ''
      const ledger = this.#ledgers[number % this.#ledgers.length]
      const nonce: `0x${string}` = `0x${randomBytes(32).toString('hex')}`
      const request = make.request(session, usd(1), { nonce })
      if (ledger) await this.#through(ledger, request).catch((cause: unknown) => this.#doubt(request, cause))
    }
  }

  async #through(ledger: Ledger, request: ReserveRequest): Promise<void> {
    const result = await ledger.reserve(request)
    if (result.kind === 'reserved') await this.#conclude(result.reservation, request)
  }

  async #conclude(reservation: Reservation, request: ReserveRequest): Promise<void> {
    this.#note(request, 'reserved')
    try {
      await reservation.record(authorizationFor(request))
      this.#note(request, 'signed')
      await this.#finish(reservation, request)
    } finally {
      reservation.release()
    }
  }

  async #finish(reservation: Reservation, request: ReserveRequest): Promise<void> {
    if (randomInt(3) === 0) {
      await reservation.void(NEVER_SENT)
      this.#note(request, 'void')
      return
    }
    reservation.sent()
    await reservation.post(CLAIMED)
    this.#note(request, 'settled')
    await this.#deliver(reservation)
  }

  /** An agent that has its answer does not ask again, whatever became of the note. */
  async #deliver(reservation: Reservation): Promise<void> {
    await reservation.delivered(COMPLETE).catch((cause: unknown) => {
      if (!(cause instanceof PurserError)) throw cause
    })
  }

  #note({ paymentId }: ReserveRequest, reached: Reached): void {
    this.acknowledged.set(paymentId, reached)
    for (const mark of this.#marks) if (this.acknowledged.size >= mark.count) mark.reached()
  }

  /** An agent would repeat its request; here it is enough to know which. A moment's rest, so that errors make no load. */
  async #doubt(request: ReserveRequest, cause: unknown): Promise<void> {
    if (!(cause instanceof PurserError)) throw cause
    this.doubts.push(request)
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  }
}
