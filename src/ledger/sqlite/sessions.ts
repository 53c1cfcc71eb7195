/** The sessions' table: finding, ending, the balance of a session and its ancestors, and how many there are. */
import type { DatabaseSync } from 'node:sqlite'
import { LRUCache } from 'lru-cache'
import { type ChainHead, EMPTY_CHAIN } from '../../audit/chain.ts'
import { refused } from '../../errors.ts'
import { COUNTED_MS, MAX_CACHED_SESSIONS } from '../../limits.ts'
import type { Session } from '../../session/session.ts'
import type { NewSession, Page, PageRequest } from '../ledger.ts'
import { int, type Row, text } from '../rows.ts'
import { columnsOf, readSession, readTerms } from '../session-row.ts'
import type { Lineage, SessionTable, Transaction } from '../tables.ts'
import { equal, readPage } from './pages.ts'
import type { Behind, Pending } from './pending.ts'

/** A session as it is by now, with what only the ledger knows of it. */
interface Entry {
  readonly session: Session
  /** Percent of the cap that was announced. */
  readonly announced: number
  /** Where its chain of receipts stands. */
  readonly head: ChainHead
}

export class Sessions implements SessionTable, Behind {
  readonly #db: DatabaseSync
  readonly #sql: ReturnType<typeof prepare>
  readonly #pending: Pending
  /** As the file has them, but for those that are changed. */
  readonly #known = new LRUCache<string, Entry>({ max: MAX_CACHED_SESSIONS })
  /** Ids by the hashes of tokens: a session's token never changes, and no session goes. */
  readonly #byToken = new LRUCache<string, string>({ max: MAX_CACHED_SESSIONS })
  /** Their balances and heads are still to be written. */
  /** A new one with each commit, so that none grows old (`src/brief-map.ts`). */
  #changed = new Map<string, Entry>()

  constructor(db: DatabaseSync, pending: Pending) {
    this.#db = db
    this.#sql = prepare(db)
    this.#pending = pending
    pending.join(this)
  }

