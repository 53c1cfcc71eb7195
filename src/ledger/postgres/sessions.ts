/** Sessions in the working set: finding, opening, ending, and the balance of a session and its ancestors. */
import { LRUCache } from 'lru-cache'
import { EMPTY_CHAIN } from '../../audit/chain.ts'
import { refused } from '../../errors.ts'
import { MAX_CACHED_SESSIONS } from '../../limits.ts'
import type { Session } from '../../session/session.ts'
import type { NewSession } from '../ledger.ts'
import { int, money, type Row, text } from '../rows.ts'
import { columnsOf, readSession, readTerms, type SessionTerms } from '../session-row.ts'
import type { Lineage, SessionTable, Transaction } from '../tables.ts'
import type { WorkingSet } from './working-set.ts'

/** Terms never change, and reading them is most of the cost of reading a session. Only of sessions that are committed. */
export class Terms {
  readonly #known = new LRUCache<string, SessionTerms>({ max: MAX_CACHED_SESSIONS })

  of(row: Row): SessionTerms {
    const id = text(row, 'id')
    const known = this.#known.get(id)
    if (known) return known
    const terms = readTerms(row)
    this.#known.set(id, terms)
    return terms
  }

  find(id: string): SessionTerms | undefined {
    return this.#known.get(id)
  }
}

export class Sessions implements SessionTable {
  readonly #set: WorkingSet
  readonly #terms: Terms

  constructor(set: WorkingSet, terms: Terms) {
    this.#set = set
    this.#terms = terms
  }

  find(id: string): Session | undefined {
    return this.#read(this.#set.row('session', id))
  }

  findByName(name: string): Session | undefined {
    return this.#read(this.#set.row('sessionNamed', name))
  }

  get(id: string): Session {
    const session = this.find(id)
    if (!session) throw refused('not_found', `There is no session ${id}.`)
    return session
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

  /** Loaded generation by generation, each in one go, with what was never signed there: whoever asks is about to free it. */
  family(id: string): string[] {
    const family: string[] = []
    for (let generation = [id]; generation.length > 0; ) {
      family.push(...generation)
      const keys = generation.map((one) => [one])
      this.#set.rowsOfAll('reserved', keys)
      generation = this.#set.rowsOfAll('children', keys).map((row) => text(row, 'id'))
    }
    return family
  }

  insert(_tx: Transaction, session: NewSession): void {
    this.#set.insert('sessions', { ...EMPTY, ...columnsOf(session), seq: this.#set.place('sessions') })
  }

  adjust(_tx: Transaction, id: string, { cap, expiresAt, refills }: Pick<Session, 'cap' | 'expiresAt' | 'refills'>): void {
    this.#set.update('sessions', this.#row(id), { cap, expires_at: expiresAt, refills })
  }

  end(_tx: Transaction, id: string, status: 'closed' | 'revoked'): void {
    const row = this.#row(id)
    if (row.status !== 'revoked') this.#set.update('sessions', row, { status })
  }

  hold(_tx: Transaction, lineage: Lineage, amount: bigint): void {
    this.#move(lineage, { held: amount, payments: 1n })
  }

  spend(_tx: Transaction, lineage: Lineage, amount: bigint): void {
    this.#move(lineage, { held: -amount, spent: amount })
  }

  free(_tx: Transaction, lineage: Lineage, amount: bigint): void {
    this.#move(lineage, { held: -amount, payments: -1n })
  }

  unspend(_tx: Transaction, lineage: Lineage, amount: bigint): void {
    this.#move(lineage, { spent: -amount, payments: -1n })
  }

  announced(id: string): number {
    return int(this.#row(id), 'threshold')
  }

  announce(_tx: Transaction, id: string, percent: number): void {
    this.#set.update('sessions', this.#row(id), { threshold: percent })
  }

  #move(lineage: Lineage, by: Readonly<Record<string, bigint>>): void {
    for (const { id } of lineage) {
      const row = this.#row(id)
      const moved = Object.entries(by).map(([column, amount]) => [column, money(row, column) + amount] as const)
      this.#set.update('sessions', row, Object.fromEntries(moved))
    }
  }

  #row(id: string): Row {
    const row = this.#set.row('session', id)
    if (!row) throw refused('not_found', `There is no session ${id}.`)
    return row
  }

  #read(row: Row | undefined): Session | undefined {
    if (!row) return undefined
    return readSession(row, this.#set.isStored('sessions', row) ? this.#terms.of(row) : readTerms(row))
  }
}

/** What a new row has where nothing is said. */
const EMPTY = {
  spent: 0n,
  held: 0n,
  payments: 0n,
  status: 'open',
  refills: 0n,
  threshold: 0n,
  chain_number: BigInt(EMPTY_CHAIN.number),
  chain_hash: EMPTY_CHAIN.hash,
}
