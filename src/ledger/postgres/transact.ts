/**
 * One transaction for many operations: lock, load, run each on the working set, commit. An operation that throws loses
 * only its own changes; one that needs what nobody foresaw is undone, what it needs is loaded, and it runs again in its
 * turn, so that operations take effect in the order in which they came.
 */
import type { Clock } from '../../clock.ts'
import { MAX_LOAD_ROUNDS } from '../../limits.ts'
import { passing } from '../../waypoints.ts'
import type { Change } from '../ledger.ts'
import type { Transaction } from '../tables.ts'
import { type RowChange, type Store, StoreFault, type StoreTransaction } from './store.ts'
import { nameOf, Wants } from './wants.ts'
import { Missing, WorkingSet } from './working-set.ts'

/** What operations work with: made anew for each transaction. */
export interface Work {
  readonly tx: Transaction
  readonly set: WorkingSet
  readonly runId: string
  /** Tells the other processes once it is committed. */
  announce(change: Change): void
}

export interface Operation<W, T> {
  /**
   * Operations of one queue go through one lane, in order. All that is done to a budget is of one queue; so are budgets
   * that lock a row in common, because two lanes would only wait for each other.
   */
  readonly queue: string
  /** What it will lock and read. A guess: what is missing is loaded when it is met. */
  foresee(wants: Wants): void
  /** As above, for what depends on the time. */
  foreseeAt?(wants: Wants, now: number): void
  /** Synchronous, and may run more than once. What it throws is its own outcome and undoes what it did. */
  run(work: W): T
}

export type Outcome = { readonly done: true; readonly value: unknown } | { readonly done: false; readonly cause: unknown }

/** What came of the operations, in their order, if it is committed. */
export interface Transacted {
  readonly outcomes: readonly Outcome[]
  /** To be run once it is certain that it is durable. */
  readonly effects: readonly (() => void)[]
  /** Undefined where it is committed; else it asks whether it is. */
  readonly doubt: StoreTransaction | undefined
}

export interface TransactOptions<W> {
  readonly store: Store
  readonly clock: Clock
  readonly compose: (work: Work) => W
  readonly onWritten?: (changes: readonly RowChange[]) => void
}

/**
 * @param learned What earlier attempts met unforeseen; what this one meets is added, so that the next one locks it in order.
 * @throws StoreFault where nothing was written.
 */
export async function transact<W>(
  operations: readonly Operation<W, unknown>[],
  place: { readonly lane: number; readonly learned: Wants },
  options: TransactOptions<W>,
): Promise<Transacted> {
  for (let round = 1; round <= MAX_LOAD_ROUNDS; round++) {
    const transacted = await attemptAll(operations, place, options)
    if (transacted !== 'unordered') return transacted
  }
  throw new StoreFault('rejected', 'An operation asked for other rows again and again')
}

async function attemptAll<W>(
  operations: readonly Operation<W, unknown>[],
  { lane, learned }: { readonly lane: number; readonly learned: Wants },
  options: TransactOptions<W>,
): Promise<Transacted | 'unordered'> {
  const wants = new Wants().addRows(learned)
  for (const operation of operations) operation.foresee(wants)
  const transaction = await options.store.begin({ lane, locks: wants.locks() })
  passing('rows locked')
  try {
    const transacted = await new Run(operations, { transaction, learned }, options).through(wants)
    if (transacted === 'unordered') await transaction.rollback()
    return transacted
  } catch (cause) {
    await transaction.rollback()
    throw cause
  }
}

class Run<W> {
  readonly #operations: readonly Operation<W, unknown>[]
  readonly #transaction: StoreTransaction
  readonly #set = new WorkingSet()
  readonly #effects: (() => void)[] = []
  readonly #announcements: Change[] = []
  readonly #outcomes: Outcome[] = []
  readonly #now: number
  readonly #work: W

  readonly #onWritten: TransactOptions<W>['onWritten']

  readonly #learned: Wants

  constructor(
    operations: readonly Operation<W, unknown>[],
    { transaction, learned }: { readonly transaction: StoreTransaction; readonly learned: Wants },
    options: TransactOptions<W>,
  ) {
    const { clock, compose, onWritten } = options
    this.#learned = learned
    this.#onWritten = onWritten
    this.#operations = operations
    this.#transaction = transaction
    this.#now = clock.now()
    this.#work = compose({
      tx: { now: this.#now, afterCommit: (effect) => this.#effects.push(effect) },
      set: this.#set,
      runId: transaction.runId,
      announce: (change) => this.#announcements.push(change),
    })
  }

  /**
   * `unordered` where an operation met a row that has to be locked and is not: the transaction begins anew and locks it
   * with the others, in the one order that everybody keeps, so that no two ever wait for each other.
   */
  async through(wants: Wants): Promise<Transacted | 'unordered'> {
    const locked = wants.names()
    for (const operation of this.#operations) operation.foreseeAt?.(wants, this.#now)
    if (!holdsAll(locked, wants)) return this.#unordered(wants)
    await this.#load(wants)
    for (let round = 1; this.#outcomes.length < this.#operations.length; round++) {
      if (round > MAX_LOAD_ROUNDS) throw new StoreFault('rejected', 'An operation asked for other rows again and again')
      const missing = this.#advance()
      if (!holdsAll(locked, missing)) return this.#unordered(missing)
      if (missing.size > 0) await this.#load(missing)
    }
    return { outcomes: this.#outcomes, effects: this.#effects, doubt: await this.#commit() }
  }

  /** Runs what is left. From the first operation on that misses something, the rest only says what it would miss. */
  #advance(): Wants {
    const missing = new Wants()
    for (const operation of this.#operations.slice(this.#outcomes.length)) {
      const outcome = this.#attempt(operation, missing.size > 0)
      if ('wants' in outcome) missing.add(outcome.wants)
      else if (missing.size === 0) this.#outcomes.push(outcome)
    }
    return missing
  }

  #attempt(operation: Operation<W, unknown>, probing: boolean): Outcome | Missing {
    const [effects, announcements] = [this.#effects.length, this.#announcements.length]
    const outcome = attempt(operation, this.#work)
    if (probing || 'wants' in outcome || !outcome.done) {
      this.#set.takeBack()
      this.#effects.length = effects
      this.#announcements.length = announcements
    }
    this.#set.keep()
    return outcome
  }

  #unordered(wants: Wants): 'unordered' {
    this.#learned.addRows(wants)
    return 'unordered'
  }

  async #load(wants: Wants): Promise<void> {
    const wanted = wants.wanted()
    this.#set.fill(wanted, await this.#transaction.load(wanted))
  }

  /** The transaction where its outcome is unknown. */
  async #commit(): Promise<StoreTransaction | undefined> {
    const changes = this.#set.changes()
    if (changes.length === 0 && this.#announcements.length === 0) {
      await this.#transaction.rollback()
      return undefined
    }
    this.#effects.unshift(() => this.#onWritten?.(changes))
    passing('before the commit')
    try {
      await this.#transaction.commit(changes, this.#announcements)
      passing('committed')
    } catch (cause) {
      if (cause instanceof StoreFault && cause.kind === 'unknown') return this.#transaction
      throw cause
    }
    return undefined
  }
}

function holdsAll(locked: ReadonlySet<string>, wants: Wants): boolean {
  return wants.locks().every((key) => locked.has(nameOf(key)))
}

function attempt<W>(operation: Operation<W, unknown>, work: W): Outcome | Missing {
  try {
    return { done: true, value: operation.run(work) }
  } catch (cause) {
    return cause instanceof Missing ? cause : { done: false, cause }
  }
}
