/** Holding a purchase while it is worked on: identical requests wait for us, or join once the requester has gone. */
import type { Reservation } from '../ledger/ledger.ts'
import type { Case } from './case.ts'
import type { Running } from './in-flight.ts'

export interface Held {
  readonly reservation: Reservation
  readonly running: Running
}

/** Each may be called more than once. */
export interface Hold {
  /** The requester waits no longer, and the attempt goes on: an identical request joins it. */
  leave(): void
  /** As `leave`, for an attempt that goes on for long: an identical request does not wait for it, but finds its window. */
  stepAside(): void
  /** The attempt is over. */
  release(): void
}

/** From the reservation on until it is released. */
export function hold(matter: Case, { reservation, running }: Held): Hold {
  const { signal } = matter.request
  let stage: 'waited for' | 'left' | 'released' = 'waited for'
  const leave = () => {
    if (stage !== 'waited for') return
    stage = 'left'
    running.leave()
    reservation.orphan()
  }
  if (signal.aborted) leave()
  signal.addEventListener('abort', leave, { once: true })
  return {
    leave,
    stepAside() {
      leave()
      if (stage === 'left') running.stepAside()
    },
    release() {
      // Whoever took the purchase over meanwhile keeps it.
      if (stage === 'released') return
      stage = 'released'
      signal.removeEventListener('abort', leave)
      reservation.release()
      running.end()
    },
  }
}
