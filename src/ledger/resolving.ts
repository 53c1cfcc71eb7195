/**
 * Resolving: what is found out about a payment after its attempt, by a chain, by time or by people. Each finding moves
 * what has to move with it once; the same finding again changes nothing, and what is final is never contradicted.
 */
import { refused } from '../errors.ts'
import { EXPIRY_GRACE_MS, MAX_CAP } from '../limits.ts'
import { passing } from '../waypoints.ts'
import type { Chronicle } from './chronicle.ts'
import type { Endings } from './endings.ts'
import type { Correction, Dispute, Finding, Refund } from './findings.ts'
import type { Corrected, Payment } from './ledger.ts'
import type { PaymentRecord } from './payment-row.ts'
import type { Confirmation, Tables, Transaction } from './tables.ts'
import { conflict, isOpen } from './transitions.ts'

export interface ResolvingOptions {
  readonly tables: Tables
  readonly endings: Endings
  readonly chronicle: Chronicle
}

interface Proof extends Confirmation {
  readonly dispute?: Dispute
}

type Death = Pick<Extract<Finding, { kind: 'dead' }>, 'evidence' | 'block' | 'reason'>

export class Resolving {
  readonly #options: ResolvingOptions

  constructor(options: ResolvingOptions) {
    this.#options = options
  }

  /**
   * Applies what is certain by now.
   * @throws PurserError `conflict` where it contradicts what is final, `not_found`.
   */
  resolve(tx: Transaction, id: string, finding: Finding): Payment {
    const before = this.#find(id)
    switch (finding.kind) {
      case 'settled':
        return this.#confirm(tx, before, { ...finding, ...takenIn(before.payment, finding) })
      case 'dead':
        return this.#void(tx, before, finding)
      case 'expired':
        return this.#expire(tx, before, finding.reason)
    }
  }

  /**
   * Counts money that came back, each transfer or entry once. Limits do not grow by it.
   * @returns undefined where this refund is known already.
   * @throws PurserError `conflict` for a payment that moved no money, a source that stands for another refund, or a person's
   * entry beyond what was paid; `not_found`, `request_invalid`.
   */
  refund(tx: Transaction, refund: Refund): Payment | undefined {
    const { tables, endings, chronicle } = this.#options
    const { payment } = this.#find(refund.paymentId)
    if (refund.amountAtomic <= 0n) throw refused('request_invalid', 'A refund is more than nothing.')
    const known = tables.refunds.find(refund.source)
    if (known) return sameRefund(known, refund)
    tables.refunds.insert(tx, refund)
    if (!payment.terms || (payment.state !== 'settled' && payment.state !== 'expired')) throw conflict(payment, 'refunded')
    const back = tables.refunds.total(payment.id)
    if (refund.by !== 'chain' && back > payment.terms.amountAtomic)
      throw refused('conflict', `More would have come back than was paid by ${payment.id}.`)
    const refunded = shareOf(payment.terms, back)
    const counted = tables.payments.refund(tx, payment.id, refunded - payment.refunded)
    const record = back >= payment.terms.amountAtomic ? endings.appease(tx, counted) : counted
    chronicle.append(tx, 'amendment', record)
    chronicle.reconciled(tx, payment.id, 'refunded')
    return record.payment
  }

