/** The sessions' table: opening, finding, ending, and the balance of a session and its ancestors. */
import type { DatabaseSync } from 'node:sqlite'
import { LRUCache } from 'lru-cache'
import { EMPTY_CHAIN } from '../audit/chain.ts'
import { refused } from '../errors.ts'
import { MAX_CACHED_SESSIONS, MAX_SESSION_DEPTH } from '../limits.ts'
import type { Session } from '../session/session.ts'
import { AdminKeys } from './admin-keys.ts'
import type { Transaction } from './batch.ts'
import type { AdminKey, NewSession, Page, PageRequest } from './ledger.ts'
import { readPage } from './pages.ts'
import { type Row, text } from './rows.ts'
import { checkCap, columnsOf, readSession, readTerms, type SessionTerms, type TopUp, toppedUp } from './session-row.ts'

/** The session that pays, then its parent, and so on to the root. */
export type Lineage = readonly [Session, ...Session[]]

export class Sessions {
  readonly #db: DatabaseSync
  readonly #sql: ReturnType<typeof prepare>
  readonly #keys: AdminKeys
  /** Terms never change, and reading them is most of the cost of reading a session. */
  readonly #terms = new LRUCache<string, SessionTerms>({ max: MAX_CACHED_SESSIONS })

  constructor(db: DatabaseSync) {
    this.#db = db
    this.#sql = prepare(db)
    this.#keys = new AdminKeys(db)
  }

  /**
   * @throws PurserError `conflict` (used key or name, parent that does not fit), `not_found` (parent), `request_invalid`.
   */
  open(tx: Transaction, session: NewSession, key?: AdminKey): Session {
    const first = this.#keys.used('open', key)
    if (first !== undefined) return this.get(first)
    this.#check(session)
    // An opening that was undone may have left its terms behind.
    this.#terms.delete(session.id)
    this.#sql.insert.run(columnsOf(session))
    this.#keys.claim(tx, 'open', { key, sessionId: session.id })
    return this.get(session.id)
  }

  /** @throws PurserError `not_found`, `conflict` (ended, used key), `request_invalid` (out of bounds). */
  topUp(tx: Transaction, id: string, by: TopUp, key?: AdminKey): Session {
    const first = this.#keys.used('topup', key)
    if (first !== undefined) return this.get(first)
    const { cap, expiresAt } = toppedUp(this.get(id), by, tx.now)
    this.#sql.topUp.run(cap, expiresAt, id)
    this.#keys.claim(tx, 'topup', { key, sessionId: id })
    return this.get(id)
  }

  /** Ends the session alone: what it has paid for stays its own, and its children cannot pay without it. */
  close(_tx: Transaction, id: string): void {
    this.#sql.end.run('closed', id)
  }

  /** Ends the session and all below it, for forwarding too. */
  revoke(_tx: Transaction, id: string): void {
    for (const one of this.family(id)) this.#sql.end.run('revoked', one)
  }

  /** The ids of the session and all below it. */
  family(id: string): string[] {
    return this.#sql.family.all(id).map((row: Row) => text(row, 'id'))
  }

  find(id: string): Session | undefined {
    return this.#read(this.#sql.byId.get(id))
  }

  findByName(name: string): Session | undefined {
    return this.#read(this.#sql.byName.get(name))
  }

  findByToken(tokenHash: string): Session | undefined {
    return this.#read(this.#sql.byToken.get(tokenHash))
  }

  /** @throws PurserError `not_found`. */
  get(id: string): Session {
    const session = this.find(id)
    if (!session) throw refused('not_found', `There is no session ${id}.`)
    return session
  }

