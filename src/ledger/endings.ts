/** Endings: what moves with a payment when its outcome becomes known, whoever made it known. */
import type { Budget } from './budget.ts'
import { countOf } from './charges.ts'
import { type Chronicle, factsOf } from './chronicle.ts'
import type { Dispute } from './findings.ts'
import type { Payment, Terms } from './ledger.ts'
import type { PaymentRecord } from './payment-row.ts'
import type { Tables, Transaction } from './tables.ts'

export interface EndingsOptions {
  readonly tables: Tables
  readonly budget: Budget
  readonly chronicle: Chronicle
  /** Networks (CAIP-2) whose chain can be asked: there a server's word makes nobody known. */
  readonly confirmable: ReadonlySet<string>
}

export class Endings {
  readonly #options: EndingsOptions

  constructor(options: EndingsOptions) {
    this.#options = options
  }

  /** What was held is spent. */
  spend(tx: Transaction, payment: Payment): void {
    this.#options.budget.spend(tx, payment.sessionId, factsOf(payment).amount)
  }

  /** As if the payment had never been: balances, limits, windows, pin. */
  giveBack(tx: Transaction, { payment, charges }: PaymentRecord, from: 'held' | 'spent'): void {
    const { budget, tables } = this.#options
    const { amount } = factsOf(payment)
    budget.giveBack(tx, payment.sessionId, { amount, from })
    for (const bucket of charges.buckets) tables.spending.takeBack(tx, bucket, countOf(termsIn(payment), charges))
    for (const entry of charges.entries) tables.rolling.takeBack(tx, entry)
    tables.memory.unpin(tx, payment)
  }

  /**
   * What was spent whole and turned out to be less: the rest is free, in the budgets and in the limits by name. Limits of a
   * rolling window count the whole until it leaves them.
   */
  lessen(tx: Transaction, { payment, charges }: PaymentRecord, taken: bigint): void {
    const { budget, tables } = this.#options
    const { amount } = factsOf(payment)
    budget.lessen(tx, payment.sessionId, { from: amount, to: taken })
    const excess = countOf(termsIn(payment), charges) - taken
    if (excess > 0n) for (const bucket of charges.buckets) tables.spending.takeBack(tx, bucket, excess)
  }

  /** A payment that can never be taken gives its place back to the one that it took it from, unless the purchase is over. */
  standBack(tx: Transaction, { replaces, delivered }: Payment): void {
    const { payments } = this.#options.tables
    if (replaces === null || delivered || payments.get(replaces).payment.state === 'void') return
    payments.restore(tx, replaces)
  }

  /** A dealing is settled and delivered; where the chain can be asked, a server's word is not enough (rule R14). */
  remember(tx: Transaction, record: PaymentRecord): void {
    const { terms, state, delivered, evidence } = record.payment
    const believed = evidence !== 'claimed' || !this.#options.confirmable.has(terms?.network ?? '')
    if (state === 'settled' && delivered && believed) this.#options.tables.memory.remember(tx, record)
  }

  /** Holds what is owed against the recipient, where nobody works on the purchase any more. */
  disputeOwed(tx: Transaction, record: PaymentRecord): PaymentRecord {
    const { payments, purchases } = this.#options.tables
    const { id } = record.payment
    return payments.owed(id) && purchases.holder(tx, id) === 'none' ? this.dispute(tx, id, 'settled_not_delivered') : record
  }

  /** The entry about it is the caller's. */
  dispute(tx: Transaction, id: string, dispute: Dispute): PaymentRecord {
    this.#options.chronicle.reconciled(tx, id, 'disputed')
    return this.#options.tables.payments.dispute(tx, id, dispute)
  }

  /** Nothing is held against the recipient any more. */
  appease(tx: Transaction, record: PaymentRecord): PaymentRecord {
    const { id, dispute } = record.payment
    return dispute === null ? record : this.#options.tables.payments.dispute(tx, id, null)
  }
}

function termsIn({ id, terms }: Payment): Terms {
  if (!terms) throw new Error(`payment ${id} was reserved without terms`)
  return terms
}
