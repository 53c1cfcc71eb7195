/**
 * What is asked for every request and seldom changes: whose session a token opens, what is halted. Kept for half a second
 * at most, dropped at once where something is known to have changed, and kept up with this process's own writes. Whoever
 * reserves looks into the ledger itself.
 */
import { LRUCache } from 'lru-cache'
import type { Clock } from '../../clock.ts'
import { PurserError } from '../../errors.ts'
import { CHANGE_POLL_MS, MAX_CACHED_SESSIONS, STALE_SESSION_MS } from '../../limits.ts'
import type { Session } from '../../session/session.ts'
import { int, money, type Row, text, word } from '../rows.ts'
import type { RowChange } from './store.ts'

type Monotonic = Pick<Clock, 'monotonic'>

/** One value. */
export class Kept<T> {
  readonly #clock: Monotonic
  #kept: { readonly value: T; readonly until: number } | undefined
  /** Moves on with each drop, so that what was asked for before it is not kept after it. */
  #era = 0

  constructor(clock: Monotonic) {
    this.#clock = clock
  }

  async get(read: () => Promise<T>): Promise<T> {
    const asked = this.#clock.monotonic()
    if (this.#kept && asked < this.#kept.until) return this.#kept.value
    const era = this.#era
    const value = await read()
    if (era === this.#era) this.#kept = { value, until: asked + CHANGE_POLL_MS }
    return value
  }

  drop(): void {
    this.#era += 1
    this.#kept = undefined
  }
}

interface KeptSession {
  readonly session: Session
  readonly until: number
}

/** Sessions by the hash of their token. */
export class KeptSessions {
  readonly #clock: Monotonic
  readonly #byToken = new LRUCache<string, KeptSession>({ max: MAX_CACHED_SESSIONS })
  readonly #tokens = new LRUCache<string, string>({ max: MAX_CACHED_SESSIONS })
  #era = 0

  constructor(clock: Monotonic) {
    this.#clock = clock
  }

  async get(tokenHash: string, read: () => Promise<Session | undefined>): Promise<Session | undefined> {
    const asked = this.#clock.monotonic()
    const kept = this.#byToken.get(tokenHash)
    if (kept && asked < kept.until) return kept.session
    const era = this.#era
    const session = await read().catch((cause: unknown) => lastKnown(kept, asked, cause))
    if (session && session !== kept?.session && era === this.#era) {
      this.#byToken.set(tokenHash, { session, until: asked + CHANGE_POLL_MS })
      this.#tokens.set(session.id, tokenHash)
    }
    return session
  }

  drop(id: string): void {
    this.#era += 1
    const tokenHash = this.#tokens.get(id)
    if (tokenHash !== undefined) this.#byToken.delete(tokenHash)
  }

  /** After a commit of this process. */
  keepUp(changes: readonly RowChange[]): void {
    for (const { table, kind, row } of changes) {
      if (table !== 'sessions' || kind !== 'update') continue
      this.#era += 1
      this.#patch(text(row, 'id'), row)
    }
  }

  #patch(id: string, row: Row): void {
    const tokenHash = this.#tokens.get(id)
    const kept = tokenHash === undefined ? undefined : this.#byToken.get(tokenHash)
    if (tokenHash !== undefined && kept) this.#byToken.set(tokenHash, { ...kept, session: patched(kept.session, row) })
  }
}

/**
 * While the ledger is away, unpaid requests of a session that was known a while ago still pass; what costs money is barred
 * by the ledger itself.
 */
function lastKnown(kept: KeptSession | undefined, now: number, cause: unknown): Session {
  const away = cause instanceof PurserError && cause.refusal.code === 'ledger_unavailable'
  if (!away || !kept || kept.session.status === 'revoked' || now >= kept.until + STALE_SESSION_MS) throw cause
  return kept.session
}

function patched(session: Session, row: Row): Session {
  return {
    ...session,
    ...('cap' in row && { cap: money(row, 'cap') }),
    ...('spent' in row && { spent: money(row, 'spent') }),
    ...('held' in row && { held: money(row, 'held') }),
    ...('payments' in row && { payments: int(row, 'payments') }),
    ...('expires_at' in row && { expiresAt: int(row, 'expires_at') }),
    ...('status' in row && { status: word(row, 'status', ['open', 'closed', 'revoked']) }),
    ...('refills' in row && { refills: int(row, 'refills') }),
  }
}
