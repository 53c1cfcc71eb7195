/** Pins: the recipient that an origin was first paid at, on each network, and how many payments rest on it. */

import type { DatabaseSync } from 'node:sqlite'
import { uniformAddress } from '../../address.ts'
import { int, type Row, text } from '../rows.ts'
import { KeptRows } from './kept-rows.ts'
import type { Pending } from './pending.ts'

export interface Place {
  readonly origin: string
  readonly network: string
}

interface Pin extends Place {
  readonly payTo: string
  /** Milliseconds since 1970. */
  readonly at: number
  /** A pin that nothing rests on is none. */
  readonly uses: number
}

export class Pins {
  readonly #rows: KeptRows<Place, Pin>

  constructor(db: DatabaseSync, pending: Pending) {
    const sql = prepare(db)
    this.#rows = new KeptRows({
      pending,
      // Neither has a line break.
      nameOf: ({ origin, network }) => `${origin}\n${network}`,
      read: ({ origin, network }) => readPin(sql.find.get(origin, network)),
      put: ({ origin, network, payTo, at, uses }) => {
        if (uses === 0) sql.drop.run(origin, network)
        else sql.put.run(origin, network, payTo, at, uses)
      },
    })
  }

  payTo(place: Place): string | undefined {
    return this.#find(place)?.payTo
  }

  /** Pins the recipient, or counts one more payment on the pin that is there; another recipient's pin stays as it is. */
  use(pin: Omit<Pin, 'uses'>): void {
    const before = this.#find(pin)
    if (!before) this.#rows.set({ ...pin, uses: 1 })
    else if (isOf(before, pin.payTo)) this.#rows.set({ ...before, uses: before.uses + 1 })
  }

  /** One payment less; a pin that rests on no other goes with it. */
  release(place: Place, payTo: string): void {
    const before = this.#find(place)
    if (before && isOf(before, payTo)) this.#rows.set({ ...before, uses: before.uses - 1 })
  }

  #find(place: Place): Pin | undefined {
    const pin = this.#rows.get(place)
    return pin && pin.uses > 0 ? pin : undefined
  }
}

function isOf(pin: Pin, payTo: string): boolean {
  return uniformAddress(pin.payTo) === uniformAddress(payTo)
}

function readPin(row: Row | undefined): Pin | undefined {
  if (!row) return undefined
  const place = { origin: text(row, 'origin'), network: text(row, 'network') }
  return { ...place, payTo: text(row, 'pay_to'), at: int(row, 'at'), uses: int(row, 'uses') }
}

function prepare(db: DatabaseSync) {
  return {
    find: db.prepare('SELECT origin, network, pay_to, at, uses FROM pins WHERE origin = ? AND network = ?'),
    put: db.prepare(`
      INSERT INTO pins (origin, network, pay_to, at, uses) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (origin, network) DO UPDATE SET pay_to = excluded.pay_to, at = excluded.at, uses = excluded.uses`),
    drop: db.prepare('DELETE FROM pins WHERE origin = ? AND network = ?'),
  }
}