  /**
   * What one person says; the same of a second one makes it so. Whoever proposed may say it anew.
   * @throws PurserError `conflict` where nothing is left to correct, the two disagree, or the money may still move; `not_found`.
   */
  correct(tx: Transaction, correction: Correction): Corrected {
    const { corrections } = this.#options.tables
    const { payment } = this.#find(correction.paymentId)
    if (payment.state === correction.outcome && payment.evidence === 'operator') return { kind: 'applied', payment }
    checkCorrectable(payment, correction, tx.now)
    const first = corrections.find(payment.id)
    if (!first || first.by === correction.by) {
      corrections.put(tx, correction)
      return { kind: 'proposed', correction }
    }
    const transaction = agreed(first, correction)
    corrections.remove(tx, payment.id)
    return { kind: 'applied', payment: this.#apply(tx, payment.id, { first, second: correction, transaction }) }
  }

  /** The agent did not get its answer after all: the purchase can be repeated. Nothing changes for what was not delivered. */
  reopen(tx: Transaction, id: string): void {
    const { tables, endings, chronicle } = this.#options
    const before = this.#find(id)
    if (!before.payment.delivered) return
    tables.memory.forget(tx, before)
    chronicle.append(tx, 'amendment', endings.disputeOwed(tx, tables.payments.reopen(tx, id)))
    passing('reopening written')
  }

  #apply(tx: Transaction, id: string, { first, second, transaction }: Agreement): Payment {
    const reason = `${first.by}: “${first.evidence}”; ${second.by}: “${second.evidence}”`
    const proof = { evidence: 'operator', transaction, block: null, reason } as const
    const before = this.#find(id)
    return second.outcome === 'settled' ? this.#confirm(tx, before, proof) : this.#void(tx, before, proof)
  }

  #confirm(tx: Transaction, before: PaymentRecord, proof: Proof): Payment {
    const { payment } = before
    if (payment.state === 'settled') return this.#confirmSettled(tx, before, proof)
    if (!isOpen(payment) && payment.state !== 'expired') throw conflict(payment, 'settled')
    const { tables, endings, chronicle } = this.#options
    if (isOpen(payment)) endings.spend(tx, payment)
    if (proof.taken) endings.lessen(tx, before, proof.taken.amount)
    const settled = this.#disputed(tx, tables.payments.confirm(tx, payment.id, proof), { before, proof })
    chronicle.conclude(tx, settled, before)
    chronicle.reconciled(tx, payment.id, 'settled')
    passing('resolution written')
    endings.remember(tx, settled)
    return settled.payment
  }

  /** Better evidence, or the same once more. */
  #confirmSettled(tx: Transaction, before: PaymentRecord, proof: Proof): Payment {
    const { payment } = before
    if (payment.evidence === 'confirmed' || payment.evidence === proof.evidence) {
      if (!sameTransaction(payment.transaction, proof.transaction)) throw conflict(payment, 'settled by another transaction')
      return payment
    }
    const { tables, endings, chronicle } = this.#options
    if (proof.taken) endings.lessen(tx, before, proof.taken.amount)
    const confirmed = this.#disputed(tx, tables.payments.confirm(tx, payment.id, proof), { before, proof })
    chronicle.append(tx, 'amendment', confirmed)
    chronicle.reconciled(tx, payment.id, 'settled')
    endings.remember(tx, confirmed)
    return confirmed.payment
  }

  /** What the chain itself holds against the recipient; else that money moved although the server had its say, or none. */
  #disputed(tx: Transaction, settled: PaymentRecord, { before, proof }: { before: PaymentRecord; proof: Proof }): PaymentRecord {
    const { endings } = this.#options
    const { id, delivered, dispute } = settled.payment
    if (proof.dispute) return endings.dispute(tx, id, proof.dispute)
    const denied = before.payment.state !== 'settled' && before.denied && !delivered && dispute === null
    return denied ? endings.dispute(tx, id, 'settled_though_denied') : endings.disputeOwed(tx, settled)
  }

  #void(tx: Transaction, before: PaymentRecord, { evidence, block, reason }: Death): Payment {
    const { tables, endings, chronicle } = this.#options
    const { payment } = before
    if (payment.state === 'void') return payment
    const believed = payment.state === 'settled' && payment.evidence === 'claimed'
    if (!isOpen(payment) && payment.state !== 'expired' && !believed) throw conflict(payment, 'void')
    endings.giveBack(tx, before, isOpen(payment) ? 'held' : 'spent')
    tables.memory.forget(tx, before)
    const voided = endings.appease(tx, tables.payments.void(tx, payment.id, { reason, code: null, evidence, block }))
    endings.standBack(tx, payment)
    chronicle.conclude(tx, voided, before)
    chronicle.reconciled(tx, payment.id, 'void')
    return voided.payment
  }

  #expire(tx: Transaction, before: PaymentRecord, reason: string): Payment {
    const { tables, endings, chronicle } = this.#options
    const { payment } = before
    if (payment.state === 'expired' || payment.state === 'settled') return payment
    if (!isOpen(payment)) throw conflict(payment, 'expired')
    endings.spend(tx, payment)
    const expired = tables.payments.expire(tx, payment.id, reason)
    chronicle.conclude(tx, expired, before)
    chronicle.reconciled(tx, payment.id, 'expired')
    return expired.payment
  }

  #find(id: string): PaymentRecord {
    const record = this.#options.tables.payments.find(id)
    if (!record) throw refused('not_found', `There is no payment ${id}.`)
    return record
  }
}

