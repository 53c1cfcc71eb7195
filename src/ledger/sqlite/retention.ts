/** Retention in the file. One process owns it, so that nobody else hands over. */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import { readRecord } from '../payment-row.ts'
import type { Handover, OldPayment, RetentionStore, Segment, SegmentQuery } from '../retention.ts'
import { flag, int, type Row } from '../rows.ts'
import { readSegment, SEGMENT_COLUMNS, segmentColumns } from '../segment-row.ts'
import type { Batch } from './batch.ts'
import type { Payments } from './payments.ts'
import type { Pending } from './pending.ts'

export interface SqliteRetentionOptions {
  readonly db: DatabaseSync
  readonly batch: Pick<Batch, 'list' | 'read' | 'write'>
  readonly pending: Pick<Pending, 'write'>
  readonly payments: Pick<Payments, 'forget'>
}

/** Takes back what the operation has done so far. */
class Changed extends Error {
  override readonly name = 'Changed'
}

export class SqliteRetention implements RetentionStore {
  readonly #db: DatabaseSync
  readonly #batch: SqliteRetentionOptions['batch']
  readonly #sql: ReturnType<typeof prepare>

  readonly #pending: SqliteRetentionOptions['pending']
  readonly #payments: SqliteRetentionOptions['payments']

  constructor({ db, batch, pending, payments }: SqliteRetentionOptions) {
    this.#db = db
    this.#pending = pending
    this.#payments = payments
    this.#batch = batch
    this.#sql = prepare(db)
  }

  async hold(): Promise<boolean> {
    return true
  }

  async paymentsBehind(place: bigint, limit: number): Promise<readonly OldPayment[]> {
    const rows: Row[] = this.#batch.list(() => this.#sql.payments.all(place, limit))
    return rows.map((row) => {
      const { payment, seq } = readRecord(row)
      return { place: seq, payment, hasReceipts: flag(row, 'has_receipts') }
    })
  }

  async handOver(handover: Handover): Promise<boolean> {
    try {
      const { durable } = this.#batch.write(() => this.#move(handover))
      await durable
      return true
    } catch (cause) {
      if (cause instanceof Changed) return false
      throw cause
    }
  }

  async newest(): Promise<number> {
    const row: Row | undefined = this.#batch.read(() => this.#sql.newest.get())
    return row ? int(row, 'number') : 0
  }

  async segmentsAfter(number: number, limit: number): Promise<readonly Segment[]> {
    return this.#batch.read(() => this.#sql.segmentsAfter.all(number, limit).map(readSegment))
  }

  async segments({ kind, below, since, until, name, place, limit }: SegmentQuery): Promise<readonly Segment[]> {
    const where: [sql: string, ...values: SQLInputValue[]][] = [
      ['kind = ?', kind],
      ['number < ?', below],
      ...(since === undefined ? [] : [['newest >= ?', since] as [string, number]]),
      ...(until === undefined ? [] : [['oldest < ?', until] as [string, number]]),
      ...(name === undefined ? [] : [['number IN (SELECT segment FROM archive_names WHERE name = ?)', name] as [string, bigint]]),
      ...(place === undefined ? [] : [['? BETWEEN first_place AND last_place', place] as [string, bigint]]),
    ]
    const sql = `SELECT * FROM archive_segments WHERE ${where.map(([condition]) => condition).join(' AND ')} ORDER BY number DESC LIMIT ?`
    const values = where.flatMap(([, ...own]) => own)
    return this.#batch.read(() =>
      this.#db
        .prepare(sql)
        .all(...values, limit)
        .map(readSegment),
    )
  }

  #move({ segment, names, leaving }: Handover): void {
    this.#pending.write()
    const columns = segmentColumns(segment)
    this.#take(this.#sql.insert.run(...SEGMENT_COLUMNS.map((name) => columns[name])))
    for (const name of names) this.#sql.name.run(name, segment.number)
    if ('receipts' in leaving) for (const { place } of leaving.receipts) this.#take(this.#sql.takeReceipt.run(place))
    else for (const { id, sessionId } of leaving.payments) this.#takePayment(id, sessionId)
  }

  #takePayment(id: string, sessionId: string): void {
    this.#sql.takeRun.run(sessionId, id)
    this.#sql.takeAnswer.run(id)
    this.#sql.takeVoucher.run(id)
    this.#take(this.#sql.takePayment.run(id))
    this.#payments.forget(id)
  }

  #take({ changes }: { readonly changes: number | bigint }): void {
    if (Number(changes) !== 1) throw new Changed()
  }
}

/** Whatever changes a payment that is over appends a receipt: without one left in the table it is as it was when it was read. */
function prepare(db: DatabaseSync) {
  const places = SEGMENT_COLUMNS.map(() => '?').join(', ')
  return {
    payments: db.prepare(`
      SELECT *, EXISTS (SELECT 1 FROM receipts WHERE payment_id = payments.id) AS has_receipts
      FROM payments WHERE seq > ? ORDER BY seq LIMIT ?`),
    insert: db.prepare(`
      INSERT INTO archive_segments (${SEGMENT_COLUMNS.join(', ')}) VALUES (${places}) ON CONFLICT (number) DO NOTHING`),
    name: db.prepare('INSERT INTO archive_names (name, segment) VALUES (?, ?) ON CONFLICT DO NOTHING'),
    takeReceipt: db.prepare('DELETE FROM receipts WHERE seq = ?'),
    takeRun: db.prepare('DELETE FROM refusal_runs WHERE session_id = ? AND payment_id = ?'),
    takeAnswer: db.prepare('DELETE FROM kept_answers WHERE payment_id = ?'),
    takeVoucher: db.prepare('DELETE FROM channel_vouchers WHERE payment_id = ?'),
    takePayment: db.prepare('DELETE FROM payments WHERE id = ? AND NOT EXISTS (SELECT 1 FROM receipts WHERE payment_id = payments.id)'),
    newest: db.prepare('SELECT number FROM archive_segments ORDER BY number DESC LIMIT 1'),
    segmentsAfter: db.prepare('SELECT * FROM archive_segments WHERE number > ? ORDER BY number LIMIT ?'),
  }
}
