/** The ground of several processes: a simulated database server, which each reaches over a wire of its own. */
import type { Ledger } from '../../src/ledger/ledger.ts'
import type { Row, Store } from '../../src/ledger/postgres/store.ts'
import { composePostgresLedger } from '../../src/ledger/postgres.ts'
import { accountOf, entryOf, receiptOf } from './book-rows.ts'
import type { Account, Books, Entry, ReceiptEntry } from './books.ts'
import type { Ground, Place } from './grounds.ts'
import { SimulatedServer } from './simulated-server.ts'
import { SimulatedStore } from './simulated-store.ts'

/** A simulated database server, which up to four processes reach. */
export class PostgresGround implements Ground {
  readonly server = new SimulatedServer()
  readonly books: Books = new SimulatedBooks(this.server)
  readonly #storeOf: (store: Store, server: SimulatedServer) => Store

  /** `storeOf` wraps each store: for broken controls. */
  constructor(storeOf: (store: Store, server: SimulatedServer) => Store = (store) => store) {
    this.#storeOf = storeOf
  }

  async open(place: Place): Promise<Ledger> {
    const { agenda, random, life, clock, ids, events, confirmable } = place
    const schedule = (run: () => void, delay_ms: number) => agenda.later(delay_ms === 0 ? random.spread(0.01, 1) : delay_ms, life, run)
    const store = this.#storeOf(new SimulatedStore({ ...place, server: this.server }), this.server)
    return composePostgresLedger(store, { clock, ids, events, confirmable, schedule })
  }

  crashed(): void {
    // The server has its own life; what the process had open is ended when its silence is noticed.
  }

  attend(now: number): void {
    this.server.sweep(now)
  }

  dispose(): void {
    // Nothing outlives its last reference.
  }
}

class SimulatedBooks implements Books {
  readonly #server: SimulatedServer
  /** A row never changes: what changes is another one. */
  readonly #known = new WeakMap<Row, Entry>()
  #entries: readonly Entry[] = []
  #at = -1

  constructor(server: SimulatedServer) {
    this.#server = server
  }

  get version(): number {
    return this.#server.version
  }

  entries(): readonly Entry[] {
    if (this.#at === this.version) return this.#entries
    this.#at = this.version
    const decided = [...this.#server.tables.rows('payments').values()].filter(
      ({ nonce, reused_nonce }) => nonce !== null || reused_nonce !== null,
    )
    this.#entries = decided.map((row) => this.#entryOf(row))
    return this.#entries
  }

  #entryOf(row: Row): Entry {
    const known = this.#known.get(row) ?? entryOf(row)
    this.#known.set(row, known)
    return known
  }

  decided(nonce: string): Entry | undefined {
    return this.entries().findLast((entry) => entry.nonce === nonce)
  }

  accounts(): readonly Account[] {
    return [...this.#server.tables.rows('sessions').values()].map(accountOf)
  }

  receipts(from: number): readonly ReceiptEntry[] {
    return [...this.#server.tables.rows('receipts').values()].slice(from).map(receiptOf)
  }
}
