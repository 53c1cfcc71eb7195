/** The payments' table: one row for each attempt, from reservation or refusal to its end. */
import type { DatabaseSync } from 'node:sqlite'
import type { Code } from '../../errors.ts'
import { PURCHASE_LEASE_MS } from '../../limits.ts'
import type { Authorization, Settlement } from '../../rails/rail.ts'
import type { Delivery } from '../../session/exchange.ts'
import { factsOf } from '../chronicle.ts'
import type { Dispute } from '../findings.ts'
import type { Attempt, Payment, ReserveRequest } from '../ledger.ts'
import { authorizedOf, type Charges, deniedColumns, type Facts, type PaymentRecord, reservedColumns } from '../payment-row.ts'
import { type Row, text } from '../rows.ts'
import type { Confirmation, PaymentTable, Transaction, UnknownGrounds, VoidGrounds } from '../tables.ts'
import type { Conducts } from './conducts.ts'
import type { PaymentEntry } from './payment-entry.ts'
import { UNRESOLVED } from './payment-lists.ts'
import type { NewEntry, PaymentRows } from './payment-rows.ts'
import type { Pending } from './pending.ts'

export interface PaymentsOptions {
  readonly db: DatabaseSync
  readonly runId: string
  readonly rows: PaymentRows
  readonly conducts: Conducts
  readonly pending: Pending
}

export class Payments implements PaymentTable {
  readonly #rows: PaymentRows
  readonly #conducts: Conducts
  readonly #pending: Pending
  readonly #unsigned
  readonly #runId: string

