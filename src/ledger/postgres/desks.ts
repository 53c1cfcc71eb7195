/** Desks: what a reservation's handle works with. Each knows the place of its payment, so that a step needs no question. */
import type { Clock } from '../../clock.ts'
import type { Reservation } from '../ledger.ts'
import { voidUnsigned } from '../recovery.ts'
import { type Desk, ReservationHandle, type Reserved } from '../reservation.ts'
import type { Batch } from './batch.ts'
import { type Hands, type PaymentPlace, stepping, type Write } from './operations.ts'
import type { Records } from './records.ts'

export interface DesksOptions {
  readonly batch: Batch<Hands>
  readonly records: Records
  readonly clock: Clock
  readonly events: Desk['events']
}

export class Desks {
  readonly #options: DesksOptions

  constructor(options: DesksOptions) {
    this.#options = options
  }

  handle(place: PaymentPlace, reserved: Reserved): Reservation {
    const { batch, clock, events } = this.#options
    const write: Desk['write'] = (_, step) => batch.write(stepping(place, ({ tx, rules }) => step(tx, rules)))
    const note: Desk['note'] = (id, step) =>
      batch.note(
        stepping(place, ({ tx, rules }) => step(tx, rules), 0),
        id,
      )
    return new ReservationHandle(
      {
        clock,
        events,
        payment: () => this.#payment(place.paymentId),
        ...{ write, ride: write },
        ...{ note, aside: note },
      },
      reserved,
    )
  }

  async #payment(id: string) {
    const { batch, records } = this.#options
    await batch.quiet(id)
    const record = await records.payment(id)
    if (!record) throw new Error(`payment ${id} has no row`)
    return record.payment
  }
}

/** A reservation that turned out to be written after whoever asked was told that nobody knows. */
export function releasing(place: PaymentPlace): Write<void> {
  const reason = 'The reservation was not known to be written, and nothing was signed for it.'
  return stepping(place, ({ tx, rules }) => voidUnsigned(tx, place.paymentId, { transitions: rules.transitions, reason }))
}
