/** What is remembered of an agent's dealings: whom it paid and got served by, who is pinned, how often and how much it pays. */
import type { FrequencyBound, History } from '../../session/history.ts'
import type { HistoryQuery, Payment } from '../ledger.ts'
import type { PaymentRecord } from '../payment-row.ts'
import { priceKeyOf } from '../price-key.ts'
import { countedWith, type Parties } from '../series.ts'
import type { MemoryTable, RollingTable, Transaction } from '../tables.ts'
import type { Conducts } from './conducts.ts'
import type { Dealings } from './dealings.ts'
import type { Pins } from './pins.ts'
import type { Prices } from './prices.ts'

export interface MemoryOptions {
  readonly rolling: RollingTable
  readonly conducts: Conducts
  readonly dealings: Dealings
  readonly pins: Pins
  readonly prices: Prices
}

export class Memory implements MemoryTable {
  readonly #options: MemoryOptions

  constructor(options: MemoryOptions) {
    this.#options = options
  }

  /** @returns undefined where payments that are pending have to be in the file first. */
  atHand(query: HistoryQuery, now: number): History | undefined {
    const { conducts, prices } = this.#options
    const asked = askedFor(query, now)
    const known = (!query.conduct || conducts.knows(query.sessionId)) && (!asked || prices.knows(asked.key, asked.after))
    return known ? this.#history(query, asked, now) : undefined
  }

  history(query: HistoryQuery, now: number): History {
    return this.#history(query, askedFor(query, now), now)
  }

  frequency(parties: Parties, bound: FrequencyBound, now: number): History['frequency'][string] {
    const { rolling } = this.#options
    const window = { series: countedWith(parties, bound), after: now - bound.per_ms }
    return { count: Number(rolling.sum(window)), oldestAt: rolling.oldest(window) }
  }

  pinned(origin: string, network: string): string | undefined {
    return this.#options.pins.payTo({ origin, network })
  }

  pin(
    tx: Transaction,
    { origin, terms: { network, payTo } }: Pick<Payment, 'origin'> & { readonly terms: NonNullable<Payment['terms']> },
  ): void {
    this.#options.pins.use({ origin, network, payTo, at: tx.now })
  }

  unpin(_tx: Transaction, { origin, terms }: Pick<Payment, 'origin' | 'terms'>): void {
    if (terms) this.#options.pins.release({ origin, network: terms.network }, terms.payTo)
  }

  remember(_tx: Transaction, { payment, seq }: PaymentRecord): void {
    const { agent, origin, terms } = payment
    if (terms) this.#options.dealings.remember({ agent, origin, network: terms.network, payTo: terms.payTo, last: seq })
  }

  forget(_tx: Transaction, { payment, seq }: PaymentRecord): void {
    const { agent, origin, terms } = payment
    if (terms) this.#options.dealings.forget({ agent, origin, network: terms.network, payTo: terms.payTo, last: seq })
  }

  #history(query: HistoryQuery, asked: Asked | undefined, now: number): History {
    const { conducts, dealings, pins, prices } = this.#options
    const { payTo, tiers, conduct, sessionId } = query
    return {
      known: dealings.has(query, payTo),
      lastPayTo: dealings.lastPayTo(query),
      pinnedPayTo: pins.payTo(query),
      frequency: Object.fromEntries(tiers.map((bound) => [bound.tier, this.frequency(query, bound, now)])),
      ...(asked && { prices: prices.of(asked.key, asked.after) }),
      ...(conduct && { conduct: conducts.of(sessionId) }),
    }
  }
}

interface Asked {
  readonly key: string
  readonly after: number
}

/** Which past prices. */
function askedFor({ agent, origin, price }: HistoryQuery, now: number): Asked | undefined {
  return price && { key: priceKeyOf({ agent, origin, ...price }), after: now - price.over_ms }
}
