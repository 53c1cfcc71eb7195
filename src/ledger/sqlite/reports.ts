/** Kept reports of days, in the file. */
import type { DatabaseSync } from 'node:sqlite'
import type { KeptDay, KeptReport, ReportStore } from '../kept-reports.ts'
import type { Page, PageRequest } from '../ledger.ts'
import { limitOf, readCursor } from '../paging.ts'
import { pageOfDays, readReport, replaces, reportColumns } from '../report-row.ts'
import type { Row } from '../rows.ts'
import type { Batch } from './batch.ts'

export interface SqliteReportsOptions {
  readonly db: DatabaseSync
  readonly batch: Pick<Batch, 'read' | 'write'>
}

/** Later than any day. */
const END = '9999-99-99'

export class SqliteReports implements ReportStore {
  readonly #batch: SqliteReportsOptions['batch']
  readonly #sql: ReturnType<typeof prepare>

  constructor({ db, batch }: SqliteReportsOptions) {
    this.#batch = batch
    this.#sql = prepare(db)
  }

  async keep(report: KeptReport): Promise<boolean> {
    const { value, durable } = this.#batch.write(() => {
      if (!replaces(report, this.#row(report.date))) return false
      const { date, final, made_at, body } = reportColumns(report)
      this.#sql.put.run(date, final, made_at, body)
      return true
    })
    await durable
    return value
  }

  async kept(date: string): Promise<KeptReport | undefined> {
    const row = this.#batch.read(() => this.#row(date))
    return row && readReport(row)
  }

  async days(page: PageRequest, filter?: { readonly final: false }): Promise<Page<KeptDay>> {
    const limit = limitOf(page)
    const before = page.cursor === undefined ? END : readCursor('day', page.cursor)
    const days = filter ? this.#sql.unclosed : this.#sql.days
    return pageOfDays(
      this.#batch.read(() => days.all(before, limit + 1)),
      limit,
    )
  }

  #row(date: string): Row | undefined {
    return this.#sql.one.get(date)
  }
}

function prepare(db: DatabaseSync) {
  return {
    put: db.prepare('INSERT OR REPLACE INTO daily_reports (date, final, made_at, body) VALUES (?, ?, ?, ?)'),
    one: db.prepare('SELECT date, final, made_at, body FROM daily_reports WHERE date = ?'),
    days: db.prepare('SELECT date, final, made_at FROM daily_reports WHERE date < ? ORDER BY date DESC LIMIT ?'),
    unclosed: db.prepare('SELECT date, final, made_at FROM daily_reports WHERE final = 0 AND date < ? ORDER BY date DESC LIMIT ?'),
  }
}
