/**
 * The steps of a payment, each with all that moves with it: balances, limits, purchase, memory, receipt.
 * reserved → signed → sent → settled | unknown; reserved → void; unknown → settled on late evidence. Nothing else.
 */
import { refused } from '../errors.ts'
import type { Authorization, Settlement } from '../rails/rail.ts'
import type { Delivery } from '../session/exchange.ts'
import type { Transaction } from './batch.ts'
import type { Payment, VoidProof } from './ledger.ts'
import type { Memory } from './memory.ts'
import type { PaymentRecord } from './payment-row.ts'
import type { Payments } from './payments.ts'
import type { Purchases } from './purchases.ts'
import type { Receipts } from './receipts.ts'
import type { Rolling } from './rolling.ts'
import type { Sessions } from './sessions.ts'
import type { Spending } from './spending.ts'

/** The tables that a payment moves. */
export interface Tables {
  readonly sessions: Sessions
  readonly payments: Payments
  readonly purchases: Purchases
  readonly spending: Spending
  readonly rolling: Rolling
  readonly memory: Memory
  readonly receipts: Receipts
}

export class Transitions {
  readonly #tables: Tables
  readonly #runId: string

  constructor(tables: Tables, runId: string) {
    this.#tables = tables
    this.#runId = runId
  }

  /**
   * reserved → signed.
   * @throws PurserError `conflict` where it is not reserved any more, or another run reserved it.
   * @throws Error where something else was signed than was reserved: nothing of it is kept.
   */
  sign(tx: Transaction, id: string, authorization: Authorization): void {
    const { payments } = this.#tables
    const signed = payments.sign(tx, id, authorization)
    if (!signed) throw conflict(payments.get(id).payment, 'signed')
    checkSigned(signed.payment, authorization)
  }

  /** signed → sent; a repeat of what is unknown stays unknown. */
  markSent(tx: Transaction, id: string): void {
    this.#tables.payments.markSent(tx, id)
  }

  /**
   * signed, sent or unknown → settled: what was held is spent.
   * @throws PurserError `conflict` where nothing was signed or it was voided.
   * @throws Error for a settlement that proves nothing.
   */
  settle(tx: Transaction, id: string, settlement: Settlement): void {
    const { payments, sessions } = this.#tables
    if (settlement.kind !== 'claimed') throw new Error(`payment ${id} cannot be posted on a settlement that is ${settlement.kind}`)
    const { payment, concluded } = payments.get(id)
    if (payment.state === 'settled') {
      this.#amend(tx, payment, settlement)
      return
    }
    if (payment.state !== 'signed' && payment.state !== 'sent' && payment.state !== 'unknown') throw conflict(payment, 'settled')
    sessions.spend(tx, sessions.lineage(payment.sessionId), amountOf(payment))
    const settled = payments.settle(tx, id, settlement)
    this.#conclude(tx, settled, concluded)
    this.#tables.memory.remember(tx, settled)
  }

  /**
   * reserved, or signed by this very run and certainly not sent → void: what was held is free again.
   * @throws PurserError `conflict` in every other state.
   */
  void(tx: Transaction, id: string, proof: Pick<VoidProof, 'kind' | 'reason'> & { readonly code: VoidProof['code'] | null }): void {
    const { payments, sessions, spending, rolling } = this.#tables
    const record = payments.get(id)
    const { payment, charges, concluded } = record
    if (payment.state === 'void') return
    if (!this.#voidable(record, proof)) throw conflict(payment, 'void')
    sessions.free(tx, sessions.lineage(payment.sessionId), amountOf(payment))
    for (const bucket of charges.buckets) spending.takeBack(tx, bucket, amountOf(payment))
    for (const entry of charges.entries) rolling.takeBack(tx, entry)
    this.#tables.memory.unpin(tx, payment)
    this.#conclude(tx, payments.void(tx, id, proof), concluded)
  }

  /**
   * signed or sent → unknown: it stays held.
   * @throws PurserError `conflict` where nothing was signed, or the outcome is known.
   */
  leaveUnknown(tx: Transaction, id: string, reason: string): void {
    const { payment, concluded } = this.#tables.payments.get(id)
    if (payment.state === 'unknown') return
    if (payment.state !== 'signed' && payment.state !== 'sent') throw conflict(payment, 'unknown')
    this.#conclude(tx, this.#tables.payments.leaveUnknown(tx, id, reason), concluded)
  }

  /**
   * Records how the agent got its answer. A complete 2xx delivers, and a purchase is delivered once: later answers
   * change nothing.
   * @throws PurserError `conflict` where nothing was signed or it was voided.
   */
  deliver(tx: Transaction, id: string, delivery: Delivery): void {
    const { payments, memory, receipts } = this.#tables
    const { payment } = payments.get(id)
    if (payment.delivered) return
    if (payment.signedAt === null || payment.state === 'void') throw conflict(payment, 'delivered')
    const delivered = delivery.complete && delivery.status >= 200 && delivery.status < 300
    const record = payments.deliver(tx, id, { delivery, delivered })
    memory.remember(tx, record)
    receipts.append(tx, 'amendment', record)
  }

  #amend(tx: Transaction, payment: Payment, settlement: Settlement): void {
    if (payment.transaction !== null || settlement.transaction === undefined) return
    this.#tables.receipts.append(tx, 'amendment', this.#tables.payments.amendSettlement(tx, payment.id, settlement))
  }

  #conclude(tx: Transaction, record: PaymentRecord, before: boolean): void {
    this.#tables.receipts.append(tx, before ? 'amendment' : 'conclusion', record)
  }

  #voidable({ payment, runId }: PaymentRecord, { kind }: Pick<VoidProof, 'kind'>): boolean {
    if (payment.state === 'reserved') return true
    return payment.state === 'signed' && kind === 'never_sent' && runId === this.#runId
  }
}

function amountOf({ id, terms }: Payment): bigint {
  if (!terms) throw new Error(`payment ${id} was reserved without terms`)
  return terms.amount
}

/** What was decided is what is signed: a signature for anything else must not become an authorization of this payment. */
function checkSigned({ id, nonce, terms }: Payment, { nonce: signedNonce, payTo, transfer }: Authorization): void {
  const same =
    terms !== null &&
    signedNonce === nonce &&
    transfer.nonce === nonce &&
    transfer.value === terms.amountAtomic &&
    [payTo, transfer.to].every((to) => to.toLowerCase() === terms.payTo.toLowerCase())
  if (!same) throw new Error(`what was signed for payment ${id} is not what was reserved`)
}

function conflict({ id, state }: Payment, wanted: string) {
  return refused('conflict', `Payment ${id} is ${state} and cannot become ${wanted}.`)
}