  insert(_tx: Transaction, session: NewSession): void {
    // An opening that was undone may have been read meanwhile.
    this.#pending.onUndo(() => {
      this.#known.delete(session.id)
      this.#byToken.delete(session.tokenHash)
    })
    this.#sql.insert.run(columnsOf(session))
    this.#count('open', session.expiresAt, 1)
  }

  adjust(_tx: Transaction, id: string, terms: Pick<Session, 'cap' | 'expiresAt' | 'refills'>): void {
    const entry = this.#get(id)
    const { status, expiresAt } = entry.session
    this.#sql.adjust.run(terms.cap, terms.expiresAt, terms.refills, id)
    const { cap, refills } = terms
    this.#set({ ...entry, session: { ...entry.session, cap, expiresAt: terms.expiresAt, refills } }, { moved: false })
    if (terms.expiresAt === expiresAt) return
    this.#count(status, expiresAt, -1)
    this.#count(status, terms.expiresAt, 1)
  }

  end(_tx: Transaction, id: string, status: 'closed' | 'revoked'): void {
    const entry = this.#get(id)
    const before = entry.session
    if (before.status === 'revoked' || before.status === status) return
    this.#sql.end.run(status, id)
    this.#set({ ...entry, session: { ...before, status } }, { moved: false })
    this.#count(before.status, before.expiresAt, -1)
    this.#count(status, before.expiresAt, 1)
  }

  family(id: string): string[] {
    return this.#sql.family.all(id).map((row: Row) => text(row, 'id'))
  }

  find(id: string): Session | undefined {
    return this.#find(id)?.session
  }

  findByName(name: string): Session | undefined {
    return this.#named(this.#sql.byName.get(name))
  }

  findByToken(tokenHash: string): Session | undefined {
    const id = this.#byToken.get(tokenHash)
    if (id !== undefined) return this.find(id)
    const session = this.#named(this.#sql.byToken.get(tokenHash))
    if (session) this.#byToken.set(tokenHash, session.id)
    return session
  }

  get(id: string): Session {
    return this.#get(id).session
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
    for (const { id } of lineage) this.#move(id, { held: amount, payments: 1 })
  }

  spend(_tx: Transaction, lineage: Lineage, amount: bigint): void {
    for (const { id } of lineage) this.#move(id, { held: -amount, spent: amount })
  }

  free(_tx: Transaction, lineage: Lineage, amount: bigint): void {
    for (const { id } of lineage) this.#move(id, { held: -amount, payments: -1 })
  }

  unspend(_tx: Transaction, lineage: Lineage, amount: bigint): void {
    for (const { id } of lineage) this.#move(id, { spent: -amount, payments: -1 })
  }

  announced(id: string): number {
    return this.#find(id)?.announced ?? 0
  }

  announce(_tx: Transaction, id: string, percent: number): void {
    this.#sql.announce.run(percent, id)
    this.#set({ ...this.#get(id), announced: percent }, { moved: false })
  }

  /** The head of its chain of receipts. */
  head(id: string): ChainHead {
    return this.#find(id)?.head ?? EMPTY_CHAIN
  }

  advance(_tx: Transaction, id: string, head: ChainHead): void {
    this.#set({ ...this.#get(id), head }, { moved: true })
  }

  write(): void {
    if (this.#changed.size === 0) return
    const entries = this.#changed
    this.#changed = new Map()
    for (const [id, { session, head }] of entries) {
      this.#sql.write.run(session.spent, session.held, session.payments, head.number, head.hash, id)
    }
    for (const [id, entry] of entries) this.#known.set(id, entry)
    this.#pending.onUndo(() => {
      for (const [id, entry] of entries) {
        this.#changed.set(id, entry)
        this.#known.delete(id)
      }
    })
  }

  forget(): void {
    this.#known.clear()
    this.#byToken.clear()
    this.#changed.clear()
  }

  /** The last guard, whatever was decided: nothing is negative, and no cap is exceeded. */
  #move(id: string, by: { readonly spent?: bigint; readonly held?: bigint; readonly payments?: number }): void {
    const entry = this.#get(id)
    const { session } = entry
    const spent = session.spent + (by.spent ?? 0n)
    const held = session.held + (by.held ?? 0n)
    const payments = session.payments + (by.payments ?? 0)
    if (spent < 0n || held < 0n || payments < 0 || spent + held > session.cap) throw new Error(`session ${id} would not balance`)
    this.#set({ ...entry, session: { ...session, spent, held, payments } }, { moved: true })
  }

  /** `moved`: its balance or head has to be written; all else is in the file already. */
  #set(entry: Entry, { moved }: { readonly moved: boolean }): void {
    const { id } = entry.session
    const changed = this.#changed.get(id)
    if (moved || changed) this.#changed.set(id, entry)
    else this.#known.set(id, entry)
    this.#pending.onUndo(() => {
      if (changed) this.#changed.set(id, changed)
      else if (!this.#changed.delete(id)) this.#known.delete(id)
    })
  }

  #get(id: string): Entry {
    const entry = this.#find(id)
    if (!entry) throw refused('not_found', `There is no session ${id}.`)
    return entry
  }

  #find(id: string): Entry | undefined {
    const known = this.#changed.get(id) ?? this.#known.get(id)
    if (known) return known
    const row = this.#sql.whole.get(id)
    if (!row) return undefined
    const entry = readEntry(row)
    this.#known.set(id, entry)
    return entry
  }

  #named(row: Row | undefined): Session | undefined {
    return row && this.find(text(row, 'id'))
  }

  #count(status: Session['status'], expiresAt: number, sessions: 1 | -1): void {
    this.#sql.count.run(status, Math.floor(expiresAt / COUNTED_MS), sessions)
  }
}

function readEntry(row: Row): Entry {
  return {
    session: readSession(row, readTerms(row)),
    announced: int(row, 'threshold'),
    head: { number: int(row, 'chain_number'), hash: text(row, 'chain_hash') },
  }
}

function prepare(db: DatabaseSync) {
  return {
    byName: db.prepare('SELECT id FROM sessions WHERE name = ?'),
    byToken: db.prepare('SELECT id FROM sessions WHERE token_hash = ?'),
    whole: db.prepare('SELECT * FROM sessions WHERE id = ?'),
    insert: db.prepare(INSERT),
    adjust: db.prepare('UPDATE sessions SET cap = ?, expires_at = ?, refills = ? WHERE id = ?'),
    end: db.prepare('UPDATE sessions SET status = ? WHERE id = ?'),
    write: db.prepare('UPDATE sessions SET spent = ?, held = ?, payments = ?, chain_number = ?, chain_hash = ? WHERE id = ?'),
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
