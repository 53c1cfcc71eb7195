/** Events that others in this process can listen to, beside what counts and writes them. Nobody who listens can disturb what happened. */
import { MAX_EARLY_EVENTS } from '../people-limits.ts'
import type { Events } from './events.ts'

/** What can be listened to. */
export type Listener = Pick<
  Events,
  'thresholdReached' | 'paymentEntered' | 'exchangeEnded' | 'priceDrifted' | 'circuitTurned' | 'approvalUndelivered'
>

export interface Audible {
  readonly events: Events
  /** From now on, and what happened before anybody listened. @returns the way out */
  listen(listener: Listener): () => void
}

export function audible(events: Events): Audible {
  const listeners = new Set<Listener>()
  const early: ((listener: Listener) => void)[] = []
  let wasHeard = false
  const told = (listener: Listener, tell: (listener: Listener) => void) => {
    try {
      tell(listener)
    } catch (cause) {
      events.faulted('telling what happened', cause)
    }
  }
  const tell = (one: (listener: Listener) => void) => {
    if (!wasHeard && early.length < MAX_EARLY_EVENTS) early.push(one)
    for (const listener of listeners) told(listener, one)
  }
  const heard = <Event>(own: (event: Event) => void, other: (listener: Listener, event: Event) => void) => {
    return (event: Event) => {
      own(event)
      tell((listener) => other(listener, event))
    }
  }
  return {
    events: {
      ...events,
      thresholdReached: heard(events.thresholdReached, (listener, event) => listener.thresholdReached(event)),
      paymentEntered: heard(events.paymentEntered, (listener, event) => listener.paymentEntered(event)),
      exchangeEnded: heard(events.exchangeEnded, (listener, event) => listener.exchangeEnded(event)),
      priceDrifted: heard(events.priceDrifted, (listener, event) => listener.priceDrifted(event)),
      circuitTurned: heard(events.circuitTurned, (listener, event) => listener.circuitTurned(event)),
      approvalUndelivered: heard(events.approvalUndelivered, (listener, event) => listener.approvalUndelivered(event)),
    },
    listen(listener) {
      listeners.add(listener)
      wasHeard = true
      for (const one of early.splice(0)) told(listener, one)
      return () => listeners.delete(listener)
    },
  }
}
