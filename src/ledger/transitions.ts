/**
 * The steps of a payment that its own attempt takes, each with all that moves with it: balances, limits, purchase,
 * memory, receipt. reserved → signed → sent → settled | unknown; reserved → void; unknown and expired → settled on late
 * evidence. What is found out after the attempt is in resolving.
 */
import { uniformAddress } from '../address.ts'
import { type PurserError, refused } from '../errors.ts'
import type { Authorization, Settlement } from '../rails/rail.ts'
import type { Delivery } from '../session/exchange.ts'
import { passing } from '../waypoints.ts'
import { endBreach } from './admission.ts'
import { takersOf } from './charges.ts'
import { type Chronicle, factsOf } from './chronicle.ts'
import type { Endings } from './endings.ts'
import type { Payment, VoidProof } from './ledger.ts'
import type { PaymentRecord } from './payment-row.ts'
import type { Holder } from './purchase-row.ts'
import type { Tables, Transaction, UnknownGrounds } from './tables.ts'

export interface TransitionsOptions {
  readonly tables: Tables
  readonly endings: Endings
  readonly chronicle: Chronicle
  /** The run that this process is: only it may take back what it signed. */
  readonly runId: string
}

export class Transitions {
  readonly #options: TransitionsOptions

  constructor(options: TransitionsOptions) {
    this.#options = options
  }

  /**
   * reserved → signed.
   * @throws PurserError with the session's own code where it, or an ancestor, has ended since; `conflict` where the
   * payment is not reserved any more, or another run reserved it.
   * @throws Error where something else was signed than was reserved: nothing of it is kept.
   */
  sign(tx: Transaction, id: string, authorization: Authorization): void {
    const { tables, chronicle } = this.#options
    const signed = tables.payments.sign(tx, id, authorization)
    const { payment } = signed ?? tables.payments.get(id)
    const ended = endBreach(tables.sessions.lineage(payment.sessionId), tx.now)
    if (ended) throw refused(ended.code, ended.detail)
    if (!signed) throw conflict(payment, 'signed')
    checkSigned(payment, authorization)
    chronicle.entered(tx, factsOf(payment), 'signed')
    passing('authorization written')
  }

  /** signed → sent; a repeat of what is unknown stays unknown. */
  markSent(tx: Transaction, id: string): void {
    const facts = this.#options.tables.payments.markSent(tx, id)
    if (facts) this.#options.chronicle.entered(tx, facts, 'sent')
  }

  /**
   * signed, sent, unknown or expired → settled on the server's word: what was held is spent.
   * @throws PurserError `conflict` where nothing was signed or it was voided.
   * @throws Error for a settlement that proves nothing.
   */
  settle(tx: Transaction, id: string, settlement: Settlement): void {
    const { tables, endings, chronicle } = this.#options
    if (settlement.kind !== 'claimed') throw new Error(`payment ${id} cannot be posted on a settlement that is ${settlement.kind}`)
    const settled = tables.payments.settleFresh(tx, id, settlement)
    if (!settled) {
      this.#settleLate(tx, tables.payments.get(id), settlement)
      return
    }
    endings.spend(tx, settled.payment)
    chronicle.conclude(tx, settled, { concluded: false })
    endings.remember(tx, settled)
    passing('settlement written')
  }

