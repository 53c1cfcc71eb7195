/** Insight into the file. One process pays and looks over one file: a large span is read step by step, payments between. */
import type { DatabaseSync } from 'node:sqlite'
import { setImmediate as turn } from 'node:timers/promises'
import { MAX_SHOWN_LIMIT_USES } from '../../people-limits.ts'
import { IS_VOUCHER } from '../charges.ts'
import type { Activity, Dealt, InsightStore, Span } from '../insight.ts'
import { dealtAfter, nameOfDealt, pageOfDealt, readActivity, readDealt } from '../insight-row.ts'
import type { Page, PageRequest } from '../ledger.ts'
import { countedBy, type LimitUse, type LimitUseQuery, limitUses } from '../limit-use.ts'
import { limitOf } from '../paging.ts'
import { money, type Row, text } from '../rows.ts'
import type { PaymentTable, RollingTable } from '../tables.ts'
import type { Batch } from './batch.ts'

export interface SqliteInsightOptions {
  readonly db: DatabaseSync
  readonly batch: Pick<Batch, 'list' | 'read'>
  readonly rolling: Pick<RollingTable, 'sum'>
  readonly payments: Pick<PaymentTable, 'hasNonce'>
}

/** A millisecond or two, before others get their turn. */
const NONCES_AT_ONCE = 500

export class SqliteInsight implements InsightStore {
  readonly #batch: SqliteInsightOptions['batch']
  readonly #sql: ReturnType<typeof prepare>
  readonly #rolling: SqliteInsightOptions['rolling']
  readonly #payments: SqliteInsightOptions['payments']

  constructor({ db, batch, rolling, payments }: SqliteInsightOptions) {
    this.#batch = batch
    this.#sql = prepare(db)
    this.#rolling = rolling
    this.#payments = payments
  }

  async activity({ since, until, step_ms }: Span): Promise<readonly Activity[]> {
    const found: Activity[] = []
    for (let at = since; at < until; at += step_ms) {
      found.push(...this.#batch.list(() => this.#sql.activity.all(at, at + step_ms).map((row: Row) => readActivity(row, at))))
      await turn()
    }
    return found
  }

  async dealings(page: PageRequest): Promise<Page<Dealt>> {
    const [limit, after] = [limitOf(page), dealtAfter(page.cursor)]
    return pageOfDealt(
      this.#batch.list(() => this.#sql.dealings.all(after, limit + 1)),
      limit,
    )
  }

  async dealing(of: Pick<Dealt, 'origin' | 'network' | 'payTo'>): Promise<Dealt | undefined> {
    const row: Row | undefined = this.#batch.list(() => this.#sql.dealing.get(nameOfDealt(of)))
    return row && readDealt(row)
  }

  async limitUse(query: LimitUseQuery): Promise<readonly LimitUse[]> {
    const { buckets, windows } = countedBy(query)
    return this.#batch.list(() => {
      const rows = this.#sql.used.all(query.session.id, JSON.stringify(buckets), buckets.length + MAX_SHOWN_LIMIT_USES)
      const used = rows.map((row: Row) => [text(row, 'bucket'), money(row, 'amount')] as const)
      return limitUses(query, { buckets: new Map(used), sums: windows.map((window) => this.#rolling.sum(window)) })
    })
  }

  async usedNonces(nonces: readonly string[]): Promise<readonly string[]> {
    const used: string[] = []
    for (let at = 0; at < nonces.length; at += NONCES_AT_ONCE) {
      const some = nonces.slice(at, at + NONCES_AT_ONCE)
      used.push(...this.#batch.list(() => some.filter((nonce) => this.#payments.hasNonce(nonce))))
      await turn()
    }
    return used
  }
}

/** Sums are made of wholes and rests, because a sum of millionths may not fit into 64 bits; what was refused was priced by strangers; what a
 * voucher moved was told with its deposit. */
function prepare(db: DatabaseSync) {
  const moved = `iif(state = 'denied' OR amount IS NULL OR ${IS_VOUCHER}, 0, CAST(amount AS INTEGER))`
  const dealings = (condition: string) => `
    WITH met AS (
      SELECT origin || char(10) || network || char(10) || lower(pay_to) AS name, origin, network, pay_to, agent, last FROM dealings
      UNION ALL SELECT origin || char(10) || network || char(10) || lower(pay_to), origin, network, pay_to, NULL, NULL FROM pins),
    known AS (
      SELECT name, origin, network, max(pay_to) AS pay_to, count(DISTINCT agent) AS agents, max(last) AS last
      FROM met WHERE ${condition} GROUP BY name ORDER BY name)
    SELECT known.*, payments.id AS payment_id, pins.pay_to AS pinned, pins.at AS pinned_at, pins.uses AS uses
    FROM known LEFT JOIN payments ON payments.seq = known.last
      LEFT JOIN pins ON pins.origin = known.origin AND pins.network = known.network ORDER BY name`
  return {
    activity: db.prepare(`
      SELECT tier, state, code, currency, sum(count) AS payments, sum(${moved} / 1000000) AS whole, sum(${moved} % 1000000) AS rest
      FROM payments INDEXED BY payments_decided WHERE decided_at >= ? AND decided_at < ? GROUP BY tier, state, code, currency`),
    used: db.prepare(`
      SELECT bucket, amount FROM spending WHERE session_id = ?
      ORDER BY bucket IN (SELECT value FROM json_each(?)) DESC, amount DESC LIMIT ?`),
    dealings: db.prepare(`${dealings('name > ?')} LIMIT ?`),
    dealing: db.prepare(dealings('name = ?')),
  }
}