/** What a payment came to, where it is less than was reserved. Its share of the price is rounded against the payer. */
function takenIn(
  { id, terms, evidence, state }: Payment,
  { amountAtomic: taken }: Pick<Extract<Finding, { kind: 'settled' }>, 'amountAtomic'>,
): Pick<Confirmation, 'taken'> {
  const known = state === 'settled' && evidence === 'confirmed'
  if (taken === undefined || !terms || known || taken >= terms.amountAtomic) return {}
  if (taken <= 0n) throw new Error(`payment ${id} cannot have come to nothing and be settled`)
  const amount = (terms.amount * taken + terms.amountAtomic - 1n) / terms.amountAtomic
  return { taken: { amountAtomic: taken, amount } }
}

interface Agreement {
  readonly first: Correction
  readonly second: Correction
  readonly transaction: string | null
}

/** What people say can free money only where nobody can take it any more. */
function checkCorrectable(payment: Payment, { outcome }: Correction, now: number): void {
  if (payment.state !== 'unknown' && payment.state !== 'expired') throw conflict(payment, outcome)
  const end = (payment.validBefore_s ?? 0) * 1_000 + EXPIRY_GRACE_MS
  if (outcome === 'void' && now < end) {
    const until = new Date(end).toISOString()
    throw refused('conflict', `The authorization of payment ${payment.id} may still be taken until ${until}; correct it after that.`)
  }
}

/** The transaction that both name, or the one of them who names one. */
function agreed(first: Correction, second: Correction): string | null {
  if (first.outcome !== second.outcome || !sameTransaction(first.transaction, second.transaction)) {
    const detail = `${first.by} says ${first.outcome} (${first.transaction ?? 'no transaction'}); both have to say the same.`
    throw refused('conflict', detail)
  }
  return second.transaction ?? first.transaction
}

function sameTransaction(known: string | null, named: string | null): boolean {
  return known === null || named === null || known.toLowerCase() === named.toLowerCase()
}

/** Known already: nothing is counted again. */
function sameRefund(known: Pick<Refund, 'paymentId' | 'amountAtomic'>, { source, by, paymentId, amountAtomic }: Refund): undefined {
  if (known.paymentId === paymentId && known.amountAtomic === amountAtomic) return
  const what = by === 'chain' ? `The transfer ${source}` : 'This Idempotency-Key'
  const other = known.paymentId === paymentId ? 'another amount' : `payment ${known.paymentId}`
  throw refused('conflict', `${what} stands for a refund of ${other} already.`)
}

/** Millionths for so many atomic units of this payment, against whoever counts on them; bounded, because a stranger sends them. */
function shareOf({ amount, amountAtomic }: NonNullable<Payment['terms']>, back: bigint): bigint {
  const share = (amount * back) / amountAtomic
  if (share > MAX_CAP) return MAX_CAP
  return share
}
