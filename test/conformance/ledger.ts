/**
 * What every ledger must do, whatever keeps its rows. An adapter passes by running this suite with its own harness;
 * nothing here knows how rows are stored, and time moves only by the harness's clock.
 */
import { afterEach, beforeEach, describe } from 'vitest'
import type { Ledger, Reservation, ReserveRequest } from '../../src/ledger/ledger.ts'
import type { Session } from '../../src/session/session.ts'
import { countingIds, type TestClock, testClock } from '../clock.ts'
import { authorizationFor, fixtures } from '../ledger/fixtures.ts'
import { accountsConformance } from './ledger-accounts.ts'
import { capsConformance } from './ledger-caps.ts'
import { modelConformance } from './ledger-model.ts'
import { paymentsConformance } from './ledger-payments.ts'
import { purchasesConformance } from './ledger-purchases.ts'
import { receiptsConformance } from './ledger-receipts.ts'

/** An empty store and a ledger over it. */
export interface Store {
  readonly clock: TestClock
  /** The ledger of the present run. */
  ledger(): Ledger
  /** Ends the present run without ceremony and begins another over the same store. */
  restart(): Promise<Ledger>
  dispose(): Promise<void>
}

export type OpenStore = (clock: TestClock) => Promise<Store>

/** What a conformance test holds in its hand. */
export class Bench {
  readonly ids = countingIds()
  readonly clock = testClock()
  readonly make = fixtures(this.ids, () => this.clock.now())
  #store: Store | undefined

  async open(openStore: OpenStore): Promise<void> {
    this.#store = await openStore(this.clock)
  }

  async dispose(): Promise<void> {
    await this.#store?.dispose()
  }

  get ledger(): Ledger {
    return this.store.ledger()
  }

  get store(): Store {
    if (!this.#store) throw new Error('the store is not open')
    return this.#store
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

/** Runs the whole suite against one adapter. */
export function ledgerConformance(name: string, openStore: OpenStore): void {
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
    receiptsConformance(bench)
    modelConformance(bench)
  })
}