  /** It was unknown or expired, or is settled already. */
  #settleLate(tx: Transaction, before: PaymentRecord, settlement: Settlement): void {
    const { tables, endings, chronicle } = this.#options
    const { payment } = before
    if (payment.state === 'settled') {
      this.#amend(tx, payment, settlement)
      return
    }
    if (!isOpen(payment) && payment.state !== 'expired') throw conflict(payment, 'settled')
    if (isOpen(payment)) endings.spend(tx, payment)
    const settled = tables.payments.settle(tx, payment.id, settlement)
    chronicle.conclude(tx, settled, before)
    endings.remember(tx, settled)
  }

  /**
   * reserved, or signed by this very run and certainly not sent, or a voucher that others stand for → void: what was held
   * is free again.
   * @throws PurserError `conflict` in every other state.
   */
  void(tx: Transaction, id: string, proof: Pick<VoidProof, 'kind' | 'reason'> & { readonly code: VoidProof['code'] | null }): void {
    const { tables, endings, chronicle } = this.#options
    const before = tables.payments.get(id)
    if (before.payment.state === 'void') return
    if (!this.#voidable(before, proof, tx.run ?? this.#options.runId)) throw conflict(before.payment, 'void')
    endings.giveBack(tx, before, 'held')
    const { reason, code } = proof
    chronicle.conclude(tx, tables.payments.void(tx, id, { reason, code, evidence: null, block: null }), before)
    endings.standBack(tx, before.payment)
    passing('void written')
  }

  /**
   * signed or sent → unknown: it stays held.
   * @throws PurserError `conflict` where nothing was signed, or the outcome is known.
   */
  leaveUnknown(tx: Transaction, id: string, why: UnknownGrounds): void {
    const { tables, chronicle } = this.#options
    const before = tables.payments.get(id)
    const { payment } = before
    if (payment.state === 'unknown') return
    if (payment.state !== 'signed' && payment.state !== 'sent') throw conflict(payment, 'unknown')
    chronicle.conclude(tx, tables.payments.leaveUnknown(tx, id, why), before)
    passing('unknown written')
  }

  /**
   * Records how the agent got its answer. A complete 2xx delivers, and a purchase is delivered once: later answers
   * change nothing.
   * @returns true where this ended the purchase, which nobody holds from then on.
   * @throws PurserError `conflict` where nothing was signed or it was voided.
   */
  deliver(tx: Transaction, id: string, delivery: Delivery): boolean {
    const { tables, endings, chronicle } = this.#options
    const delivered = delivery.complete && delivery.status >= 200 && delivery.status < 300
    const answered = tables.payments.deliverOnce(tx, id, { delivery, delivered })
    if (!answered) {
      const { payment } = tables.payments.get(id)
      if (payment.delivered) return false
      throw conflict(payment, 'delivered')
    }
    const record = delivered && answered.payment.dispute !== 'taken_otherwise' ? endings.appease(tx, answered) : answered
    endings.remember(tx, record)
    chronicle.append(tx, 'amendment', record)
    passing('delivery written')
    return delivered
  }

  /** Says who works on the purchase. Where nobody does any more, and it was paid for nothing, that is held against the recipient. */
  hold(tx: Transaction, id: string, holder: Holder): void {
    const { tables, endings, chronicle } = this.#options
    tables.purchases.hold(tx, id, holder)
    if (holder !== 'none' || !tables.payments.owed(id)) return
    chronicle.append(tx, 'amendment', endings.dispute(tx, id, 'settled_not_delivered'))
  }

  #amend(tx: Transaction, payment: Payment, settlement: Settlement): void {
    if (payment.transaction !== null || settlement.transaction === undefined) return
    this.#options.chronicle.append(tx, 'amendment', this.#options.tables.payments.amendSettlement(tx, payment.id, settlement))
  }

  #voidable({ payment, runId }: PaymentRecord, { kind }: Pick<VoidProof, 'kind'>, run: string): boolean {
    if (payment.state === 'reserved') return true
    if (kind === 'not_charged') return payment.terms?.method === 'voucher' && isOpen(payment)
    return payment.state === 'signed' && kind === 'never_sent' && runId === run
  }
}

/** Signed, and it is not known yet whether the money moved: it is held. */
export function isOpen({ state }: Pick<Payment, 'state'>): boolean {
  return state === 'signed' || state === 'sent' || state === 'unknown'
}

export function conflict({ id, state }: Pick<Payment, 'id' | 'state'>, wanted: string): PurserError {
  const detail = state === wanted ? `Payment ${id} is ${state} already.` : `Payment ${id} is ${state} and cannot become ${wanted}.`
  return refused('conflict', detail)
}

/** What was decided is what is signed: a signature for anything else must not become an authorization of this payment. */
function checkSigned({ id, nonce, terms }: Payment, { nonce: signedNonce, payTo, transfer }: Authorization): void {
  const same =
    terms !== null &&
    signedNonce === nonce &&
    transfer.nonce === nonce &&
    transfer.value === terms.amountAtomic &&
    uniformAddress(payTo) === uniformAddress(terms.payTo) &&
    takersOf(terms).some((taker) => uniformAddress(transfer.to) === uniformAddress(taker))
  if (!same) throw new Error(`what was signed for payment ${id} is not what was reserved`)
}
