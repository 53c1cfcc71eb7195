/**
 * One process's way to the simulated database: each call takes its time there and back, and may be lost on either way.
 * What was lost before a commit is `unavailable`, in a commit `unknown`; the server keeps such a transaction for a while.
 */
import type { Change } from '../../src/ledger/ledger.ts'
import {
  type AnswerRow,
  type Claim,
  type FaultKind,
  type Loaded,
  type Opening,
  type Row,
  type RowChange,
  type RowKey,
  type Selection,
  type Store,
  StoreFault,
  type StoreTransaction,
  type Wanted,
  type WindowKey,
} from '../../src/ledger/postgres/store.ts'
import { LEDGER_TIMEOUT_MS } from '../../src/limits.ts'
import type { Agenda, Life } from './agenda.ts'
import type { Random } from './random.ts'
import type { ServerTransaction, SimulatedServer } from './simulated-server.ts'

export interface WayOptions {
  readonly server: SimulatedServer
  readonly agenda: Agenda
  readonly random: Random
  readonly life: Life
  /** Share of calls of which something is lost, now. */
  readonly losses: () => number
  /** True while this process and the server cannot hear each other. */
  readonly cut: () => boolean
  readonly nameRun: () => string
  /** When this process was last heard of. */
  readonly heardAt: () => number
}

const nothing = async (): Promise<readonly Row[]> => []

const LANES = 2
/** A restarted or fenced process asks for a new run after this. */
const REENTRY_MS = 1_000

export class SimulatedStore implements Store {
  readonly lanes = LANES
  readonly #way: WayOptions
  #runId: string

