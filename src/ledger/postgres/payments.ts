/** Payments in the working set: one row for each attempt, from reservation or refusal to its end. */
import type { Authorization, Settlement } from '../../rails/rail.ts'
import type { Delivery } from '../../session/exchange.ts'
import type { Dispute } from '../findings.ts'
import type { Attempt, ReserveRequest } from '../ledger.ts'
import { type Charges, deniedColumns, type Facts, type PaymentRecord, readFacts, readRecord, reservedColumns } from '../payment-row.ts'
import { money, type Row, text, toJson } from '../rows.ts'
import type { Confirmation, PaymentTable, Transaction, UnknownGrounds, VoidGrounds } from '../tables.ts'
import type { Columns, WorkingSet } from './working-set.ts'

export class Payments implements PaymentTable {
  readonly #set: WorkingSet
  readonly #runId: string

  constructor(set: WorkingSet, runId: string) {
    this.#set = set
    this.#runId = runId
  }

  reserve(tx: Transaction, request: ReserveRequest, charges: Charges): void {
    this.#insert(reservedColumns(request, { runId: this.#runId, charges, now: tx.now }))
  }

  deny(_tx: Transaction, attempt: Attempt, denial: { readonly id: string; readonly code: string }): void {
    this.#insert(deniedColumns(attempt, { ...denial, runId: this.#runId }))
  }

  countAgain(_tx: Transaction, id: string): void {
    const row = this.#row(id)
    this.#set.update('payments', row, { count: money(row, 'count') + 1n })
  }

