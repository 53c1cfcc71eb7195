/** The receipts' table: append-only, one chain for each session, whose head stands in the session's row. */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import { type ChainHead, EMPTY_CHAIN, type Linked } from '../../audit/chain.ts'
import { parseEntry } from '../../audit/parse.ts'
import type { Receipt, ReceiptFilter, ReceiptKind } from '../../audit/receipt.ts'
import type { Ids } from '../../clock.ts'
import type { Page, PageRequest } from '../ledger.ts'
import { int, maybeText, type Row, text } from '../rows.ts'
import type { ReceiptTable, Transaction } from '../tables.ts'
import type { StoredEntry } from '../verification.ts'
import { type Condition, equal, firstRare, type Indexed, inContext, type PageQuery, readPage } from './pages.ts'
import { waysTo } from './payment-lists.ts'
import type { Behind, Pending } from './pending.ts'
import type { Sessions } from './sessions.ts'

/** Where the heads of the chains stand. */
export type Heads = Pick<Sessions, 'head' | 'advance'>

export interface ReceiptsOptions {
  readonly db: DatabaseSync
  readonly ids: Ids
  readonly pending: Pending
  readonly heads: Heads
}

export class Receipts implements ReceiptTable, Behind {
  readonly #db: DatabaseSync
  readonly #ids: Ids
  readonly #pending: Pending
  readonly #heads: Heads
  readonly #sql: ReturnType<typeof prepare>
  /** Still to be written, oldest first. */
  readonly #fresh: (readonly SQLInputValue[])[] = []
  /** The newest place; one process owns the file, so that it is looked up once. */
  #last: number | undefined

  constructor({ db, ids, pending, heads }: ReceiptsOptions) {
    this.#db = db
    this.#ids = ids
    this.#pending = pending
    this.#heads = heads
    this.#sql = prepare(db)
    pending.join(this)
  }