  page(page: PageRequest): Page<Session> {
    return readPage({ db: this.#db, table: 'sessions', where: [], page, read: (row) => readSession(row, readTerms(row)) })
  }

  /** @throws PurserError `not_found`. */
  lineage(id: string): Lineage {
    const line: [Session, ...Session[]] = [this.get(id)]
    for (let parent = line[0].parent; parent !== null; ) {
      const session = this.get(parent)
      line.push(session)
      parent = session.parent
    }
    return line
  }

  /** Sets `amount` aside in each session of the lineage, and counts the payment. */
  hold(_tx: Transaction, lineage: Lineage, amount: bigint): void {
    for (const { id } of lineage) this.#sql.hold.run(amount, id)
  }

  /** Held becomes spent. */
  spend(_tx: Transaction, lineage: Lineage, amount: bigint): void {
    for (const { id } of lineage) this.#sql.spend.run(amount, amount, id)
  }

  /** Held is free again, and the payment does not count. */
  free(_tx: Transaction, lineage: Lineage, amount: bigint): void {
    for (const { id } of lineage) this.#sql.free.run(amount, id)
  }

  #check(session: NewSession): void {
    checkCap(session.cap)
    if (session.name !== null && this.findByName(session.name))
      throw refused('conflict', `There is a session named ${session.name} already.`)
    if (session.parent === null) return
    const line = this.lineage(session.parent)
    const [parent] = line
    if (line.length >= MAX_SESSION_DEPTH) throw refused('conflict', `Sessions may be nested ${MAX_SESSION_DEPTH} deep at most.`)
    if (parent.status !== 'open') throw refused('conflict', `The parent session ${parent.id} is ${parent.status}.`)
    if (parent.currency !== session.currency) {
      throw refused('conflict', `The parent session ${parent.id} counts in ${parent.currency}, not in ${session.currency}.`)
    }
  }

  #read(row: Row | undefined): Session | undefined {
    return row && readSession(row, this.#termsOf(text(row, 'id')))
  }

  #termsOf(id: string): SessionTerms {
    const known = this.#terms.get(id)
    if (known) return known
    const row = this.#sql.whole.get(id)
    if (!row) throw new Error(`session ${id} has no row`)
    const terms = readTerms(row)
    this.#terms.set(id, terms)
    return terms
  }
}

const MOVING = 'id, cap, spent, held, payments, expires_at, status'

function prepare(db: DatabaseSync) {
  return {
    byId: db.prepare(`SELECT ${MOVING} FROM sessions WHERE id = ?`),
    byName: db.prepare(`SELECT ${MOVING} FROM sessions WHERE name = ?`),
    byToken: db.prepare(`SELECT ${MOVING} FROM sessions WHERE token_hash = ?`),
    whole: db.prepare('SELECT * FROM sessions WHERE id = ?'),
    insert: db.prepare(INSERT),
    topUp: db.prepare('UPDATE sessions SET cap = ?, expires_at = ? WHERE id = ?'),
    end: db.prepare(`UPDATE sessions SET status = ? WHERE id = ? AND status <> 'revoked'`),
    hold: db.prepare('UPDATE sessions SET held = held + ?, payments = payments + 1 WHERE id = ?'),
    spend: db.prepare('UPDATE sessions SET held = held - ?, spent = spent + ? WHERE id = ?'),
    free: db.prepare('UPDATE sessions SET held = held - ?, payments = payments - 1 WHERE id = ?'),
    family: db.prepare(`
      WITH RECURSIVE family (id) AS (
        SELECT id FROM sessions WHERE id = ?
        UNION SELECT sessions.id FROM sessions JOIN family ON sessions.parent = family.id)
      SELECT id FROM family`),
  }
}

const INSERT = `
INSERT INTO sessions (id, token_hash, name, agent, purpose, currency, cap, created_at, expires_at, limits, scope, networks,
  assets, wallet, owner, parent, single_use, labels, chain_hash)
VALUES ($id, $token_hash, $name, $agent, $purpose, $currency, $cap, $created_at, $expires_at, $limits, $scope, $networks,
  $assets, $wallet, $owner, $parent, $single_use, $labels, '${EMPTY_CHAIN.hash}')`
