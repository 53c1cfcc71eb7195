/** Records: single sessions and payments, and what is known of an agent's past, as they are committed now. */
import type { Clock } from '../../clock.ts'
import { refused } from '../../errors.ts'
import { PRICE_SAMPLES } from '../../limits.ts'
import { DRIFT_START_PAYMENTS } from '../../people-limits.ts'
import type { Conduct, History, PastPrices } from '../../session/history.ts'
import { type Session, stateOf } from '../../session/session.ts'
import type { AdminKey } from '../administration.ts'
import type { HistoryQuery, PurchaseIdentity, Totals } from '../ledger.ts'
import { type PaymentRecord, readDealing, readRecord } from '../payment-row.ts'
import { priceKeyOf } from '../price-key.ts'
import { refilled } from '../refill.ts'
import { int, money, text } from '../rows.ts'
import { countedWith } from '../series.ts'
import { readSession } from '../session-row.ts'
import { equal } from './lists.ts'
import type { Reading } from './reading.ts'
import type { Terms } from './sessions.ts'
import type { Filter, Row } from './store.ts'

export interface RecordsOptions {
  readonly reading: Reading
  readonly terms: Terms
  readonly clock: Clock
}

const ONE = 1_000_000n

export class Records {
  readonly #options: RecordsOptions

  constructor(options: RecordsOptions) {
    this.#options = options
  }

  /** As it is in the ledger; refills that are due meanwhile are not added yet. */
  async session(column: 'id' | 'name' | 'token_hash', value: string): Promise<Session | undefined> {
    const [row] = await this.#options.reading.select({ table: 'sessions', where: equal(column, value) })
    return row && readSession(row, this.#options.terms.of(row))
  }

  /** @throws PurserError `conflict` where the key was used for another request. */
  async openedWith({ key, digest }: AdminKey): Promise<Session | undefined> {
    const [row] = await this.#options.reading.select({ table: 'admin_keys', where: equal('key', key) })
    if (!row) return undefined
    if (text(row, 'digest') !== digest || text(row, 'operation') !== 'open') {
      throw refused('conflict', 'This Idempotency-Key was used for another request; use a fresh one.')
    }
    return this.session('id', text(row, 'session_id'))
  }

  async payment(id: string): Promise<PaymentRecord | undefined> {
    const [row] = await this.#options.reading.select({ table: 'payments', where: equal('id', id) })
    return row && readRecord(row)
  }

  /**
   * True where something may be open for this identity; says so without a lock. Both digests name their session: with the
   * session's own condition, a plan may read all that it ever paid.
   */
  async mayBeOpen({ fingerprint, keyDigest }: PurchaseIdentity): Promise<boolean> {
    const named: Filter[] =
      keyDigest === null
        ? [...equal('fingerprint', fingerprint), { columns: ['key_digest'], is: 'absent', values: [] }]
        : equal('key_digest', keyDigest)
    const open: Filter = { columns: ['purchase_open'], is: '=', values: [1n] }
    const rows = await this.#options.reading.select({ table: 'payments', where: [...named, open], limit: 1 })
    return rows.length > 0
  }

  /** Payments of this task that are settled or may be. */
  countInTask(sessionId: string, task: string): Promise<number> {
    const bought: Filter = { columns: ['state'], is: '=', values: ['signed', 'sent', 'unknown', 'settled', 'expired'] }
    return this.#options.reading.count({ table: 'payments', where: [...equal('session_id', sessionId), ...equal('task', task), bought] })
  }

  async history(query: HistoryQuery): Promise<History> {
    const { agent, origin, network, payTo, tiers, price, conduct } = query
    const { reading, clock } = this.#options
    const now = clock.now()
    const dealings = [...equal('agent', agent), ...equal('origin', origin)]
    const [known, last, pins, frequencies, prices, made] = await Promise.all([
      reading.select({ table: 'dealings', where: [...dealings, { columns: ['pay_to'], is: 'like', values: [payTo] }], limit: 1 }),
      reading.select({
        table: 'dealings',
        where: [...dealings, ...equal('network', network)],
        order: { by: ['last'], falling: true },
        limit: 1,
      }),
      reading.select({ table: 'pins', where: [...equal('origin', origin), ...equal('network', network)] }),
      reading.windows(tiers.map((bound) => ({ series: countedWith(query, bound), after: now - bound.per_ms }))),
      price && reading.prices({ key: priceKeyOf({ agent, origin, ...price }), after: now - price.over_ms, samples: PRICE_SAMPLES }),
      conduct && reading.conduct({ sessionId: query.sessionId, limit: DRIFT_START_PAYMENTS }),
    ])
    const frequency = tiers.map(({ tier }, index) => {
      const { sum = 0n, oldest = null } = frequencies[index] ?? {}
      return [tier, { count: Number(sum), oldestAt: oldest ?? undefined }] as const
    })
    return {
      known: known.length > 0,
      lastPayTo: payToIn(last[0]),
      pinnedPayTo: payToIn(pins[0]),
      frequency: Object.fromEntries(frequency),
      ...(prices && { prices: pricesIn(prices) }),
      ...(made && { conduct: conductIn(made) }),
    }
  }

  async totals(): Promise<Totals> {
    const { reading, clock } = this.#options
    const now = clock.now()
    const [exposure, states, disputes, unresolved, refilling] = await Promise.all([
      reading.exposure(),
      reading.states(now),
      reading.count({ table: 'payments', where: [{ columns: ['dispute'], is: 'present', values: [] }] }),
      reading.count({ table: 'payments', where: equal('state', 'unknown') }),
      reading.select({ table: 'sessions', where: spentRefills(now) }),
    ])
    const sessions = new Map(states.map((row) => [text(row, 'state'), int(row, 'sessions')]))
    for (const row of refilling) {
      if (stateOf(refilled(readSession(row, this.#options.terms.of(row)), now), now) === 'exhausted') continue
      sessions.set('exhausted', (sessions.get('exhausted') ?? 0) - 1)
      sessions.set('open', (sessions.get('open') ?? 0) + 1)
    }
    if (sessions.get('exhausted') === 0) sessions.delete('exhausted')
    const held = exposure.map((row) => [text(row, 'currency'), money(row, 'whole') * ONE + money(row, 'rest')] as const)
    return { exposure: Object.fromEntries(held), sessions: Object.fromEntries(sessions), disputes, unresolved }
  }
}

function conductIn(rows: readonly Row[]): Conduct {
  const of = (end: bigint) => rows.filter((row) => money(row, 'earliest') === end).map(readDealing)
  return { latest: of(0n), first: of(1n) }
}

function pricesIn(rows: readonly Row[]): PastPrices {
  const of = (end: bigint) => rows.filter((row) => money(row, 'earliest') === end).map((row) => BigInt(text(row, 'amount')))
  return { latest: of(0n), earliest: of(1n) }
}

/** Budgets that are exhausted unless a refill is due. */
function spentRefills(now: number): Filter[] {
  return [
    { columns: ['exhausted'], is: '=', values: [1n] },
    ...equal('status', 'open'),
    { columns: ['expires_at'], is: '>', values: [now] },
    { columns: ['refill'], is: 'present', values: [] },
  ]
}

function payToIn(row: Row | undefined): string | undefined {
  return row && text(row, 'pay_to')
}
