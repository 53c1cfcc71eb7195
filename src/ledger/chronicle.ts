/** The chronicle: what is written down about a payment, and what the rest of the program is told of it once it is durable. */
import { link } from '../audit/chain.ts'
import type { ReceiptKind } from '../audit/receipt.ts'
import type { Events } from '../telemetry/events.ts'
import { passing } from '../waypoints.ts'
import { budgetOf } from './charges.ts'
import type { Payment } from './ledger.ts'
import type { Facts, PaymentRecord } from './payment-row.ts'
import { receiptBody } from './receipt-body.ts'
import type { ReceiptTable, Transaction } from './tables.ts'

export type ChronicleEvents = Pick<Events, 'paymentEntered' | 'receiptWritten' | 'reconciled'>

export class Chronicle {
  readonly #receipts: ReceiptTable
  readonly #events: ChronicleEvents | undefined

  constructor(receipts: ReceiptTable, events: ChronicleEvents | undefined) {
    this.#receipts = receipts
    this.#events = events
  }

  /** Appends an entry about this payment as it is now to the chain of its session. */
  append(tx: Transaction, kind: ReceiptKind, record: PaymentRecord): void {
    const stamp = { id: this.#receipts.nextId(), kind, at: tx.now }
    const linked = link(this.#receipts.head(record.payment.sessionId), receiptBody(record, stamp))
    this.#receipts.insert(tx, { ...linked, kind })
    passing('receipt written')
    this.#tell(tx, (events) => events.receiptWritten())
  }

  /** The payment entered the state that it is in, and was concluded by it: for the first time, or once more. */
  conclude(tx: Transaction, record: PaymentRecord, before: Pick<PaymentRecord, 'concluded'>): void {
    this.append(tx, before.concluded ? 'amendment' : 'conclusion', record)
    this.entered(tx, factsOf(record.payment), record.payment.state)
  }

  entered(tx: Transaction, facts: Facts, state: Payment['state']): void {
    this.#tell(tx, (events) => events.paymentEntered({ ...facts, state }))
  }

  /** Something became known about it after its exchange was over. */
  reconciled(tx: Transaction, paymentId: string, outcome: Parameters<Events['reconciled']>[0]['outcome']): void {
    this.#tell(tx, (events) => events.reconciled({ paymentId, outcome }))
  }

  #tell(tx: Transaction, tell: (events: ChronicleEvents) => void): void {
    const events = this.#events
    if (events) tx.afterCommit(() => tell(events))
  }
}

/** What is told of a payment; of a voucher no amount, which was told with its deposit. @throws Error for one without terms: nothing was reserved for it. */
export function factsOf({ id, tier, terms }: Pick<Payment, 'id' | 'tier' | 'terms'>): Facts {
  if (!terms) throw new Error(`payment ${id} was reserved without terms`)
  const { network, scheme, currency } = terms
  return { paymentId: id, tier, network, scheme, amount: budgetOf(terms), currency }
}
