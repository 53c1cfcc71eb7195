/** Insight into the shared ledger: a large span is one statement, on a connection for reading. */
import { MAX_SHOWN_LIMIT_USES } from '../../people-limits.ts'
import type { Activity, Dealt, InsightStore, Span } from '../insight.ts'
import { dealtAfter, nameOfDealt, pageOfDealt, readActivity, readDealt } from '../insight-row.ts'
import type { Page, PageRequest } from '../ledger.ts'
import { countedBy, type LimitUse, type LimitUseQuery, limitUses } from '../limit-use.ts'
import { limitOf } from '../paging.ts'
import { int, money, type Row, text } from '../rows.ts'
import type { Reading } from './reading.ts'
import type { Filter } from './store.ts'

/** One look-up in an index each. */
const NONCES_AT_ONCE = 1_000

export class PostgresInsight implements InsightStore {
  readonly #reading: Reading

  constructor(reading: Reading) {
    this.#reading = reading
  }

  async activity(span: Span): Promise<readonly Activity[]> {
    const rows = await this.#reading.activity(span)
    return rows.map((row) => readActivity(row, int(row, 'at')))
  }

  async dealings(page: PageRequest): Promise<Page<Dealt>> {
    const [limit, after] = [limitOf(page), dealtAfter(page.cursor)]
    return pageOfDealt(await this.#reading.dealings({ is: '>', name: after, limit: limit + 1 }), limit)
  }

  async dealing(of: Pick<Dealt, 'origin' | 'network' | 'payTo'>): Promise<Dealt | undefined> {
    const [row] = await this.#reading.dealings({ is: '=', name: nameOfDealt(of), limit: 1 })
    return row && readDealt(row)
  }

  async limitUse(query: LimitUseQuery): Promise<readonly LimitUse[]> {
    const { buckets, windows } = countedBy(query)
    const [named, most, sums] = await Promise.all([
      buckets.length === 0 ? [] : this.#spent(query, [{ columns: ['bucket'], is: '=', values: buckets }]),
      this.#spent(query, []),
      this.#reading.windows(windows),
    ])
    const used = [...named, ...most].map((row) => [text(row, 'bucket'), money(row, 'amount')] as const)
    return limitUses(query, { buckets: new Map(used), sums: sums.map(({ sum }) => sum) })
  }

  async usedNonces(nonces: readonly string[]): Promise<readonly string[]> {
    const used: string[] = []
    for (let at = 0; at < nonces.length; at += NONCES_AT_ONCE) {
      const where: Filter[] = [{ columns: ['nonce'], is: '=', values: nonces.slice(at, at + NONCES_AT_ONCE) }]
      const rows = await this.#reading.select({ table: 'payments', columns: ['nonce'], where })
      used.push(...rows.map((row) => text(row, 'nonce')))
    }
    return used
  }

  /** The first of the most used ones, and of those asked for all. */
  #spent({ session }: LimitUseQuery, which: readonly Filter[]): Promise<readonly Row[]> {
    const own: Filter = { columns: ['session_id'], is: '=', values: [session.id] }
    const bound = which.length === 0 ? { limit: MAX_SHOWN_LIMIT_USES } : {}
    return this.#reading.select({
      ...{ table: 'spending', columns: ['bucket', 'amount'], where: [own, ...which], order: { by: ['amount'], falling: true } },
      ...bound,
    })
  }
}