  constructor(way: WayOptions) {
    this.#way = way
    this.#runId = way.nameRun()
    way.server.enter(this.#runId, way)
  }

  get runId(): string {
    return this.#runId
  }

  /** Begins and locks in one way there and back. */
  async begin({ lane, locks }: Opening): Promise<StoreTransaction> {
    const runId = this.#runId
    const { server, agenda, life } = this.#way
    const work = async () => {
      server.sweep(agenda.now)
      const begun = await server.begin(runId, lane)
      if (life.alive) life.afterwards(() => this.forget(begun))
      else this.forget(begun)
      await server.lock(begun, locks)
      return begun
    }
    try {
      return new OpenTransaction(this, this.#way, await this.call('unavailable', work, (late) => this.forget(late)))
    } catch (cause) {
      this.#reenter(cause)
      throw cause
    }
  }

  select(selection: Selection): Promise<readonly Row[]> {
    return this.#read((server) => server.select(selection))
  }

  async count(selection: Pick<Selection, 'table' | 'where'>): Promise<number> {
    return (await this.select(selection)).length
  }

  windows(keys: readonly WindowKey[]): Promise<readonly { readonly sum: bigint; readonly oldest: number | null }[]> {
    return this.#read((server) => keys.map((key) => server.window(key)))
  }

  claim(claim: Claim): Promise<readonly Row[]> {
    return this.#read((server) => server.claim(this.#runId, claim))
  }

  unattended(now: number): Promise<readonly Row[]> {
    return this.#read((server) => server.unattended(now))
  }

  keepAnswer(answer: AnswerRow): Promise<void> {
    return this.#read((server) => server.keepAnswer(answer))
  }

  pruneAnswers(now: number): Promise<void> {
    return this.#read((server) => server.pruneAnswers(now))
  }

  refresh(): Promise<void> {
    return this.#read((server) => server.sweep(this.#way.agenda.now))
  }

  // What reports, metrics and checkpoints ask for is not asked for here.
  exposure = nothing
  states = nothing
  troubled = nothing
  activity = nothing
  dealings = nothing
  heads = nothing
  prices = nothing
  conduct = nothing

  async settledReceipts(): Promise<bigint> {
    return 0n
  }

  watch(listener: (change: Change) => void): () => void {
    const { server, agenda, life, random } = this.#way
    return server.listen((change) => agenda.later(random.spread(1, 900), life, () => listener(change)))
  }

  readiness(): readonly string[] {
    return this.#way.cut() ? ['The ledger cannot be reached.'] : []
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A process that ends leaves its run to be declared ended.
  }

  #read<T>(work: (server: SimulatedServer) => T): Promise<T> {
    return this.call('unavailable', () => work(this.#way.server))
  }

  /**
   * There and back. `onLate` gets what the server did after the caller was told that its call was lost.
   * @throws StoreFault of this kind where something was lost.
   */
  async call<T>(kind: FaultKind, work: () => T | Promise<T>, onLate?: (result: T) => void): Promise<T> {
    const { agenda, life, random, losses, cut } = this.#way
    const share = losses() / 2
    const [lostThere, lostBack] = [random.chance(share), random.chance(share)]
    const answer = Promise.withResolvers<T>()
    const fail = (delay_ms: number) => agenda.later(delay_ms, life, () => answer.reject(new StoreFault(kind, 'the connection was lost')))
    agenda.later(random.spread(0.05, 4), agenda.world, () => {
      if (lostThere || cut()) {
        fail(random.spread(1, LEDGER_TIMEOUT_MS))
        return
      }
      const back = (result: T) => {
        if (lostBack || cut() || !life.alive) {
          onLate?.(result)
          fail(random.spread(1, LEDGER_TIMEOUT_MS))
        } else agenda.later(random.spread(0.05, 4), life, () => answer.resolve(result))
      }
      const refused = (cause: unknown) => void agenda.later(random.spread(0.05, 4), life, () => answer.reject(cause))
      attempt(work).then(back, refused)
    })
    return answer.promise
  }

  /** The server notices after a while that nobody is there. */
  forget(transaction: ServerTransaction): void {
    const { agenda, server, random } = this.#way
    agenda.later(random.spread(1, LEDGER_TIMEOUT_MS), agenda.world, () => server.rollback(transaction))
  }

  #reenter(cause: unknown): void {
    if (!(cause instanceof StoreFault) || cause.kind !== 'fenced') return
    const { agenda, life, server, nameRun, cut } = this.#way
    const old = this.#runId
    agenda.later(REENTRY_MS, life, () => {
      if (this.#runId !== old || cut()) return
      this.#runId = nameRun()
      server.enter(this.#runId, this.#way)
    })
  }
}

async function attempt<T>(work: () => T | Promise<T>): Promise<T> {
  return work()
}

class OpenTransaction implements StoreTransaction {
  readonly runId: string
  readonly #store: SimulatedStore
  readonly #way: WayOptions
  readonly #transaction: ServerTransaction

  constructor(store: SimulatedStore, way: WayOptions, transaction: ServerTransaction) {
    this.runId = transaction.runId
    this.#store = store
    this.#way = way
    this.#transaction = transaction
  }

  lock(keys: readonly RowKey[]): Promise<void> {
    return this.#guarded('unavailable', () => this.#way.server.lock(this.#transaction, keys))
  }

  load(wanted: Wanted): Promise<Loaded> {
    return this.#guarded('unavailable', () => this.#way.server.load(wanted))
  }

  commit(changes: readonly RowChange[], announcements: readonly Change[]): Promise<void> {
    return this.#guarded('unknown', () => this.#way.server.commit(this.#transaction, changes, announcements))
  }

  /** Waits at the server until whoever might still commit is gone. */
  outcome(): Promise<boolean> {
    return this.#store.call('unavailable', async () => {
      await this.#transaction.over
      return this.#transaction.state === 'committed'
    })
  }

  async rollback(): Promise<void> {
    await this.#store
      .call('unavailable', () => this.#way.server.rollback(this.#transaction))
      .catch(() => this.#store.forget(this.#transaction))
  }

  #guarded<T>(kind: FaultKind, work: () => T | Promise<T>): Promise<T> {
    return this.#store.call(kind, work).catch((cause: unknown) => {
      this.#store.forget(this.#transaction)
      throw cause
    })
  }
}
