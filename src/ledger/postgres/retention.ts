/** Retention shared by all processes: one of them hands over at a time, and says so in a row that each handover looks at. */

import type { Payment } from '../ledger.ts'
import { readPayment } from '../payment-row.ts'
import { type Handover, HOLDER_KEY, type OldPayment, type RetentionStore, type Segment, type SegmentQuery } from '../retention.ts'
import { int, money, text } from '../rows.ts'
import { holderText, readHolder, readSegment, segmentColumns } from '../segment-row.ts'
import type { Batch } from './batch.ts'
import { equal } from './lists.ts'
import { type Hands, housekeeping } from './operations.ts'
import type { Reading } from './reading.ts'
import type { Filter, Row } from './store.ts'

export interface PostgresRetentionOptions {
  readonly reading: Pick<Reading, 'select'>
  readonly batch: Pick<Batch<Hands>, 'write'>
}

/** Takes back what the operation has done so far. */
class Changed extends Error {
  override readonly name = 'Changed'
}

export class PostgresRetention implements RetentionStore {
  readonly #options: PostgresRetentionOptions

  constructor(options: PostgresRetentionOptions) {
    this.#options = options
  }

  hold(until: number): Promise<boolean> {
    const operation = housekeeping(
      HOLDER_KEY,
      (wants) => wants.row({ access: 'identity', values: [HOLDER_KEY] }),
      ({ set, tx, runId }: Hands) => {
        const row = set.row('identity', HOLDER_KEY)
        const holder = row && readHolder(row)
        if (holder && holder.run !== runId && tx.now < holder.until) return false
        const value = holderText({ run: runId, until })
        if (row) set.update('meta', row, { value })
        else set.insert('meta', { key: HOLDER_KEY, value })
        return true
      },
    )
    return this.#options.batch.write(operation)
  }

  async paymentsBehind(place: bigint, limit: number): Promise<readonly OldPayment[]> {
    const { reading } = this.#options
    const where = [{ columns: ['seq'], is: '>', values: [place] }] as const
    const rows = await reading.select({ table: 'payments', where, order: { by: ['seq'] }, limit })
    const ids = rows.map((row) => text(row, 'id'))
    const receipts = await reading.select({
      table: 'receipts',
      columns: ['payment_id'],
      where: [{ columns: ['payment_id'], is: '=', values: ids }],
    })
    const told = new Set(receipts.map((row) => text(row, 'payment_id')))
    return rows.map((row) => ({ place: money(row, 'seq'), payment: readPayment(row), hasReceipts: told.has(text(row, 'id')) }))
  }

  async handOver(handover: Handover): Promise<boolean> {
    const { segment, leaving } = handover
    const operation = housekeeping(
      HOLDER_KEY,
      (wants) => {
        wants.row({ access: 'identity', values: [HOLDER_KEY] }).row({ access: 'segment', values: [BigInt(segment.number)] })
        if ('receipts' in leaving) {
          for (const { paymentId } of leaving.receipts) wants.row({ access: 'receiptsOf', values: [paymentId] })
          return
        }
        // Whoever changes a payment locks its session first.
        for (const { id, sessionId } of leaving.payments) {
          wants.row({ access: 'session', values: [sessionId] }).row({ access: 'payment', values: [id] })
          wants.row({ access: 'receiptsOf', values: [id] }).row({ access: 'runsOf', values: [sessionId] })
          wants.row({ access: 'voucher', values: [id] })
        }
      },
      (hands: Hands) => move(hands, handover),
    )
    try {
      await this.#options.batch.write(operation)
      return true
    } catch (cause) {
      if (cause instanceof Changed) return false
      throw cause
    }
  }

  async newest(): Promise<number> {
    const order = { by: ['number'], falling: true } as const
    const [row] = await this.#options.reading.select({ table: 'archive_segments', columns: ['number'], where: [], order, limit: 1 })
    return row ? int(row, 'number') : 0
  }

  async segmentsAfter(number: number, limit: number): Promise<readonly Segment[]> {
    const where = [{ columns: ['number'], is: '>', values: [number] }] as const
    const rows = await this.#options.reading.select({ table: 'archive_segments', where, order: { by: ['number'] }, limit })
    return rows.map(readSegment)
  }

  async segments({ kind, below, since, until, name, place, limit }: SegmentQuery): Promise<readonly Segment[]> {
    const where: Filter[] = [...equal('kind', kind), { columns: ['number'], is: '<', values: [below] }]
    if (since !== undefined) where.push({ columns: ['newest'], is: '>=', values: [since] })
    if (until !== undefined) where.push({ columns: ['oldest'], is: '<', values: [until] })
    if (place !== undefined) {
      where.push({ columns: ['first_place'], is: '<', values: [place + 1n] }, { columns: ['last_place'], is: '>=', values: [place] })
    }
    if (name !== undefined) {
      const named = await this.#options.reading.select({ table: 'archive_names', where: [{ columns: ['name'], is: '=', values: [name] }] })
      where.push({ columns: ['number'], is: '=', values: named.map((row) => money(row, 'segment')) })
    }
    const order = { by: ['number'], falling: true } as const
    const rows = await this.#options.reading.select({ table: 'archive_segments', where, order, limit })
    return rows.map(readSegment)
  }
}

/** Whatever changes a payment that is over appends a receipt: without one left in the table it is as it was when it was read. */
function move({ set, runId }: Hands, { segment, names, leaving }: Handover): void {
  const holder = set.row('identity', HOLDER_KEY)
  if (!holder || readHolder(holder).run !== runId || set.row('segment', BigInt(segment.number))) throw new Changed()
  set.insert('archive_segments', { ...segmentColumns(segment) })
  for (const name of names) set.insert('archive_names', { name, segment: segment.number })
  if ('receipts' in leaving) {
    for (const { place, paymentId } of leaving.receipts) {
      const row = set.rows('receiptsOf', paymentId).find(({ seq }) => seq === place)
      set.remove('receipts', present(row))
    }
    return
  }
  for (const payment of leaving.payments) takePayment(set, payment)
}

function takePayment(set: Hands['set'], { id, sessionId }: Pick<Payment, 'id' | 'sessionId'>): void {
  if (set.rows('receiptsOf', id).length > 0) throw new Changed()
  for (const run of set.rows('runsOf', sessionId)) if (run.payment_id === id) set.remove('refusal_runs', run)
  const voucher = set.row('voucher', id)
  if (voucher) set.remove('channel_vouchers', voucher)
  set.remove('payments', present(set.row('payment', id)))
}

function present(row: Row | undefined): Row {
  if (!row) throw new Changed()
  return row
}