  sign(tx: Transaction, id: string, { headers, signature, validBefore_s }: Authorization): PaymentRecord | undefined {
    const row = this.#row(id)
    if (row.state !== 'reserved' || row.run_id !== this.#runId) return undefined
    const signed = { state: 'signed', headers: toJson(headers), signature, valid_before: validBefore_s, signed_at: tx.now }
    return readRecord(this.#set.update('payments', row, signed))
  }

  markSent(tx: Transaction, id: string): Facts | undefined {
    const row = this.#row(id)
    if (row.signed_at === null) return undefined
    const signed = row.state === 'signed'
    const sent = { ...(signed && { state: 'sent' }), ...(row.sent_at === null && { sent_at: tx.now }) }
    if (Object.keys(sent).length > 0) this.#set.update('payments', row, sent)
    return signed ? readFacts(row) : undefined
  }

  settleFresh(tx: Transaction, id: string, settlement: Settlement): PaymentRecord | undefined {
    const { state } = this.#row(id)
    return state === 'signed' || state === 'sent' ? this.settle(tx, id, settlement) : undefined
  }

  settle(tx: Transaction, id: string, { transaction, reason }: Settlement): PaymentRecord {
    const known = { tx: transaction ?? null, settlement: reason, evidence: 'claimed', code: null, ...concludedAt(tx) }
    return this.#change(id, { state: 'settled', ...known, ...dueAt(this.#lookedInto(id, tx.now)) })
  }

  amendSettlement(_tx: Transaction, id: string, { transaction, reason }: Settlement): PaymentRecord {
    return this.#change(id, { tx: transaction ?? null, settlement: reason })
  }

  void(tx: Transaction, id: string, { reason, code, evidence, block }: VoidGrounds): PaymentRecord {
    const grounds = { settlement: reason, code, evidence, block: block?.toString() ?? null, headers: null }
    return this.#change(id, { state: 'void', ...grounds, purchase_open: 0n, holder: 'none', ...concludedAt(tx), ...dueAt(null) })
  }

  leaveUnknown(tx: Transaction, id: string, { reason, denied }: UnknownGrounds): PaymentRecord {
    const why = { settlement: reason, denied: denied ? 1n : 0n }
    return this.#change(id, { state: 'unknown', ...why, ...concludedAt(tx), ...dueAt(tx.now) })
  }

  confirm(tx: Transaction, id: string, { evidence, transaction, block, reason, taken }: Confirmation): PaymentRecord {
    const row = this.#row(id)
    const proof = { tx: transaction ?? row.tx ?? null, settlement: reason, evidence, block: block?.toString() ?? null, code: null }
    const concluded = row.state === 'settled' ? {} : concludedAt(tx)
    const less = taken ? { amount_atomic: taken.amountAtomic.toString(), amount: taken.amount.toString() } : {}
    return this.#change(id, { state: 'settled', ...proof, ...concluded, ...less, ...dueAt(null) })
  }

  expire(tx: Transaction, id: string, reason: string): PaymentRecord {
    return this.#change(id, { state: 'expired', settlement: reason, ...concludedAt(tx), ...dueAt(this.#lookedInto(id, tx.now)) })
  }

  dispute(_tx: Transaction, id: string, dispute: Dispute | null): PaymentRecord {
    return this.#change(id, { dispute })
  }

  replace(_tx: Transaction, id: string, by: string): void {
    this.#change(id, { replaced_by: by, purchase_open: 0n })
  }

  restore(_tx: Transaction, id: string): void {
    this.#change(id, { replaced_by: null, purchase_open: 1n, holder: 'none' })
  }

  refund(_tx: Transaction, id: string, amount: bigint): PaymentRecord {
    return this.#change(id, { refunded: money(this.#row(id), 'refunded') + amount })
  }

  /** A claim that another run has taken over meanwhile stays with it. */
  putOff(tx: Transaction, id: string, until: number): void {
    const { check_at, resolver_run, resolver_until } = this.#row(id)
    const lost =
      resolver_run !== null && resolver_run !== this.#runId && typeof resolver_until === 'bigint' && resolver_until > BigInt(tx.now)
    if (check_at !== null && !lost) this.#change(id, dueAt(until))
  }

  reopen(tx: Transaction, id: string): PaymentRecord {
    const row = this.#row(id)
    const delivery = readRecord(row).payment.delivery
    const unanswered = { delivered: 0n, delivered_at: null, delivery: delivery && toJson({ ...delivery, complete: false }) }
    const open = { holder: 'none', reopened_at: tx.now, ...(row.key_digest === null && { purchase_open: 1n }) }
    return this.#change(id, { ...unanswered, ...open })
  }

  deliverOnce(
    tx: Transaction,
    id: string,
    { delivery, delivered }: { readonly delivery: Delivery; readonly delivered: boolean },
  ): PaymentRecord | undefined {
    const row = this.#row(id)
    if (row.delivered === 1n || row.signed_at === null || row.state === 'void') return undefined
    const answered = { delivery: toJson(delivery), delivered_at: tx.now }
    const ended = { delivered: 1n, purchase_open: row.key_digest === null ? 0n : 1n, holder: 'none' }
    return readRecord(this.#set.update('payments', row, delivered ? { ...answered, ...ended } : answered))
  }

  find(id: string): PaymentRecord | undefined {
    const row = this.#set.row('payment', id)
    return row && readRecord(row)
  }

  hasNonce(nonce: string): boolean {
    return this.#set.row('nonce', nonce) !== undefined
  }

  get(id: string): PaymentRecord {
    return readRecord(this.#row(id))
  }

  /** Oldest first, with what has to be at hand to free them. */
  unsigned(sessionId: string): string[] {
    const rows = this.#set.rows('reserved', sessionId).sort((a, b) => (money(a, 'seq') < money(b, 'seq') ? -1 : 1))
    const entries = rows.flatMap((row) => readRecord(row).charges.entries)
    this.#set.rowsOfAll(
      'head',
      entries.map(({ series }) => [series]),
    )
    this.#set.rowsOfAll(
      'entry',
      entries.map(({ series, ordinal }) => [series, BigInt(ordinal)]),
    )
    this.#set.rowsOfAll(
      'pin',
      rows.map((row) => [text(row, 'origin'), text(row, 'network')]),
    )
    return rows.map((row) => text(row, 'id'))
  }

  owed(id: string): boolean {
    const row = this.#row(id)
    const open = row.state === 'settled' && row.delivered === 0n && row.dispute === null
    return open && money(row, 'refunded') < BigInt(text(row, 'amount'))
  }

  #insert(columns: Columns): void {
    this.#set.insert('payments', { ...EMPTY, ...columns, seq: this.#set.place('payments') })
  }

  /** What settled by a voucher is on no chain that could be asked. */
  #lookedInto(id: string, now: number): number | null {
    return readRecord(this.#row(id)).payment.terms?.method === 'voucher' ? null : now
  }

  #change(id: string, columns: Columns): PaymentRecord {
    return readRecord(this.#set.update('payments', this.#row(id), columns))
  }

  #row(id: string): Row {
    const row = this.#set.row('payment', id)
    if (!row) throw new Error(`payment ${id} has no row`)
    return row
  }
}

function concludedAt({ now }: Transaction) {
  return { concluded: 1n, concluded_at: now }
}

/** From when on it is to be looked into, if ever; nobody does so now. */
function dueAt(at: number | null) {
  return { check_at: at, resolver_run: null, resolver_until: null }
}

/** What a new row has where nothing is said. */
const EMPTY: Columns = {
  code: null,
  valid_before: null,
  headers: null,
  signature: null,
  replaced_by: null,
  tx: null,
  settlement: null,
  evidence: null,
  block: null,
  denied: 0n,
  dispute: null,
  refunded: 0n,
  delivered: 0n,
  delivery: null,
  concluded: 0n,
  signed_at: null,
  sent_at: null,
  concluded_at: null,
  delivered_at: null,
  reopened_at: null,
  ...dueAt(null),
  count: 1n,
}
