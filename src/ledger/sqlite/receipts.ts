/** The receipts' table: append-only, one chain for each session, whose head stands in the session's row. */
import type { DatabaseSync } from 'node:sqlite'
import { type ChainHead, EMPTY_CHAIN, type Linked } from '../../audit/chain.ts'
import { parseEntry } from '../../audit/parse.ts'
import type { Receipt, ReceiptFilter, ReceiptKind } from '../../audit/receipt.ts'
import type { Ids } from '../../clock.ts'
import type { Page, PageRequest } from '../ledger.ts'
import { int, maybeText, money, type Row, text } from '../rows.ts'
import type { ReceiptTable, Transaction } from '../tables.ts'
import type { StoredEntry } from '../verification.ts'
import { type Condition, equal, type PageTable, readPage } from './pages.ts'

export class Receipts implements ReceiptTable {
  readonly #db: DatabaseSync
  readonly #ids: Ids
  readonly #sql: ReturnType<typeof prepare>

  constructor(db: DatabaseSync, ids: Ids) {
    this.#db = db
    this.#ids = ids
    this.#sql = prepare(db)
  }

  nextId(): string {
    return idAt(this.#ids('rcp'), this.#next())
  }

  insert(tx: Transaction, { receipt, text, kind }: Linked & { readonly kind: ReceiptKind }): void {
    const { id, sessionId, number, paymentId, agent, hash } = receipt
    this.#sql.insert.run(seqIn(id), id, sessionId, number, paymentId, agent, kind, tx.now, text, hash)
    this.#sql.advance.run(number, hash, sessionId)
  }

  find(id: string): Receipt | undefined {
    const row = this.#sql.at.get(seqIn(id))
    const receipt = row && readReceipt(row)
    return receipt?.id === id ? receipt : undefined
  }

  page(filter: ReceiptFilter, page: PageRequest): Page<Receipt> {
    return readPage({ db: this.#db, table: tableFor(filter), where: conditionsOf(filter), page, read: readReceipt })
  }

  chainAfter(sessionId: string): string | undefined {
    const row: Row | undefined = this.#sql.chainAfter.get(sessionId, sessionId)
    return (row && maybeText(row, 'id')) ?? undefined
  }

  entriesAfter(sessionId: string, place: { readonly number: number; readonly limit: number }): StoredEntry[] {
    const rows: Row[] = this.#sql.entriesAfter.all(sessionId, place.number, place.limit)
    return rows.map((row) => ({ id: text(row, 'id'), number: int(row, 'number'), body: text(row, 'body'), hash: text(row, 'hash') }))
  }

  /** The hash of this entry. */
  hashAt(sessionId: string, number: number): string | undefined {
    const row: Row | undefined = this.#sql.hashAt.get(sessionId, number)
    return row && text(row, 'hash')
  }

  #next(): bigint {
    const row: Row | undefined = this.#sql.last.get()
    return row ? money(row, 'seq') + 1n : 1n
  }

  head(sessionId: string): ChainHead {
    const row: Row | undefined = this.#sql.head.get(sessionId)
    return row ? { number: int(row, 'chain_number'), hash: text(row, 'chain_hash') } : EMPTY_CHAIN
  }
}

function readReceipt(row: Row): Receipt {
  return parseEntry(text(row, 'body'), text(row, 'hash'))
}

/** An id carries its entry's place in the table, so that it is found without an index over random ids. */
function idAt(random: string, seq: bigint): string {
  return `${random}-${seq.toString(36)}`
}

function seqIn(id: string): number {
  const place = /-([0-9a-z]{1,10})$/.exec(id)?.[1]
  return place === undefined ? 0 : Number.parseInt(place, 36)
}

/** The planner knows no numbers: it is told which condition the fewest receipts meet. */
function tableFor({ session, payment, agent, kind }: ReceiptFilter): PageTable {
  if (payment !== undefined) return 'receipts INDEXED BY receipts_payment'
  if (session !== undefined) return 'receipts INDEXED BY receipts_session'
  if (kind === 'refusal') return 'receipts INDEXED BY receipts_refused'
  return agent === undefined ? 'receipts' : 'receipts INDEXED BY receipts_agent'
}

function conditionsOf({ session, payment, agent, kind, since, until }: ReceiptFilter): Condition[] {
  return [
    ...equal('session_id', session),
    ...equal('payment_id', payment),
    ...equal('agent', agent),
    // To the letter the condition of the partial index: SQLite takes it only then.
    ...(kind === 'refusal' ? [{ sql: `kind = 'refusal'`, values: [] }] : equal('kind', kind)),
    ...(since === undefined ? [] : [{ sql: 'at >= ?', values: [since] }]),
    ...(until === undefined ? [] : [{ sql: 'at < ?', values: [until] }]),
  ]
}

function prepare(db: DatabaseSync) {
  return {
    head: db.prepare('SELECT chain_number, chain_hash FROM sessions WHERE id = ?'),
    advance: db.prepare('UPDATE sessions SET chain_number = ?, chain_hash = ? WHERE id = ?'),
    insert: db.prepare(`
      INSERT INTO receipts (seq, id, session_id, number, payment_id, agent, kind, at, body, hash)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`),
    at: db.prepare('SELECT body, hash FROM receipts WHERE seq = ?'),
    last: db.prepare('SELECT coalesce(max(seq), 0) AS seq FROM receipts'),
    entriesAfter: db.prepare('SELECT id, number, body, hash FROM receipts WHERE session_id = ? AND number > ? ORDER BY number LIMIT ?'),
    hashAt: db.prepare('SELECT hash FROM receipts WHERE session_id = ? AND number = ?'),
    chainAfter: db.prepare(`
      SELECT min(id) AS id FROM (
        SELECT min(id) AS id FROM sessions WHERE id > ? UNION ALL SELECT min(session_id) FROM receipts WHERE session_id > ?)`),
  }
}
