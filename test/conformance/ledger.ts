/**
 * What every ledger must do, whatever keeps its rows. An adapter passes by running this suite with its own harness;
 * nothing here knows how rows are stored, and time moves only by the harness's clock.
 */
import { afterEach, beforeEach, describe } from 'vitest'
import type { Change, Ledger, Reservation, ReserveRequest } from '../../src/ledger/ledger.ts'
import type { Session } from '../../src/session/session.ts'
import type { Events } from '../../src/telemetry/events.ts'
import { countingIds, type TestClock, testClock } from '../clock.ts'
import { authorizationFor, CONFIRMABLE, fixtures } from '../ledger/fixtures.ts'
import { approvalsConformance } from './approvals.ts'
import { accountsConformance } from './ledger-accounts.ts'
import { capsConformance } from './ledger-caps.ts'
import { channelsConformance } from './ledger-channels.ts'
import { disputesConformance } from './ledger-disputes.ts'
import { fundingsConformance } from './ledger-fundings.ts'
import { houseConformance } from './ledger-house.ts'
import { insightConformance } from './ledger-insight.ts'
import { modelConformance } from './ledger-model.ts'
import { paymentsConformance } from './ledger-payments.ts'
import { policyConformance } from './ledger-policy.ts'
import { proofConformance } from './ledger-proof.ts'
import { purchasesConformance } from './ledger-purchases.ts'
import { receiptsConformance } from './ledger-receipts.ts'
import { recoveryConformance } from './ledger-recovery.ts'
import { refillsConformance } from './ledger-refills.ts'
import { retentionConformance } from './ledger-retention.ts'
import { sharingConformance } from './ledger-sharing.ts'
import { successionConformance } from './ledger-succession.ts'
import { toldConformance } from './ledger-told.ts'
import { uptoConformance } from './ledger-upto.ts'

/** An empty store and a ledger over it. */
export interface Store {
  readonly clock: TestClock
  /** The ledger of the present run. */
  ledger(): Ledger
  /** Ends the present run without ceremony and begins another over the same store. */
  restart(): Promise<Ledger>
  /** Begins another run beside the present one, where the store can be shared; the store disposes of it. */
  second?(): Promise<Ledger>
  dispose(): Promise<void>
}

/** What every run of a store is opened with, besides its clock. */
export interface StoreOptions {
  readonly events: Pick<
    Events,
    'ledgerTook' | 'receiptWritten' | 'paymentEntered' | 'thresholdReached' | 'reconciled' | 'warned' | 'faulted'
  >
  readonly thresholds: readonly number[]
  readonly confirmable: readonly string[]
}

export type OpenStore = (clock: TestClock, options: StoreOptions) => Promise<Store>

/** What a conformance test holds in its hand. */
export class Bench {
  readonly ids = countingIds()
  readonly clock = testClock()
  readonly make = fixtures(this.ids, () => this.clock.now())
  /** What the ledger told, in order: states of payments, thresholds, findings. */
  readonly told: string[] = []
  #store: Store | undefined

  async open(openStore: OpenStore): Promise<void> {
    const ignore = () => undefined
    const events = {
      paymentEntered: ({ paymentId, state }: { paymentId: string; state: string }) => this.told.push(`${paymentId} ${state}`),
      thresholdReached: ({ sessionId, percent }: { sessionId: string; percent: number }) => this.told.push(`${sessionId} ${percent} %`),
      reconciled: ({ paymentId, outcome }: { paymentId: string; outcome: string }) => this.told.push(`${paymentId} found ${outcome}`),
      ledgerTook: ignore,
      receiptWritten: ignore,
      warned: ignore,
      faulted: ignore,
    }
    this.#store = await openStore(this.clock, { events, thresholds: [50, 80, 95], confirmable: [CONFIRMABLE] })
  }

  async dispose(): Promise<void> {
    await this.#store?.dispose()
  }

  /** Another run on the same store. */
  second(): Promise<Ledger> {
    if (!this.store.second) throw new Error('the store has one owner')
    return this.store.second()
  }

  get ledger(): Ledger {
    return this.store.ledger()
  }

  get store(): Store {
    if (!this.#store) throw new Error('the store is not open')
    return this.#store
  }

  /** When all notes about this session are written down: they ride with the commit of whoever comes next. */
  async settled(sessionId: string): Promise<void> {
    await this.ledger.topUp(sessionId, { amount: 0n, extend_ms: 0 })
  }

  /** What changes on the ledger from now on. */
  watch(): { readonly told: () => readonly Change[]; readonly stop: () => void } {
    const changes: Change[] = []
    return { told: () => changes, stop: this.ledger.watch((change) => changes.push(change)) }
  }

  openSession(...args: Parameters<ReturnType<typeof fixtures>['session']>): Promise<Session> {
    return this.ledger.openSession(this.make.session(...args))
  }

  /** Reserves, and fails the test where it was refused. */
  async reserve(request: ReserveRequest): Promise<Reservation> {
    const result = await this.ledger.reserve(request)
    if (result.kind !== 'reserved') throw new Error(`expected a reservation, got ${result.kind}`)
    return result.reservation
  }

  async sign(request: ReserveRequest): Promise<Reservation> {
    const reservation = await this.reserve(request)
    await reservation.record(authorizationFor(request))
    return reservation
  }

  /** The code that a reservation is refused with, or the kind of the result where it is not refused. */
  async verdict(request: ReserveRequest): Promise<string> {
    const result = await this.ledger.reserve(request)
    return result.kind === 'refused' ? result.refusal.code : result.kind
  }

  /** The session as the ledger has it now. */
  async balance(id: string): Promise<Pick<Session, 'spent' | 'held' | 'payments'>> {
    const session = await this.ledger.session(id)
    if (!session) throw new Error(`no session ${id}`)
    const { spent, held, payments } = session
    return { spent, held, payments }
  }
}

/** Runs the whole suite against one adapter; `shared` where several runs may work on one store (`Store.second`). */
export function ledgerConformance(name: string, openStore: OpenStore, { shared = false } = {}): void {
  describe(`${name} ledger`, () => {
    let current: Bench | undefined
    beforeEach(async () => {
      current = new Bench()
      await current.open(openStore)
    })
    afterEach(() => current?.dispose())
    const bench = () => {
      if (!current) throw new Error('no bench outside a test')
      return current
    }
    accountsConformance(bench)
    capsConformance(bench)
    paymentsConformance(bench)
    purchasesConformance(bench)
    successionConformance(bench)
    receiptsConformance(bench)
    refillsConformance(bench)
    recoveryConformance(bench)
    if (shared) sharingConformance(bench)
    proofConformance(bench)
    uptoConformance(bench)
    channelsConformance(bench)
    disputesConformance(bench)
    fundingsConformance(bench)
    houseConformance(bench)
    approvalsConformance(bench)
    policyConformance(bench)
    insightConformance(bench)
    toldConformance(bench)
    retentionConformance(bench)
    modelConformance(bench)
  })
}
