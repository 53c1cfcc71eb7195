/**
 * Budgets: what sessions of a lineage hold and have spent. Refills are applied before anything changes what remains, and
 * whoever watches over a budget is told when a payment takes it past a threshold.
 */
import type { Session } from '../session/session.ts'
import type { Events } from '../telemetry/events.ts'
import { refilled } from './refill.ts'
import type { Lineage, SessionTable, Transaction } from './tables.ts'

export type BudgetEvents = Pick<Events, 'thresholdReached'>

export interface BudgetOptions {
  readonly sessions: SessionTable
  /** Percent of the cap, rising. */
  readonly thresholds: readonly number[]
  readonly events: BudgetEvents | undefined
}

export class Budget {
  readonly #options: BudgetOptions

  constructor(options: BudgetOptions) {
    this.#options = options
  }

  /**
   * The session and its ancestors, with all refills that are due.
   * @throws PurserError `not_found`.
   */
  lineage(tx: Transaction, sessionId: string): Lineage {
    const lineage = this.#options.sessions.lineage(sessionId)
    if (!lineage.some((session) => refilled(session, tx.now) !== session)) return lineage
    for (const session of lineage) this.#refill(tx, session)
    return this.#options.sessions.lineage(sessionId)
  }

  /** Sets `amount` aside in each session, and counts the payment. */
  hold(tx: Transaction, lineage: Lineage, amount: bigint): void {
    for (const session of lineage) this.#announce(tx, session, amount)
    this.#options.sessions.hold(tx, lineage, amount)
  }

  /** Held becomes spent. */
  spend(tx: Transaction, sessionId: string, amount: bigint): void {
    const { sessions } = this.#options
    sessions.spend(tx, sessions.lineage(sessionId), amount)
  }

  /** What was held or spent is free again, and the payment does not count. */
  giveBack(tx: Transaction, sessionId: string, { amount, from }: { readonly amount: bigint; readonly from: 'held' | 'spent' }): void {
    const lineage = this.lineage(tx, sessionId)
    if (from === 'held') this.#options.sessions.free(tx, lineage, amount)
    else this.#options.sessions.unspend(tx, lineage, amount)
  }

  /** What was spent was less; the payment counts as before. */
  lessen(tx: Transaction, sessionId: string, { from, to }: { readonly from: bigint; readonly to: bigint }): void {
    const { sessions } = this.#options
    sessions.unspend(tx, this.lineage(tx, sessionId), from)
    sessions.hold(tx, sessions.lineage(sessionId), to)
    sessions.spend(tx, sessions.lineage(sessionId), to)
  }

  /** Changes cap and lifetime; a threshold that the budget falls below by it is announced again when it is reached again. */
  adjust(tx: Transaction, session: Session, terms: Pick<Session, 'cap' | 'expiresAt' | 'refills'>): void {
    const { sessions } = this.#options
    sessions.adjust(tx, session.id, terms)
    const level = this.#passed(session.spent + session.held, terms.cap).at(-1) ?? 0
    if (terms.cap > session.cap && sessions.announced(session.id) > level) sessions.announce(tx, session.id, level)
  }

  #refill(tx: Transaction, session: Session): void {
    const after = refilled(session, tx.now)
    if (after !== session) this.adjust(tx, session, after)
  }

  #announce(tx: Transaction, session: Session, amount: bigint): void {
    const { sessions, events } = this.#options
    const { id, agent, cap, spent, currency } = session
    const before = spent + session.held
    const crossed = this.#passed(before + amount, cap).filter((percent) => !passes(before, cap, percent))
    const highest = crossed.at(-1)
    if (highest === undefined) return
    const announced = sessions.announced(id)
    if (highest <= announced) return
    sessions.announce(tx, id, highest)
    const balance = { sessionId: id, agent, spent, held: session.held + amount, cap, currency }
    for (const percent of crossed.filter((one) => one > announced)) {
      tx.afterCommit(() => events?.thresholdReached({ ...balance, percent }))
    }
  }

  #passed(used: bigint, cap: bigint): readonly number[] {
    return this.#options.thresholds.filter((percent) => passes(used, cap, percent))
  }
}

function passes(used: bigint, cap: bigint, percent: number): boolean {
  return cap > 0n && used * 100n >= cap * BigInt(percent)
}
