/** Refusals: each is written down, and those that repeat are counted in the one entry. */
import { createHash } from 'node:crypto'
import type { Refusal } from '../errors.ts'
import { REFUSAL_RUN_MS } from '../limits.ts'
import { remainingOf, type Session } from '../session/session.ts'
import { passing } from '../waypoints.ts'
import type { Budget } from './budget.ts'
import type { Chronicle } from './chronicle.ts'
import type { Attempt } from './ledger.ts'
import { toJson } from './rows.ts'
import type { RefusalRun, Tables, Transaction } from './tables.ts'

export interface RefusalsOptions {
  readonly tables: Tables
  readonly budget: Budget
  readonly chronicle: Chronicle
}

export interface NewRefusal {
  readonly attempt: Attempt
  readonly refusal: Refusal
  /** Used where this refusal is not counted into an earlier one. */
  readonly paymentId: string
}

export class Refusals {
  readonly #options: RefusalsOptions

  constructor(options: RefusalsOptions) {
    this.#options = options
  }

  /**
   * Writes the refusal down and completes it with its payment id and the session's balance.
   * @throws PurserError `not_found` where there is no such session.
   */
  write(tx: Transaction, { attempt, refusal, paymentId }: NewRefusal): Refusal {
    const [session] = this.#options.budget.lineage(tx, attempt.sessionId)
    const digest = digestOf(attempt, refusal)
    const run = this.#options.tables.refusalRuns.find(session.id, digest)
    if (run && tx.now < run.beganAt + REFUSAL_RUN_MS) {
      this.#tell(tx, attempt, { paymentId: run.paymentId, session })
      this.#countAgain(tx, run)
      return complete(refusal, { session, attempt, paymentId: run.paymentId })
    }
    if (run) this.#record(tx, run)
    this.#begin(tx, { attempt, refusal, paymentId }, digest)
    this.#tell(tx, attempt, { paymentId, session })
    return complete(refusal, { session, attempt, paymentId })
  }

  #begin(tx: Transaction, { attempt, refusal, paymentId }: NewRefusal, digest: string): void {
    const { payments, refusalRuns } = this.#options.tables
    payments.deny(tx, { ...attempt, reason: refusal.detail }, { id: paymentId, code: refusal.code })
    refusalRuns.put(tx, { sessionId: attempt.sessionId, digest, paymentId, beganAt: tx.now, count: 1, recorded: 1 })
    this.#options.chronicle.append(tx, 'refusal', payments.get(paymentId))
    passing('refusal written')
  }

  #countAgain(tx: Transaction, run: RefusalRun): void {
    const { payments, refusalRuns } = this.#options.tables
    payments.countAgain(tx, run.paymentId)
    const counted = { ...run, count: run.count + 1 }
    refusalRuns.put(tx, isPowerOfTen(counted.count) ? this.#record(tx, counted) : counted)
  }

  /** Puts the count into the chain, where it does not have it yet. */
  #record(tx: Transaction, run: RefusalRun): RefusalRun {
    if (run.count === run.recorded) return run
    this.#options.chronicle.append(tx, 'amendment', this.#options.tables.payments.get(run.paymentId))
    return { ...run, recorded: run.count }
  }

  /** Each refusal is told, also those that are counted into an earlier one. */
  #tell(tx: Transaction, { tier, terms }: Attempt, { paymentId, session }: { paymentId: string; session: Session }): void {
    const { network, scheme, amount, currency } = terms ?? { network: '', scheme: '', amount: 0n, currency: session.currency }
    this.#options.chronicle.entered(tx, { paymentId, tier, network, scheme, amount, currency }, 'denied')
  }
}

function digestOf({ method, url, terms }: Attempt, { code }: Refusal): string {
  return createHash('sha256')
    .update(toJson([code, method, url, terms]))
    .digest('hex')
}

function isPowerOfTen(count: number): boolean {
  return /^10+$/.test(String(count))
}

/** The refusal with what its reader needs to act; what it says already stays. */
export function complete(refusal: Refusal, facts: { session: Session; attempt: Attempt; paymentId: string }): Refusal {
  const { session, attempt, paymentId } = facts
  return {
    sessionId: session.id,
    tier: attempt.tier,
    rule: attempt.rule,
    currency: session.currency,
    cap: session.cap,
    spent: session.spent,
    held: session.held,
    remaining: remainingOf(session),
    ...(attempt.terms && { amount: attempt.terms.amount }),
    ...refusal,
    paymentId,
  }
}
