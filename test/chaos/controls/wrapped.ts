/** A ledger with some of its methods replaced; the others are its own. */
import type { Ledger, Reservation } from '../../../src/ledger/ledger.ts'

export function wrapped(ledger: Ledger, changes: Partial<Ledger>): Ledger {
  return replaced(ledger, changes)
}

/** The same ledger, every handle of which is changed before anybody has it. */
export function withHandles(ledger: Ledger, change: (reservation: Reservation) => Partial<Reservation>): Ledger {
  const handle = (reservation: Reservation) => replaced(reservation, change(reservation))
  return wrapped(ledger, {
    resume: async (purchase) => {
      const found = await ledger.resume(purchase)
      return found.kind === 'repeat' ? { ...found, reservation: handle(found.reservation) } : found
    },
    reserve: async (request) => {
      const made = await ledger.reserve(request)
      return made.kind === 'reserved' ? { ...made, reservation: handle(made.reservation) } : made
    },
  })
}

/** Methods keep their own `this`: what has private parts works on itself only. */
function replaced<T extends object>(target: T, changes: Partial<T>): T {
  return new Proxy(target, {
    get: (_, name) => {
      const value: unknown = Reflect.get(name in changes ? changes : target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
