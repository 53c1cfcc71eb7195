/** Totals over all sessions, for metrics. */
import type { DatabaseSync } from 'node:sqlite'
import type { Totals } from './ledger.ts'
import { int, money, type Row, text } from './rows.ts'

const ONE = 1_000_000n

export class Summary {
  readonly #sql: ReturnType<typeof prepare>

  constructor(db: DatabaseSync) {
    this.#sql = prepare(db)
  }

  /** A child's money is held by its ancestors too, so only roots are summed. */
  totals(now: number): Totals {
    const exposure = this.#sql.exposure.all().map((row: Row) => [text(row, 'currency'), money(row, 'whole') * ONE + money(row, 'rest')])
    const sessions = this.#sql.sessions.all({ now }).map((row: Row) => [text(row, 'state'), int(row, 'sessions')])
    return { exposure: Object.fromEntries(exposure), sessions: Object.fromEntries(sessions) }
  }
}

/** Sums are made of wholes and rests, because a sum of millionths may not fit into 64 bits. The CASE is `stateOf`. */
function prepare(db: DatabaseSync) {
  return {
    exposure: db.prepare(`
      SELECT currency, sum(held / 1000000) AS whole, sum(held % 1000000) AS rest
      FROM sessions WHERE parent IS NULL AND held > 0 GROUP BY currency`),
    sessions: db.prepare(`
      SELECT CASE
        WHEN status = 'revoked' THEN 'revoked'
        WHEN status = 'closed' THEN iif(held > 0, 'closing', 'closed')
        WHEN $now >= expires_at THEN iif(held > 0, 'closing', 'expired')
        WHEN cap - spent - held = 0 THEN 'exhausted'
        ELSE 'open' END AS state, count(*) AS sessions
      FROM sessions GROUP BY 1`),
  }
}
