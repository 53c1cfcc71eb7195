/** Refusals: each is written down, and those that repeat are counted in the one entry. */
import { createHash } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import type { Refusal } from '../errors.ts'
import { REFUSAL_RUN_MS } from '../limits.ts'
import { remainingOf, type Session } from '../session/session.ts'
import type { Transaction } from './batch.ts'
import type { Attempt } from './ledger.ts'
import type { Payments } from './payments.ts'
import type { Receipts } from './receipts.ts'
import { int, type Row, text, toJson } from './rows.ts'
import type { Sessions } from './sessions.ts'

export interface RefusalsOptions {
  readonly db: DatabaseSync
  readonly sessions: Sessions
  readonly payments: Payments
  readonly receipts: Receipts
}

export interface NewRefusal {
  readonly attempt: Attempt
  readonly refusal: Refusal
  /** Used where this refusal is not counted into an earlier one. */
  readonly paymentId: string
}

/** A run of identical refusals. */
interface Run {
  readonly digest: string
  readonly paymentId: string
  readonly beganAt: number
  readonly count: number
  /** The count that the chain has. */
  readonly recorded: number
}

export class Refusals {
  readonly #options: RefusalsOptions
  readonly #sql: ReturnType<typeof prepare>

  constructor(options: RefusalsOptions) {
    this.#options = options
    this.#sql = prepare(options.db)
  }

  /**
   * Writes the refusal down and completes it with its payment id and the session's balance.
   * @throws PurserError `not_found` where there is no such session.
   */
  write(tx: Transaction, { attempt, refusal, paymentId }: NewRefusal): Refusal {
    const session = this.#options.sessions.get(attempt.sessionId)
    const digest = digestOf(attempt, refusal)
    const run = this.#runOf(session.id, digest)
    if (run && tx.now < run.beganAt + REFUSAL_RUN_MS) {
      this.#countAgain(tx, session.id, run)
      return complete(refusal, { session, attempt, paymentId: run.paymentId })
    }
    if (run) this.#record(tx, session.id, run)
    this.#options.payments.deny(tx, { ...attempt, reason: refusal.detail }, { id: paymentId, code: refusal.code })
    this.#sql.begin.run(session.id, digest, paymentId, tx.now)
    this.#options.receipts.append(tx, 'refusal', this.#options.payments.get(paymentId))
    return complete(refusal, { session, attempt, paymentId })
  }

  #runOf(sessionId: string, digest: string): Run | undefined {
    const row: Row | undefined = this.#sql.find.get(sessionId, digest)
    if (!row) return undefined
    return {
      digest,
      paymentId: text(row, 'payment_id'),
      beganAt: int(row, 'began_at'),
      count: int(row, 'count'),
      recorded: int(row, 'recorded'),
    }
  }

  #countAgain(tx: Transaction, sessionId: string, run: Run): void {
    this.#options.payments.countAgain(tx, run.paymentId)
    this.#sql.countAgain.run(sessionId, run.digest)
    const count = run.count + 1
    if (isPowerOfTen(count)) this.#record(tx, sessionId, { ...run, count })
  }

  /** Puts the count into the chain, where it does not have it yet. */
  #record(tx: Transaction, sessionId: string, run: Run): void {
    if (run.count === run.recorded) return
    this.#options.receipts.append(tx, 'amendment', this.#options.payments.get(run.paymentId))
    this.#sql.recorded.run(sessionId, run.digest)
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

function prepare(db: DatabaseSync) {
  return {
    find: db.prepare('SELECT * FROM refusal_runs WHERE session_id = ? AND digest = ?'),
    begin: db.prepare(`
      INSERT INTO refusal_runs (session_id, digest, payment_id, began_at, count, recorded) VALUES (?, ?, ?, ?, 1, 1)
      ON CONFLICT (session_id, digest) DO UPDATE
      SET payment_id = excluded.payment_id, began_at = excluded.began_at, count = 1, recorded = 1`),
    countAgain: db.prepare('UPDATE refusal_runs SET count = count + 1 WHERE session_id = ? AND digest = ?'),
    recorded: db.prepare('UPDATE refusal_runs SET recorded = count WHERE session_id = ? AND digest = ?'),
  }
}
