/** What is remembered of an agent's dealings, in the working set: whom it paid and got served by, who is pinned. */
import { uniformAddress } from '../../address.ts'
import type { FrequencyBound, History } from '../../session/history.ts'
import type { Payment } from '../ledger.ts'
import type { PaymentRecord } from '../payment-row.ts'
import { money, type Row, text } from '../rows.ts'
import { countedWith, type Parties } from '../series.ts'
import type { MemoryTable, RollingTable, Transaction } from '../tables.ts'
import type { WorkingSet } from './working-set.ts'

export class Memory implements MemoryTable {
  readonly #set: WorkingSet
  readonly #rolling: RollingTable

  constructor(set: WorkingSet, rolling: RollingTable) {
    this.#set = set
    this.#rolling = rolling
  }

  frequency(parties: Parties, bound: FrequencyBound, now: number): History['frequency'][string] {
    const window = { series: countedWith(parties, bound), after: now - bound.per_ms }
    return { count: Number(this.#rolling.sum(window)), oldestAt: this.#rolling.oldest(window) }
  }

  pinned(origin: string, network: string): string | undefined {
    const row = this.#set.row('pin', origin, network)
    return row && text(row, 'pay_to')
  }

  pin(tx: Transaction, { origin, terms }: Pick<Payment, 'origin'> & { readonly terms: NonNullable<Payment['terms']> }): void {
    const row = this.#set.row('pin', origin, terms.network)
    if (!row) this.#set.insert('pins', { origin, network: terms.network, pay_to: terms.payTo, at: tx.now, uses: 1n })
    else if (sameRecipient(row, terms.payTo)) this.#set.update('pins', row, { uses: money(row, 'uses') + 1n })
  }

  unpin(_tx: Transaction, { origin, terms }: Pick<Payment, 'origin' | 'terms'>): void {
    if (!terms) return
    const row = this.#set.row('pin', origin, terms.network)
    if (!row || !sameRecipient(row, terms.payTo)) return
    const uses = money(row, 'uses') - 1n
    if (uses > 0n) this.#set.update('pins', row, { uses })
    else this.#set.remove('pins', row)
  }

  remember(_tx: Transaction, { payment, seq }: PaymentRecord): void {
    const key = dealingOf(payment)
    if (!key) return
    const row = this.#set.row('dealing', ...key)
    if (!row) {
      const [agent, origin, network, pay_to] = key
      this.#set.insert('dealings', { agent, origin, network, pay_to, last: seq })
    } else if (money(row, 'last') < seq) this.#set.update('dealings', row, { last: seq })
  }

  forget(_tx: Transaction, { payment, seq }: PaymentRecord): void {
    const key = dealingOf(payment)
    const row = key && this.#set.row('dealing', ...key)
    if (row && money(row, 'last') === seq) this.#set.remove('dealings', row)
  }
}

/** Agent, origin, network and recipient, by which a dealing is known. */
export function dealingOf({
  agent,
  origin,
  terms,
}: Pick<Payment, 'agent' | 'origin' | 'terms'>): readonly [string, string, string, string] | undefined {
  return terms ? [agent, origin, terms.network, terms.payTo] : undefined
}

function sameRecipient(row: Row, payTo: string): boolean {
  return uniformAddress(text(row, 'pay_to')) === uniformAddress(payTo)
}
