/**
 * Totals over all sessions, for metrics. They cost what is open, not what there is: exposure comes from the payments that
 * are not resolved, and sessions are counted as they are opened and ended.
 */
import type { DatabaseSync } from 'node:sqlite'
import { COUNTED_MS } from '../../limits.ts'
import { remainingOf, type SessionState } from '../../session/session.ts'
import { IS_VOUCHER } from '../charges.ts'
import type { Totals } from '../ledger.ts'
import { refilled } from '../refill.ts'
import { int, money, type Row, text } from '../rows.ts'
import { readSession, readTerms } from '../session-row.ts'
import { UNRESOLVED } from './payment-lists.ts'

const ONE = 1_000_000n

export class Summary {
  readonly #sql: ReturnType<typeof prepare>

  constructor(db: DatabaseSync) {
    this.#sql = prepare(db)
  }

  /** What a payment holds is held by all ancestors of its session too, and counted once. */
  totals(now: number): Totals {
    const exposure = this.#sql.exposure.all().map((row: Row) => [text(row, 'currency'), money(row, 'whole') * ONE + money(row, 'rest')])
    const counts = Object.entries(this.#counts(now)).filter(([, sessions]) => sessions > 0)
    const { disputes, unresolved } = this.#open()
    return { exposure: Object.fromEntries(exposure), sessions: Object.fromEntries(counts), disputes, unresolved }
  }

  #open(): Pick<Totals, 'disputes' | 'unresolved'> {
    const row = this.#sql.open.get()
    return { disputes: row ? int(row, 'disputes') : 0, unresolved: row ? int(row, 'unresolved') : 0 }
  }

  /** As `stateOf` tells them apart. */
  #counts(now: number): Record<SessionState, number> {
    const counted = this.#counted('open', Number.MAX_SAFE_INTEGER)
    const expired = this.#expired(now)
    const closing = { closed: 0, expired: 0 }
    for (const row of this.#sql.holding.all()) {
      if (text(row, 'status') === 'closed') closing.closed += 1
      else if (text(row, 'status') === 'open' && int(row, 'expires_at') <= now) closing.expired += 1
    }
    const exhausted = this.#exhausted(now)
    return {
      open: counted - expired - exhausted,
      exhausted,
      closing: closing.closed + closing.expired,
      closed: this.#counted('closed', Number.MAX_SAFE_INTEGER) - closing.closed,
      expired: expired - closing.expired,
      revoked: this.#counted('revoked', Number.MAX_SAFE_INTEGER),
    }
  }

  /** Sessions of this status that end before this hour. */
  #counted(status: string, hour: number): number {
    const row = this.#sql.counted.get(status, hour)
    return row ? int(row, 'sessions') : 0
  }

  /** Whole hours are counted already; only those of the present one are looked at. */
  #expired(now: number): number {
    const hour = Math.floor(now / COUNTED_MS)
    const row = this.#sql.expired.get(hour * COUNTED_MS, now)
    return this.#counted('open', hour) + (row ? int(row, 'sessions') : 0)
  }

  #exhausted(now: number): number {
    const row = this.#sql.exhausted.get(now)
    const refilling = this.#sql.refilling.all(now).map((one: Row) => refilled(readSession(one, readTerms(one)), now))
    return (row ? int(row, 'sessions') : 0) - refilling.filter((session) => remainingOf(session) > 0n).length
  }
}

/** Sums are made of wholes and rests, because a sum of millionths may not fit into 64 bits. */
function prepare(db: DatabaseSync) {
  const exhausted = `sessions INDEXED BY sessions_exhausted WHERE status = 'open' AND cap - spent - held = 0 AND expires_at > ?`
  return {
    exposure: db.prepare(`
      SELECT currency, sum(CAST(amount AS INTEGER) / 1000000) AS whole, sum(CAST(amount AS INTEGER) % 1000000) AS rest
      FROM payments INDEXED BY payments_unresolved WHERE ${UNRESOLVED} AND NOT ${IS_VOUCHER} GROUP BY currency`),
    open: db.prepare(`
      SELECT (SELECT count(*) FROM payments INDEXED BY payments_disputed WHERE dispute IS NOT NULL) AS disputes,
        (SELECT count(*) FROM payments INDEXED BY payments_unresolved WHERE ${UNRESOLVED} AND state = 'unknown') AS unresolved`),
    holding: db.prepare(`
      WITH RECURSIVE holding (id) AS (
        SELECT session_id FROM payments INDEXED BY payments_unresolved WHERE ${UNRESOLVED} AND NOT ${IS_VOUCHER}
        UNION SELECT parent FROM sessions JOIN holding USING (id) WHERE parent IS NOT NULL)
      SELECT status, expires_at FROM sessions JOIN holding USING (id)`),
    counted: db.prepare('SELECT coalesce(sum(sessions), 0) AS sessions FROM session_counts WHERE status = ? AND hour < ?'),
    expired: db.prepare(`
      SELECT count(*) AS sessions FROM sessions INDEXED BY sessions_open
      WHERE status = 'open' AND expires_at >= ? AND expires_at <= ?`),
    exhausted: db.prepare(`SELECT count(*) AS sessions FROM ${exhausted}`),
    refilling: db.prepare(`SELECT * FROM ${exhausted} AND refill IS NOT NULL`),
  }
}