  nextId(): string {
    return idAt(this.#ids('rcp'), this.#newest() + 1)
  }

  insert(tx: Transaction, { receipt, text, kind }: Linked & { readonly kind: ReceiptKind }): void {
    const { id, sessionId, number, paymentId, agent, hash } = receipt
    const before = this.#newest()
    const seq = seqIn(id)
    this.#fresh.push([seq, id, sessionId, number, paymentId, agent, kind, tx.now, text, hash])
    this.#last = seq
    this.#pending.onUndo(() => {
      this.#fresh.pop()
      this.#last = before
    })
    this.#heads.advance(tx, sessionId, { number, hash })
  }

  write(): void {
    if (this.#fresh.length === 0) return
    const rows = this.#fresh.splice(0)
    for (const row of rows) this.#sql.insert.run(...row)
    this.#pending.onUndo(() => this.#fresh.push(...rows))
  }

  forget(): void {
    this.#fresh.length = 0
    this.#last = undefined
  }

  find(id: string): Receipt | undefined {
    const row = this.#sql.at.get(seqIn(id))
    const receipt = row && readReceipt(row)
    return receipt?.id === id ? receipt : undefined
  }

  page(filter: ReceiptFilter, page: PageRequest): Page<Receipt> {
    const where = conditionsOf(filter)
    return readPage({ db: this.#db, table: 'receipts', ...this.#way(filter, where), page, read: readReceipt })
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

  /** By what few receipts have, where that can be told; else in the order of time where a span is asked for, else of writing. */
  #way(filter: ReceiptFilter, where: readonly Condition[]): Pick<PageQuery<Receipt>, 'index' | 'where' | 'by'> {
    const by = filter.since === undefined && filter.until === undefined ? undefined : 'at'
    const paid = this.#paidRarely(filter)
    if (paid) return { index: paid.index, where: [paid, ...where], by }
    const indexed = indexedConditions(filter)
    const [first] = indexed
    // Within a session the order of writing is that of the numbers.
    if (by === undefined) return { index: first?.index, where, by: first?.index === 'receipts_session' ? 'number' : undefined }
    return { index: firstRare(this.#db, 'receipts', indexed)?.index ?? 'receipts_at', where, by }
  }

  /** The receipts of the few payments that the filter wants. */
  #paidRarely({ tool, tier, recipient, trace }: ReceiptFilter): Indexed | undefined {
    const rare = waysTo({ tool, tier, recipient, trace }).find((ways) => ways.every((way) => firstRare(this.#db, 'payments', [way])))
    if (!rare) return undefined
    const ids = rare.map(({ index, sql }) => `SELECT id FROM payments INDEXED BY ${index} WHERE ${sql}`)
    return { index: 'receipts_payment', sql: `payment_id IN (${ids.join(' UNION ')})`, values: rare.flatMap(({ values }) => values) }
  }

  #newest(): number {
    this.#last ??= placeOf(this.#sql.last.get())
    return this.#last
  }

  head(sessionId: string): ChainHead {
    return this.#heads.head(sessionId)
  }

  /** The head as it stands in the file, for whoever verifies the file. */
  storedHead(sessionId: string): ChainHead {
    const row: Row | undefined = this.#sql.head.get(sessionId)
    return row ? { number: int(row, 'chain_number'), hash: text(row, 'chain_hash') } : EMPTY_CHAIN
  }
}

export function readReceipt(row: Row): Receipt {
  return parseEntry(text(row, 'body'), text(row, 'hash'))
}

/** An id carries its entry's place in the table, so that it is found without an index over random ids. */
function idAt(random: string, seq: number): string {
  return `${random}-${seq.toString(36)}`
}

function seqIn(id: string): number {
  const place = /-([0-9a-z]{1,10})$/.exec(id)?.[1]
  return place === undefined ? 0 : Number.parseInt(place, 36)
}

function placeOf(row: Row | undefined): number {
  return row ? int(row, 'seq') : 0
}

/** What of the filter has an index of its own, fewest receipts first as a rule. */
function indexedConditions({ session, payment, agent, kind }: ReceiptFilter): Indexed[] {
  return [
    ...(payment === undefined ? [] : [{ index: 'receipts_payment' as const, sql: 'payment_id = ?', values: [payment] }]),
    ...(session === undefined ? [] : [{ index: 'receipts_session' as const, sql: 'session_id = ?', values: [session] }]),
    ...(kind === 'refusal' ? [{ index: 'receipts_refused' as const, sql: REFUSED, values: [] }] : []),
    ...(agent === undefined ? [] : [{ index: 'receipts_agent' as const, sql: 'agent = ?', values: [agent] }]),
  ]
}

/** To the letter the condition of the partial index: SQLite takes it only then. */
const REFUSED = `kind = 'refusal'`

function conditionsOf({ session, payment, agent, kind, since, until, ...paid }: ReceiptFilter): Condition[] {
  return [
    ...paymentConditions(paid),
    ...equal('session_id', session),
    ...equal('payment_id', payment),
    ...equal('agent', agent),
    ...(kind === 'refusal' ? [{ sql: REFUSED, values: [] }] : equal('kind', kind)),
    ...(since === undefined ? [] : [{ sql: 'at >= ?', values: [since] }]),
    ...(until === undefined ? [] : [{ sql: 'at < ?', values: [until] }]),
  ]
}

/** What the receipt's payment has to be; looked up by its id for each receipt. */
function paymentConditions({ tool, tier, recipient, ...context }: ReceiptFilter): Condition[] {
  const own: Condition[] = [
    ...equal('p.tool', tool),
    ...equal('p.tier', tier),
    ...inContext(context),
    ...(recipient === undefined
      ? []
      : [{ sql: '(p.pay_to = ? COLLATE NOCASE OR p.host = ? COLLATE NOCASE)', values: [recipient, recipient] }]),
  ]
  if (own.length === 0) return []
  const sql = `EXISTS (SELECT 1 FROM payments AS p WHERE p.id = payment_id AND ${own.map((one) => one.sql).join(' AND ')})`
  return [{ sql, values: own.flatMap(({ values }) => values) }]
}

function prepare(db: DatabaseSync) {
  return {
    head: db.prepare('SELECT chain_number, chain_hash FROM sessions WHERE id = ?'),
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
