/** What is remembered of an agent's dealings: whom it paid and got served by, who is pinned, how often it pays. */
import type { DatabaseSync } from 'node:sqlite'
import { PRICE_SAMPLES } from '../../limits.ts'
import { DRIFT_START_PAYMENTS } from '../../people-limits.ts'
import type { Conduct, FrequencyBound, History, PastPrices } from '../../session/history.ts'
import type { HistoryQuery, Payment } from '../ledger.ts'
import { type PaymentRecord, readDealing } from '../payment-row.ts'
import { type PricedKind, priceKeyOf } from '../price-key.ts'
import { type Row, text } from '../rows.ts'
import { countedWith, type Parties } from '../series.ts'
import type { MemoryTable, RollingTable, Transaction } from '../tables.ts'

export class Memory implements MemoryTable {
  readonly #sql: ReturnType<typeof prepare>
  readonly #rolling: RollingTable

  constructor(db: DatabaseSync, rolling: RollingTable) {
    this.#sql = prepare(db)
    this.#rolling = rolling
  }

  history(query: HistoryQuery, now: number): History {
    const { agent, origin, network, payTo, tiers, price, conduct } = query
    const last: Row | undefined = this.#sql.lastDealing.get(agent, origin, network)
    return {
      known: this.#sql.dealing.get(agent, origin, payTo) !== undefined,
      lastPayTo: last && text(last, 'pay_to'),
      pinnedPayTo: this.pinned(origin, network),
      frequency: Object.fromEntries(tiers.map((bound) => [bound.tier, this.frequency(query, bound, now)])),
      ...(price && { prices: this.#prices({ agent, origin, ...price }, now - price.over_ms) }),
      ...(conduct && { conduct: this.#conduct(query.sessionId) }),
    }
  }

  frequency(parties: Parties, bound: FrequencyBound, now: number): History['frequency'][string] {
    const window = { series: countedWith(parties, bound), after: now - bound.per_ms }
    return { count: Number(this.#rolling.sum(window)), oldestAt: this.#rolling.oldest(window) }
  }

  #prices(kind: PricedKind, after: number): PastPrices {
    const key = priceKeyOf(kind)
    const paid = (row: Row) => BigInt(text(row, 'amount'))
    return {
      latest: this.#sql.latestPrices.all(key, after, PRICE_SAMPLES).map(paid),
      earliest: this.#sql.earliestPrices.all(key, after, PRICE_SAMPLES).map(paid),
    }
  }

  #conduct(sessionId: string): Conduct {
    return {
      first: this.#sql.firstDealings.all(sessionId, DRIFT_START_PAYMENTS).map(readDealing),
      latest: this.#sql.latestDealings.all(sessionId, DRIFT_START_PAYMENTS).map(readDealing),
    }
  }

  pinned(origin: string, network: string): string | undefined {
    const row: Row | undefined = this.#sql.pinned.get(origin, network)
    return row && text(row, 'pay_to')
  }

  pin(tx: Transaction, { origin, terms }: Pick<Payment, 'origin'> & { readonly terms: NonNullable<Payment['terms']> }): void {
    this.#sql.pin.run(origin, terms.network, terms.payTo, tx.now)
  }

  unpin(_tx: Transaction, { origin, terms }: Pick<Payment, 'origin' | 'terms'>): void {
    if (!terms) return
    this.#sql.release.run(origin, terms.network, terms.payTo)
    this.#sql.unpin.run(origin, terms.network)
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

const PRICES = "SELECT amount FROM payments WHERE price_key = ? AND state = 'settled' AND reserved_at > ? ORDER BY reserved_at"

const MADE =
  "SELECT host, categories, reserved_at FROM payments WHERE session_id = ? AND reserved_at IS NOT NULL AND state <> 'void' ORDER BY reserved_at"

function prepare(db: DatabaseSync) {
  return {
    latestPrices: db.prepare(`${PRICES} DESC LIMIT ?`),
    earliestPrices: db.prepare(`${PRICES} LIMIT ?`),
    firstDealings: db.prepare(`${MADE} LIMIT ?`),
    latestDealings: db.prepare(`${MADE} DESC LIMIT ?`),
    dealing: db.prepare('SELECT 1 FROM dealings WHERE agent = ? AND origin = ? AND pay_to = ? LIMIT 1'),
    lastDealing: db.prepare('SELECT pay_to FROM dealings WHERE agent = ? AND origin = ? AND network = ? ORDER BY last DESC LIMIT 1'),
    pinned: db.prepare('SELECT pay_to FROM pins WHERE origin = ? AND network = ?'),
    pin: db.prepare(`
      INSERT INTO pins (origin, network, pay_to, at, uses) VALUES (?, ?, ?, ?, 1)
      ON CONFLICT (origin, network) DO UPDATE SET uses = uses + 1 WHERE lower(pay_to) = lower(excluded.pay_to)`),
    release: db.prepare(`
      UPDATE pins SET uses = uses - 1 WHERE origin = ? AND network = ? AND lower(pay_to) = lower(?) AND uses > 0`),
    unpin: db.prepare('DELETE FROM pins WHERE origin = ? AND network = ? AND uses = 0'),
    remember: db.prepare(`
      INSERT INTO dealings (agent, origin, network, pay_to, last) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (agent, origin, network, pay_to) DO UPDATE SET last = max(last, excluded.last)`),
    forget: db.prepare('DELETE FROM dealings WHERE agent = ? AND origin = ? AND network = ? AND pay_to = ? AND last = ?'),
  }
}
