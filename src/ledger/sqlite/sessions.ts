/** The sessions' table: finding, ending, the balance of a session and its ancestors, and how many there are. */
import type { DatabaseSync } from 'node:sqlite'
import { LRUCache } from 'lru-cache'
import { EMPTY_CHAIN } from '../../audit/chain.ts'
import { refused } from '../../errors.ts'
import { COUNTED_MS, MAX_CACHED_SESSIONS } from '../../limits.ts'
import type { Session } from '../../session/session.ts'
import type { NewSession, Page, PageRequest } from '../ledger.ts'
import { int, type Row, text } from '../rows.ts'
import { columnsOf, readSession, readTerms, type SessionTerms } from '../session-row.ts'
import type { Lineage, SessionTable, Transaction } from '../tables.ts'
import { equal, readPage } from './pages.ts'

export class Sessions implements SessionTable {
  readonly #db: DatabaseSync
  readonly #sql: ReturnType<typeof prepare>
  /** Terms never change, and reading them is most of the cost of reading a session. */
  readonly #terms = new LRUCache<string, SessionTerms>({ max: MAX_CACHED_SESSIONS })

  constructor(db: DatabaseSync) {
    this.#db = db
    this.#sql = prepare(db)
  }

  insert(_tx: Transaction, session: NewSession): void {
    // An opening that was undone may have left its terms behind.
    this.#terms.delete(session.id)
    this.#sql.insert.run(columnsOf(session))
    this.#count('open', session.expiresAt, 1)
  }

  adjust(_tx: Transaction, id: string, { cap, expiresAt, refills }: Pick<Session, 'cap' | 'expiresAt' | 'refills'>): void {
    const before = this.get(id)
    this.#sql.adjust.run(cap, expiresAt, refills, id)
    if (expiresAt === before.expiresAt) return
    this.#count(before.status, before.expiresAt, -1)
    this.#count(before.status, expiresAt, 1)
  }

  end(_tx: Transaction, id: string, status: 'closed' | 'revoked'): void {
    const before = this.get(id)
    if (before.status === 'revoked' || before.status === status) return
    this.#sql.end.run(status, id)
    this.#count(before.status, before.expiresAt, -1)
    this.#count(status, before.expiresAt, 1)
  }

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

  get(id: string): Session {
    const session = this.find(id)
    if (!session) throw refused('not_found', `There is no session ${id}.`)
    return session
  }

  page(page: PageRequest, parent?: string): Page<Session> {
    const where = equal('parent', parent)
    return readPage({ db: this.#db, table: 'sessions', where, page, read: (row) => readSession(row, readTerms(row)) })
  }

  lineage(id: string): Lineage {
    const line: [Session, ...Session[]] = [this.get(id)]
    for (let parent = line[0].parent; parent !== null; ) {
      const session = this.get(parent)
      line.push(session)
      parent = session.parent
    }
    return line
  }

  hold(_tx: Transaction, lineage: Lineage, amount: bigint): void {
    for (const { id } of lineage) this.#sql.hold.run(amount, id)
  }

  spend(_tx: Transaction, lineage: Lineage, amount: bigint): void {
    for (const { id } of lineage) this.#sql.spend.run(amount, amount, id)
  }

  free(_tx: Transaction, lineage: Lineage, amount: bigint): void {
    for (const { id } of lineage) this.#sql.free.run(amount, id)
  }

  unspend(_tx: Transaction, lineage: Lineage, amount: bigint): void {
    for (const { id } of lineage) this.#sql.unspend.run(amount, id)
  }

  announced(id: string): number {
    const row: Row | undefined = this.#sql.announced.get(id)
    return row ? int(row, 'threshold') : 0
  }

  announce(_tx: Transaction, id: string, percent: number): void {
    this.#sql.announce.run(percent, id)
  }

  #count(status: Session['status'], expiresAt: number, sessions: 1 | -1): void {
    this.#sql.count.run(status, Math.floor(expiresAt / COUNTED_MS), sessions)
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

const MOVING = 'id, cap, spent, held, payments, expires_at, status, refills'

function prepare(db: DatabaseSync) {
  return {
    byId: db.prepare(`SELECT ${MOVING} FROM sessions WHERE id = ?`),
    byName: db.prepare(`SELECT ${MOVING} FROM sessions WHERE name = ?`),
    byToken: db.prepare(`SELECT ${MOVING} FROM sessions WHERE token_hash = ?`),
    whole: db.prepare('SELECT * FROM sessions WHERE id = ?'),
    insert: db.prepare(INSERT),
    adjust: db.prepare('UPDATE sessions SET cap = ?, expires_at = ?, refills = ? WHERE id = ?'),
    end: db.prepare('UPDATE sessions SET status = ? WHERE id = ?'),
    hold: db.prepare('UPDATE sessions SET held = held + ?, payments = payments + 1 WHERE id = ?'),
    spend: db.prepare('UPDATE sessions SET held = held - ?, spent = spent + ? WHERE id = ?'),
    free: db.prepare('UPDATE sessions SET held = held - ?, payments = payments - 1 WHERE id = ?'),
    unspend: db.prepare('UPDATE sessions SET spent = spent - ?, payments = payments - 1 WHERE id = ?'),
    announced: db.prepare('SELECT threshold FROM sessions WHERE id = ?'),
    announce: db.prepare('UPDATE sessions SET threshold = ? WHERE id = ?'),
    count: db.prepare(`
      INSERT INTO session_counts (status, hour, sessions) VALUES (?, ?, ?)
      ON CONFLICT (status, hour) DO UPDATE SET sessions = sessions + excluded.sessions`),
    family: db.prepare(`
      WITH RECURSIVE family (id) AS (
        SELECT id FROM sessions WHERE id = ?
        UNION SELECT sessions.id FROM sessions JOIN family ON sessions.parent = family.id)
      SELECT id FROM family`),
  }
}

const INSERT = `
INSERT INTO sessions (id, token_hash, name, agent, purpose, currency, cap, created_at, expires_at, limits, scope, networks,
  assets, wallet, owner, parent, single_use, labels, refill, chain_hash)
VALUES ($id, $token_hash, $name, $agent, $purpose, $currency, $cap, $created_at, $expires_at, $limits, $scope, $networks,
  $assets, $wallet, $owner, $parent, $single_use, $labels, $refill, '${EMPTY_CHAIN.hash}')`
