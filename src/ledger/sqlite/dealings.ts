/** Dealings: whom an agent paid and got served by. Of each origin the latest is in memory: most agents pay the same again. */

import type { DatabaseSync } from 'node:sqlite'
import { uniformAddress } from '../../address.ts'
import { money, text } from '../rows.ts'
import { KeptRows } from './kept-rows.ts'
import type { Pending } from './pending.ts'

/** Where an agent deals. */
export interface Stall {
  readonly agent: string
  readonly origin: string
  readonly network: string
}

interface Dealt extends Stall {
  readonly payTo: string
  /** The place of the payment. */
  readonly last: bigint
}

export class Dealings {
  readonly #sql: ReturnType<typeof prepare>
  readonly #latest: KeptRows<Stall, Dealt>

  constructor(db: DatabaseSync, pending: Pending) {
    const sql = prepare(db)
    this.#sql = sql
    this.#latest = new KeptRows({
      pending,
      // No origin and no network has a line break.
      nameOf: ({ agent, origin, network }) => `${origin}\n${network}\n${agent}`,
      read: ({ agent, origin, network }) => {
        const row = sql.latest.get(agent, origin, network)
        return row && { agent, origin, network, payTo: text(row, 'pay_to'), last: money(row, 'last') }
      },
      put: (dealt) => putInto(sql, dealt),
    })
  }

  /** The recipient of the last one. */
  lastPayTo(stall: Stall): string | undefined {
    return this.#latest.get(stall)?.payTo
  }

  /** True where it was ever dealt with this recipient there, on whatever network. */
  has(stall: Stall, payTo: string): boolean {
    const latest = this.#latest.get(stall)
    if (latest && isWith(latest, payTo)) return true
    for (const dealt of this.#latest.unwritten()) {
      if (dealt.agent === stall.agent && dealt.origin === stall.origin && isWith(dealt, payTo)) return true
    }
    return this.#sql.any.get(stall.agent, stall.origin, payTo) !== undefined
  }

  remember(dealt: Dealt): void {
    const latest = this.#latest.get(dealt)
    if (latest && isWith(latest, dealt.payTo)) {
      if (dealt.last > latest.last) this.#latest.set({ ...latest, last: dealt.last })
    } else this.#latest.past(dealt, () => putInto(this.#sql, dealt))
  }

  /** What rests on a later payment stays. */
  forget(dealt: Dealt): void {
    const { agent, origin, network, payTo, last } = dealt
    this.#latest.past(dealt, () => this.#sql.forget.run(agent, origin, network, payTo, last))
  }
}

function isWith(dealt: Dealt, payTo: string): boolean {
  return uniformAddress(dealt.payTo) === uniformAddress(payTo)
}

function putInto(sql: ReturnType<typeof prepare>, { agent, origin, network, payTo, last }: Dealt): void {
  sql.put.run(agent, origin, network, payTo, last)
}

function prepare(db: DatabaseSync) {
  return {
    any: db.prepare('SELECT 1 FROM dealings WHERE agent = ? AND origin = ? AND pay_to = ? LIMIT 1'),
    latest: db.prepare('SELECT pay_to, last FROM dealings WHERE agent = ? AND origin = ? AND network = ? ORDER BY last DESC LIMIT 1'),
    put: db.prepare(`
      INSERT INTO dealings (agent, origin, network, pay_to, last) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (agent, origin, network, pay_to) DO UPDATE SET last = max(last, excluded.last)`),
    forget: db.prepare('DELETE FROM dealings WHERE agent = ? AND origin = ? AND network = ? AND pay_to = ? AND last = ?'),
  }
}
