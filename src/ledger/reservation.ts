/** The handle on money set aside: whoever holds it, and nobody else, can sign for it and resolve it. */
import type { Clock } from '../clock.ts'
import type { Authorization, Settlement } from '../rails/rail.ts'
import type { Delivery } from '../session/exchange.ts'
import type { Events } from '../telemetry/events.ts'
import type { Batch, Transaction } from './batch.ts'
import type { Payment, Reservation, StoredAuthorization, VoidProof } from './ledger.ts'
import type { PaymentRecord } from './payment-row.ts'
import type { Payments } from './payments.ts'
import type { Holder, Purchases } from './purchases.ts'
import type { Transitions } from './transitions.ts'

/** What handles work with; the same for all of one ledger. */
export interface Desk {
  readonly batch: Batch
  readonly clock: Clock
  readonly payments: Payments
  readonly purchases: Purchases
  readonly transitions: Transitions
  readonly events: Pick<Events, 'ledgerTook' | 'warned'> | undefined
}

/** The operations that are measured. */
export type Operation = Parameters<Events['ledgerTook']>[0]

/** What a handle is for. */
export type Reserved = Pick<Reservation, 'purchaseId' | 'paymentId' | 'nonce' | 'authorization'>

export class ReservationHandle implements Reservation {
  readonly purchaseId: string
  readonly paymentId: string
  readonly nonce: `0x${string}`
  readonly authorization: StoredAuthorization | undefined
  readonly #desk: Desk

  constructor(desk: Desk, { purchaseId, paymentId, nonce, authorization }: Reserved) {
    this.purchaseId = purchaseId
    this.paymentId = paymentId
    this.nonce = nonce
    this.authorization = authorization
    this.#desk = desk
  }

  async payment(): Promise<Payment> {
    return this.#desk.batch.read(() => this.#desk.payments.get(this.paymentId).payment)
  }

  record(authorization: Authorization): Promise<void> {
    return this.#durably('record', (tx) => this.#desk.transitions.sign(tx, this.paymentId, authorization))
  }

  sent(): void {
    this.#soon((tx) => this.#desk.transitions.markSent(tx, this.paymentId))
  }

  post(settlement: Settlement): Promise<void> {
    return this.#durably('post', (tx) => this.#desk.transitions.settle(tx, this.paymentId, settlement))
  }

  void(proof: VoidProof): Promise<void> {
    return this.#durably('void', (tx) => this.#desk.transitions.void(tx, this.paymentId, proof))
  }

  leaveUnknown(reason: string): Promise<void> {
    return this.#durably('unknown', (tx) => this.#desk.transitions.leaveUnknown(tx, this.paymentId, reason))
  }

  async delivered(delivery: Delivery): Promise<void> {
    await this.#desk.batch.write((tx) => this.#desk.transitions.deliver(tx, this.paymentId, delivery)).durable
  }

  orphan(): void {
    this.#hold('orphan')
  }

  release(): void {
    this.#hold('none')
  }

  #hold(holder: Holder): void {
    this.#soon((tx) => this.#desk.purchases.hold(tx, this.paymentId, holder))
  }

  async #durably(operation: Operation, step: (tx: Transaction) => void): Promise<void> {
    const { batch, clock, events } = this.#desk
    const started = clock.monotonic()
    await batch.write(step).durable
    events?.ledgerTook(operation, clock.monotonic() - started)
  }

  /** For notes that may be lost: after a crash the payment reads as unknown and the purchase as nobody's anyway. */
  #soon(step: (tx: Transaction) => void): void {
    try {
      this.#desk.batch.note(step)
    } catch (cause) {
      this.#desk.events?.warned(`A note about payment ${this.paymentId} could not be written.`, cause)
    }
  }
}

/** What an earlier attempt reserved, and perhaps signed. @throws Error for a payment that was never reserved. */
export function reservedBefore({ payment, authorization }: PaymentRecord): Reserved {
  const { id, purchaseId, nonce } = payment
  if (purchaseId === null || nonce === null || !nonce.startsWith('0x')) throw new Error(`payment ${id} was never reserved`)
  return { purchaseId, paymentId: id, nonce: `0x${nonce.slice(2)}`, authorization }
}
