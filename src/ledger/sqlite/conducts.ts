/** How sessions have paid so far: their first payments and their latest, in memory for those that pay now. */
import type { DatabaseSync } from 'node:sqlite'
import { LRUCache } from 'lru-cache'
import { MAX_CACHED_SESSIONS } from '../../limits.ts'
import { DRIFT_START_PAYMENTS } from '../../people-limits.ts'
import type { Conduct, Dealing } from '../../session/history.ts'
import { readDealing } from '../payment-row.ts'
import type { Behind, Pending } from './pending.ts'

export class Conducts implements Behind {
  readonly #sql: ReturnType<typeof prepare>
  readonly #pending: Pending
  readonly #known = new LRUCache<string, Conduct>({ max: MAX_CACHED_SESSIONS })

  constructor(db: DatabaseSync, pending: Pending) {
    this.#sql = prepare(db)
    this.#pending = pending
    pending.join(this)
  }

  /** True where it needs no look into the file. */
  knows(sessionId: string): boolean {
    return this.#known.has(sessionId)
  }

  of(sessionId: string): Conduct {
    const known = this.#known.get(sessionId)
    if (known) return known
    const conduct = {
      first: this.#sql.first.all(sessionId, DRIFT_START_PAYMENTS).map(readDealing),
      latest: this.#sql.latest.all(sessionId, DRIFT_START_PAYMENTS).map(readDealing),
    }
    this.#known.set(sessionId, conduct)
    return conduct
  }

  /** One more payment was reserved. */
  add(sessionId: string, dealing: Dealing): void {
    const known = this.#known.get(sessionId)
    if (!known) return
    const { first, latest } = known
    this.#pending.onUndo(() => this.#known.delete(sessionId))
    this.#known.set(sessionId, {
      first: first.length < DRIFT_START_PAYMENTS ? [...first, dealing] : first,
      latest: [dealing, ...latest].slice(0, DRIFT_START_PAYMENTS),
    })
  }

  /** A payment was voided: it has never been. */
  remove(sessionId: string): void {
    this.#pending.onUndo(() => this.#known.delete(sessionId))
    this.#known.delete(sessionId)
  }

  forget(): void {
    this.#known.clear()
  }
}

/** In the order of reserving, which is that of writing. */
const MADE = `SELECT host, categories, reserved_at FROM payments INDEXED BY payments_session
  WHERE session_id = ? AND reserved_at IS NOT NULL AND state <> 'void' ORDER BY seq`

function prepare(db: DatabaseSync) {
  return { first: db.prepare(`${MADE} LIMIT ?`), latest: db.prepare(`${MADE} DESC LIMIT ?`) }
}
