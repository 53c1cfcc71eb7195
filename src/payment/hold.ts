/** Holding a purchase while it is worked on: identical requests wait for us, or join once the requester has gone. */
import type { Reservation } from '../ledger/ledger.ts'
import type { Case } from './case.ts'

export interface Held {
  readonly reservation: Reservation
  /** Wakes those who wait for this attempt. */
  readonly end: () => void
}

/** From the reservation on until the returned function is called, which may happen more than once. */
export function hold(matter: Case, { reservation, end }: Held): () => void {
  const { signal } = matter.request
  const orphan = () => reservation.orphan()
  if (signal.aborted) orphan()
  signal.addEventListener('abort', orphan, { once: true })
  let held = true
  return () => {
    // Whoever took the purchase over meanwhile keeps it.
    if (!held) return
    held = false
    signal.removeEventListener('abort', orphan)
    reservation.release()
    end()
  }
}
