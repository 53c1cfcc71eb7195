/**
 * A store in memory whose calls a test can make fail, wait, and look back on. The rows are those of the simulated server
 * of the chaos tests, which locks, reads and commits as PostgreSQL does.
 */

import type { Change } from '../../../src/ledger/ledger.ts'
import {
  type FaultKind,
  type Opening,
  type Row,
  type RowChange,
  type Selection,
  type Store,
  StoreFault,
  type StoreTransaction,
  type Wanted,
  type WindowKey,
} from '../../../src/ledger/postgres/store.ts'
import { type ServerTransaction, SimulatedServer } from '../../chaos/simulated-server.ts'

export type Call = 'begin' | 'lock' | 'load' | 'commit' | 'outcome' | 'select'

interface Fault {
  readonly kind: FaultKind
  /** It failed after it was done: only the answer is lost. */
  readonly done: boolean
}

export interface MemoryStoreOptions {
  readonly server?: SimulatedServer
  readonly runId?: string
  readonly lanes?: number
}

const none = async (): Promise<readonly Row[]> => []

export class MemoryStore implements Store {
  readonly server: SimulatedServer
  readonly runId: string
  readonly lanes: number
  /** What was asked of transactions, in order: `begin 0 [session ses_1]`, `lock …`, `load`, `commit`, `rollback`. */
  readonly log: string[] = []
  readonly #faults = new Map<Call, Fault[]>()
  readonly #waits = new Map<Call, Promise<void>>()

  constructor({ server = new SimulatedServer(), runId = 'run_1', lanes = 2 }: MemoryStoreOptions = {}) {
    this.server = server
    this.runId = runId
    this.lanes = lanes
    server.enter(runId, { agenda: { now: 0 }, heardAt: () => 0 })
  }

  /** The next call of this kind fails; with `done`, it is done first. Several are used up one after the other. */
  fail(call: Call, kind: FaultKind, { done = false } = {}): void {
    this.#faults.set(call, [...(this.#faults.get(call) ?? []), { kind, done }])
  }

  /** The next call of this kind waits until what this answers is called. */
  hold(call: Call): () => void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waits.set(call, promise)
    return resolve
  }

  logged(call: string): string[] {
    return this.log.filter((line) => line.startsWith(call))
  }

  rows(table: Parameters<SimulatedServer['tables']['rows']>[0]): readonly Row[] {
    return [...this.server.tables.rows(table).values()]
  }

  async begin({ lane, locks }: Opening): Promise<StoreTransaction> {
    this.log.push(`begin ${lane} [${namesOf(locks)}]`)
    return this.call('begin', async () => {
      const transaction = await this.server.begin(this.runId, lane)
      await this.server.lock(transaction, locks)
      return new MemoryTransaction(this, transaction)
    })
  }

  select(selection: Selection): Promise<readonly Row[]> {
    return this.call('select', () => this.server.select(selection))
  }

  async count(selection: Pick<Selection, 'table' | 'where'>): Promise<number> {
    return (await this.select(selection)).length
  }

  async windows(keys: readonly WindowKey[]): Promise<readonly { readonly sum: bigint; readonly oldest: number | null }[]> {
    return keys.map((key) => this.server.window(key))
  }

  claim: Store['claim'] = async (claim) => this.server.claim(this.runId, claim)
  unattended: Store['unattended'] = async (now) => this.server.unattended(now)
  keepAnswer: Store['keepAnswer'] = async (answer) => this.server.keepAnswer(answer)
  pruneAnswers: Store['pruneAnswers'] = async (now) => this.server.pruneAnswers(now)
  refresh: Store['refresh'] = async () => undefined
  exposure = none
  states = none
  troubled = none
  activity = none
  dealings = none
  heads = none
  prices = none
  conduct = none

  async settledReceipts(): Promise<bigint> {
    return 0n
  }

  watch(listener: (change: Change) => void): () => void {
    return this.server.listen(listener)
  }

  readiness(): readonly string[] {
    return []
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.log.push('disposed')
  }

  async call<T>(call: Call, work: () => T | Promise<T>): Promise<T> {
    const wait = this.#waits.get(call)
    this.#waits.delete(call)
    await wait
    const fault = this.#faults.get(call)?.shift()
    if (!fault) return work()
    if (fault.done) await work()
    throw new StoreFault(fault.kind, `${call} failed`)
  }
}

class MemoryTransaction implements StoreTransaction {
  readonly runId: string
  readonly #store: MemoryStore
  readonly #transaction: ServerTransaction

  constructor(store: MemoryStore, transaction: ServerTransaction) {
    this.runId = transaction.runId
    this.#store = store
    this.#transaction = transaction
  }

  lock(keys: Opening['locks']): Promise<void> {
    this.#store.log.push(`lock [${namesOf(keys)}]`)
    return this.#store.call('lock', () => this.#store.server.lock(this.#transaction, keys))
  }

  load(wanted: Wanted) {
    this.#store.log.push(`load [${namesOf(wanted.rows)}]`)
    return this.#store.call('load', () => this.#store.server.load(wanted))
  }

  async commit(changes: readonly RowChange[], announcements: readonly Change[]): Promise<void> {
    this.#store.log.push('commit')
    try {
      await this.#store.call('commit', () => this.#store.server.commit(this.#transaction, changes, announcements))
    } finally {
      this.#store.server.rollback(this.#transaction)
    }
  }

  outcome(): Promise<boolean> {
    this.#store.log.push('outcome')
    return this.#store.call('outcome', () => this.#transaction.state === 'committed')
  }

  async rollback(): Promise<void> {
    this.#store.log.push('rollback')
    this.#store.server.rollback(this.#transaction)
  }
}

function namesOf(keys: Opening['locks']): string {
  return keys.map(({ access, values }) => [access, ...values].join(' ')).join(', ')
}
