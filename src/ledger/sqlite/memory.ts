/** What is remembered of an agent's dealings: whom it paid and got served by, who is pinned, how often it pays. */
import type { DatabaseSync } from 'node:sqlite'
import type { FrequencyBound, History } from '../../session/history.ts'
import type { HistoryQuery, Payment } from '../ledger.ts'
import type { PaymentRecord } from '../payment-row.ts'
import { type Row, text } from '../rows.ts'
import { usesOf } from '../series.ts'
import type { MemoryTable, RollingTable, Transaction } from '../tables.ts'

export class Memory implements MemoryTable {
  readonly #sql: ReturnType<typeof prepare>
  readonly #rolling: RollingTable

  constructor(db: DatabaseSync, rolling: RollingTable) {
    this.#sql = prepare(db)
    this.#rolling = rolling
  }

  history(query: HistoryQuery, now: number): History {
    const { agent, origin, host, network, payTo, tiers } = query
    const last: Row | undefined = this.#sql.lastDealing.get(agent, origin, network)
    return {
      known: this.#sql.dealing.get(agent, origin, payTo) !== undefined,
      lastPayTo: last && text(last, 'pay_to'),
      pinnedPayTo: this.pinned(host, network),
      frequency: Object.fromEntries(tiers.map((bound) => [bound.tier, this.frequency(agent, bound, now)])),
    }
  }

  frequency(agent: string, { tier, per_ms }: FrequencyBound, now: number): History['frequency'][string] {
    const window = { series: usesOf(agent, tier), after: now - per_ms }
    return { count: Number(this.#rolling.sum(window)), oldestAt: this.#rolling.oldest(window) }
  }

  pinned(host: string, network: string): string | undefined {
    const row: Row | undefined = this.#sql.pinned.get(host, network)
    return row && text(row, 'pay_to')
  }

  pin(tx: Transaction, { host, terms }: Pick<Payment, 'host'> & { readonly terms: NonNullable<Payment['terms']> }): void {
    this.#sql.pin.run(host, terms.network, terms.payTo, tx.now)
  }

  unpin(_tx: Transaction, { host, terms }: Pick<Payment, 'host' | 'terms'>): void {
    if (!terms) return
    this.#sql.release.run(host, terms.network, terms.payTo)
    this.#sql.unpin.run(host, terms.network)
  }

  remember(_tx: Transaction, { payment, seq }: PaymentRecord): void {
    const { agent, origin, terms } = payment
    if (terms) this.#sql.remember.run(agent, origin, terms.network, terms.payTo, seq)
  }

  forget(_tx: Transaction, { payment, seq }: PaymentRecord): void {
    const { agent, origin, terms } = payment
    if (terms) this.#sql.forget.run(agent, origin, terms.network, terms.payTo, seq)
  }
}

function prepare(db: DatabaseSync) {
  return {
    dealing: db.prepare('SELECT 1 FROM dealings WHERE agent = ? AND origin = ? AND pay_to = ? LIMIT 1'),
    lastDealing: db.prepare('SELECT pay_to FROM dealings WHERE agent = ? AND origin = ? AND network = ? ORDER BY last DESC LIMIT 1'),
    pinned: db.prepare('SELECT pay_to FROM pins WHERE host = ? AND network = ?'),
    pin: db.prepare(`
      INSERT INTO pins (host, network, pay_to, at, uses) VALUES (?, ?, ?, ?, 1)
      ON CONFLICT (host, network) DO UPDATE SET uses = uses + 1 WHERE lower(pay_to) = lower(excluded.pay_to)`),
    release: db.prepare(`
      UPDATE pins SET uses = uses - 1 WHERE host = ? AND network = ? AND lower(pay_to) = lower(?) AND uses > 0`),
    unpin: db.prepare('DELETE FROM pins WHERE host = ? AND network = ? AND uses = 0'),
    remember: db.prepare(`
      INSERT INTO dealings (agent, origin, network, pay_to, last) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (agent, origin, network, pay_to) DO UPDATE SET last = max(last, excluded.last)`),
    forget: db.prepare('DELETE FROM dealings WHERE agent = ? AND origin = ? AND network = ? AND pay_to = ? AND last = ?'),
  }
}