  constructor({ db, runId, rows, conducts, pending }: PaymentsOptions) {
    this.#rows = rows
    this.#conducts = conducts
    this.#pending = pending
    this.#runId = runId
    this.#unsigned = db.prepare(`
      SELECT id FROM payments INDEXED BY payments_unresolved WHERE ${UNRESOLVED} AND state = 'reserved' AND session_id = ? ORDER BY seq`)
  }

  reserve(tx: Transaction, request: ReserveRequest, charges: Charges): void {
    const own = { runId: tx.run ?? this.#runId, charges, now: tx.now }
    this.#rows.insert({ entry: reservedEntry(request, own), columns: reservedColumns(request, own) })
    const { sessionId, host, categories } = request.attempt
    this.#conducts.add(sessionId, { host, categories, at: tx.now })
  }

  deny(tx: Transaction, attempt: Attempt, denial: { readonly id: string; readonly code: Code }): void {
    const own = { ...denial, runId: tx.run ?? this.#runId }
    this.#rows.insert({ entry: deniedEntry(attempt, own), columns: deniedColumns(attempt, own) })
  }

  countAgain(_tx: Transaction, id: string): void {
    const entry = this.#get(id)
    this.#change(entry, {}, { count: entry.payment.count + 1 })
  }

  sign(tx: Transaction, id: string, { headers, signature, validBefore_s }: Authorization): PaymentRecord | undefined {
    const entry = this.#rows.find(id)
    if (entry?.payment.state !== 'reserved' || entry.runId !== (tx.run ?? this.#runId)) return undefined
    return this.#change(
      entry,
      { authorization: { headers, validBefore_s }, signature },
      { state: 'signed', validBefore_s, signedAt: tx.now, ...authorizedOf(entry.payment.terms?.network, signature) },
    )
  }

  markSent(tx: Transaction, id: string): Facts | undefined {
    const entry = this.#rows.find(id)
    if (!entry || entry.payment.signedAt === null) return undefined
    const { state, sentAt } = entry.payment
    const sent = { sentAt: sentAt ?? tx.now, ...(state === 'signed' && { state: 'sent' as const }) }
    if (state === 'signed' || sentAt === null) this.#rows.remark(entry, { ...entry, payment: { ...entry.payment, ...sent } })
    return state === 'signed' ? factsOf(entry.payment) : undefined
  }

  settleFresh(tx: Transaction, id: string, settlement: Settlement): PaymentRecord | undefined {
    const state = this.#rows.find(id)?.payment.state
    return state === 'signed' || state === 'sent' ? this.settle(tx, id, settlement) : undefined
  }

  settle(tx: Transaction, id: string, { transaction, reason }: Settlement): PaymentRecord {
    const known = { transaction: transaction ?? null, settlement: reason, evidence: 'claimed', code: null } as const
    return this.#conclude(tx, id, { ...known, state: 'settled' }, dueAt(this.#lookedInto(id, tx.now)))
  }

  amendSettlement(_tx: Transaction, id: string, { transaction, reason }: Settlement): PaymentRecord {
    return this.#change(this.#get(id), {}, { transaction: transaction ?? null, settlement: reason })
  }

  void(tx: Transaction, id: string, { reason, code, evidence, block }: VoidGrounds): PaymentRecord {
    const grounds = { settlement: reason, code, evidence, block: digits(block) }
    const ended = { authorization: undefined, open: false, holder: 'none', ...dueAt(null) } as const
    const voided = this.#conclude(tx, id, { ...grounds, state: 'void' }, ended)
    this.#conducts.remove(voided.payment.sessionId)
    return voided
  }

  leaveUnknown(tx: Transaction, id: string, { reason, denied }: UnknownGrounds): PaymentRecord {
    return this.#conclude(tx, id, { state: 'unknown', settlement: reason }, { denied, ...dueAt(tx.now) })
  }

  confirm(tx: Transaction, id: string, { evidence, transaction, block, reason, taken }: Confirmation): PaymentRecord {
    const entry = this.#get(id)
    const { state, concludedAt, transaction: known, terms } = entry.payment
    const proof = { transaction: transaction ?? known, settlement: reason, evidence, block: digits(block), code: null }
    const concluded = { state: 'settled', concludedAt: state === 'settled' ? concludedAt : tx.now } as const
    const less = terms && taken ? { terms: { ...terms, ...taken } } : {}
    return this.#change(entry, { concluded: true, ...dueAt(null) }, { ...proof, ...concluded, ...less })
  }

  expire(tx: Transaction, id: string, reason: string): PaymentRecord {
    return this.#conclude(tx, id, { state: 'expired', settlement: reason }, dueAt(this.#lookedInto(id, tx.now)))
  }

  dispute(_tx: Transaction, id: string, dispute: Dispute | null): PaymentRecord {
    return this.#change(this.#get(id), {}, { dispute })
  }

  replace(_tx: Transaction, id: string, by: string): void {
    this.#change(this.#get(id), { open: false }, { replacedBy: by })
  }

  restore(_tx: Transaction, id: string): void {
    this.#change(this.#get(id), { open: true, holder: 'none' }, { replacedBy: null })
  }

  refund(_tx: Transaction, id: string, amount: bigint): PaymentRecord {
    const entry = this.#get(id)
    return this.#change(entry, {}, { refunded: entry.payment.refunded + amount })
  }

  putOff(_tx: Transaction, id: string, until: number): void {
    const entry = this.#rows.find(id)
    if (entry && entry.checkAt !== null) this.#change(entry, dueAt(until), {})
  }

  /** This run looks into it until then (milliseconds since 1970). */
  claimProof(_tx: Transaction, id: string, until: number): PaymentRecord {
    return this.#change(this.#get(id), { resolverRun: this.#runId, resolverUntil: until }, {})
  }

  reopen(tx: Transaction, id: string): PaymentRecord {
    const entry = this.#get(id)
    const { delivery } = entry.payment
    const open = { reopenedAt: tx.now, holder: 'none', open: entry.keyDigest === null || entry.open } as const
    const unanswered = { delivered: false, deliveredAt: null, delivery: delivery && { ...delivery, complete: false } }
    return this.#change(entry, open, unanswered)
  }

  deliverOnce(tx: Transaction, id: string, { delivery, delivered }: { delivery: Delivery; delivered: boolean }): PaymentRecord | undefined {
    const entry = this.#rows.find(id)
    const { delivered: already, signedAt, state } = entry?.payment ?? { delivered: true, signedAt: null, state: 'void' }
    if (!entry || already || signedAt === null || state === 'void') return undefined
    const ended = delivered ? ({ open: entry.keyDigest !== null, holder: 'none' } as const) : {}
    return this.#change(entry, ended, { delivery, delivered, deliveredAt: tx.now })
  }

  find(id: string): PaymentRecord | undefined {
    return this.#rows.find(id)
  }

  hasNonce(nonce: string): boolean {
    return this.#rows.hasNonce(nonce)
  }

  get(id: string): PaymentRecord {
    return this.#get(id)
  }

  /** Its row, which is written, was taken out of the file. */
  forget(id: string): void {
    this.#rows.leave(id)
  }

  unsigned(sessionId: string): string[] {
    this.#pending.write()
    return this.#unsigned.all(sessionId).map((row: Row) => text(row, 'id'))
  }

  owed(id: string): boolean {
    const payment = this.#rows.find(id)?.payment
    if (!payment?.terms || payment.state !== 'settled' || payment.delivered || payment.dispute !== null) return false
    return payment.refunded < payment.terms.amount
  }

  /** What settled by a voucher is on no chain that could be asked. */
  #lookedInto(id: string, now: number): number | null {
    return this.#get(id).payment.terms?.method === 'voucher' ? null : now
  }

  /** Whatever is known of it now, nobody looks into it any more. */
  #conclude(tx: Transaction, id: string, payment: Partial<Payment>, rest: Partial<PaymentEntry>): PaymentRecord {
    return this.#change(this.#get(id), { concluded: true, ...rest }, { ...payment, concludedAt: tx.now })
  }

  #change(entry: PaymentEntry, rest: Partial<PaymentEntry>, payment: Partial<Payment>): PaymentRecord {
    return this.#rows.change(entry, { ...entry, ...rest, payment: { ...entry.payment, ...payment } })
  }

  #get(id: string): PaymentEntry {
    const entry = this.#rows.find(id)
    if (!entry) throw new Error(`payment ${id} has no row`)
    return entry
  }
}

/** From when on it is to be looked into, if ever; nobody does so now. */
function dueAt(at: number | null) {
  return { checkAt: at, resolverRun: null, resolverUntil: null }
}

function digits(block: bigint | null): string | null {
  return block === null ? null : block.toString()
}

interface Own {
  readonly runId: string
  readonly charges: Charges
  /** Milliseconds since 1970. */
  readonly now: number
}

/** Its purchase begins with it, held by its requester. */
function reservedEntry(request: ReserveRequest, own: Own): NewEntry['entry'] {
  const { attempt, paymentId, purchaseId, nonce, replaces = null } = request
  const { fingerprint, keyDigest } = request.purchase
  const { runId, charges, now } = own
  return {
    ...NEW,
    ...{ runId, charges, fingerprint, keyDigest, open: true, holder: 'live', holderRun: runId, leaseUntil: now + PURCHASE_LEASE_MS },
    payment: { ...NEW_PAYMENT, ...attempt, id: paymentId, purchaseId, nonce, replaces, state: 'reserved', reservedAt: now },
  }
}

function deniedEntry(attempt: Attempt, { id, code, runId }: { readonly id: string; readonly code: Code; readonly runId: string }) {
  return { ...NEW, runId, payment: { ...NEW_PAYMENT, ...attempt, id, code, state: 'denied' as const } }
}

const NEW: Omit<NewEntry['entry'], 'payment' | 'runId'> = {
  authorization: undefined,
  signature: null,
  charges: { buckets: [], entries: [] },
  concluded: false,
  denied: false,
  reopenedAt: null,
  fingerprint: null,
  keyDigest: null,
  open: false,
  holder: 'none',
  holderRun: null,
  leaseUntil: null,
  ...dueAt(null),
}

const NEW_PAYMENT: Omit<Payment, keyof Attempt | 'id' | 'state'> = {
  purchaseId: null,
  replaces: null,
  replacedBy: null,
  code: null,
  delivered: false,
  delivery: null,
  nonce: null,
  validBefore_s: null,
  transaction: null,
  settlement: null,
  evidence: null,
  block: null,
  dispute: null,
  refunded: 0n,
  reservedAt: null,
  signedAt: null,
  sentAt: null,
  concludedAt: null,
  deliveredAt: null,
  count: 1,
}
