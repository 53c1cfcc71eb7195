/** Holding a purchase while it is worked on: identical requests wait for us, or join once the requester has gone. */
import type { Reservation } from '../ledger/ledger.ts'
import type { Case } from './case.ts'

/** From the reservation on until the returned function is called, which may happen more than once. */
export function hold(matter: Case, reservation: Reservation): () => void {
  const { signal } = matter.request
  const end = matter.deps.inFlight.begin(reservation.purchaseId)
  const orphan = () => reservation.orphan()
  if (signal.aborted) orphan()
  signal.addEventListener('abort', orphan, { once: true })
  return () => {
    signal.removeEventListener('abort', orphan)
    reservation.release()
    end()
  }
}
