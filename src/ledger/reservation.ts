/** The handle on money set aside: whoever holds it, and nobody else, can sign for it and resolve it. */
import type { Clock } from '../clock.ts'
import type { Authorization, Settlement } from '../rails/rail.ts'
import type { Delivery } from '../session/exchange.ts'
import type { Events } from '../telemetry/events.ts'
import { passing } from '../waypoints.ts'
import type { Payment, Reservation, StoredAuthorization, VoidProof } from './ledger.ts'
import type { PaymentRecord } from './payment-row.ts'
import type { Holder } from './purchase-row.ts'
import type { Rules } from './rules.ts'
import type { Transaction } from './tables.ts'

/** A step of a payment: one write. */
export type Step = (tx: Transaction, rules: Rules) => void

/** What handles work with; the same for all of one ledger. */
export interface Desk {
  readonly clock: Clock
  readonly events: Pick<Events, 'ledgerTook' | 'warned'> | undefined
  /** The payment as it is now: own writes are seen. */
  payment(id: string): Promise<Payment>
  /**
   * Resolves when what the step does to this payment is durable. `decided` is called before, if at all: as soon as nothing
   * that is decided later can be durable without it.
   */
  write(paymentId: string, step: Step, decided?: () => void): Promise<void>
  /** As `write`, where it is enough that nothing decided later is durable before it: it may ride with the next commit. */
  ride(paymentId: string, step: Step): Promise<void>
  /** For what nobody waits for: it rides with the next commit. May throw. */
  note(paymentId: string, step: Step): void
  /** As `note`, for what needs no commit of its own: it is written with whatever changes the payment next. */
  aside(paymentId: string, step: Step): void
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
  /** The purchase ended with its delivery: nobody holds it any more. */
  #ended = false

  constructor(desk: Desk, { purchaseId, paymentId, nonce, authorization }: Reserved) {
    this.purchaseId = purchaseId
    this.paymentId = paymentId
    this.nonce = nonce
    this.authorization = authorization
    this.#desk = desk
  }

  payment(): Promise<Payment> {
    return this.#desk.payment(this.paymentId)
  }

  durable(): Promise<void> {
    return this.#desk.write(this.paymentId, (_, { tables }) => void tables.payments.get(this.paymentId))
  }

  record(authorization: Authorization): Promise<void> {
    return this.#durably('record', (tx, { transitions }) => transitions.sign(tx, this.paymentId, authorization))
  }

  sent(): void {
    this.#soon('aside', (tx, { transitions }) => transitions.markSent(tx, this.paymentId))
  }

  post(settlement: Settlement, decided?: () => void): Promise<void> {
    return this.#durably('post', (tx, { transitions }) => transitions.settle(tx, this.paymentId, settlement), decided)
  }

  void(proof: VoidProof): Promise<void> {
    return this.#durably('void', (tx, { transitions }) => transitions.void(tx, this.paymentId, proof))
  }

  leaveUnknown(reason: string, { denied }: { readonly denied: boolean } = { denied: true }): Promise<void> {
    return this.#durably('unknown', (tx, { transitions }) => transitions.leaveUnknown(tx, this.paymentId, { reason, denied }))
  }

  async delivered(delivery: Delivery): Promise<void> {
    let ended = false
    await this.#desk.ride(this.paymentId, (tx, { transitions }) => {
      ended = transitions.deliver(tx, this.paymentId, delivery)
    })
    this.#ended = ended
  }

  orphan(): void {
    this.#hold('orphan')
  }

  release(): void {
    if (!this.#ended) this.#hold('none')
  }

  #hold(holder: Holder): void {
    this.#soon('note', (tx, { transitions }) => transitions.hold(tx, this.paymentId, holder))
  }

  async #durably(operation: Operation, step: Step, decided?: () => void): Promise<void> {
    const { clock, events } = this.#desk
    const started = clock.monotonic()
    await this.#desk.write(this.paymentId, step, decided)
    events?.ledgerTook(operation, clock.monotonic() - started)
  }

  /** For notes that may be lost: after a crash the payment reads as unknown and the purchase as nobody's anyway. */
  #soon(how: 'note' | 'aside', step: Step): void {
    try {
      this.#desk[how](this.paymentId, step)
      passing('note taken')
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
