/** Kept reports of days, shared by all processes: of two that make one at once, the first is kept. */
import type { KeptDay, KeptReport, ReportStore } from '../kept-reports.ts'
import type { Page, PageRequest } from '../ledger.ts'
import { limitOf, readCursor } from '../paging.ts'
import { pageOfDays, readReport, replaces, reportColumns } from '../report-row.ts'
import type { Batch } from './batch.ts'
import { equal } from './lists.ts'
import { type Hands, housekeeping } from './operations.ts'
import type { Reading } from './reading.ts'
import type { Filter } from './store.ts'

export interface PostgresReportsOptions {
  readonly reading: Reading
  readonly batch: Pick<Batch<Hands>, 'write'>
}

export class PostgresReports implements ReportStore {
  readonly #options: PostgresReportsOptions

  constructor(options: PostgresReportsOptions) {
    this.#options = options
  }

  keep(report: KeptReport): Promise<boolean> {
    const operation = housekeeping(
      'reports',
      (wants) => wants.row({ access: 'report', values: [report.date] }),
      ({ set }: Hands) => {
        const row = set.row('report', report.date)
        if (!replaces(report, row)) return false
        if (row) set.update('daily_reports', row, reportColumns(report))
        else set.insert('daily_reports', reportColumns(report))
        return true
      },
    )
    return this.#options.batch.write(operation)
  }

  async kept(date: string): Promise<KeptReport | undefined> {
    const [row] = await this.#options.reading.select({ table: 'daily_reports', where: equal('date', date) })
    return row && readReport(row)
  }

  async days(page: PageRequest, filter?: { readonly final: false }): Promise<Page<KeptDay>> {
    const limit = limitOf(page)
    const where: Filter[] = [
      ...(page.cursor === undefined ? [] : [{ columns: ['date'], is: '<', values: [readCursor('day', page.cursor)] } as const]),
      ...(filter ? [{ columns: ['final'], is: '=', values: [0n] } as const] : []),
    ]
    const order = { by: ['date'], falling: true } as const
    const columns = ['date', 'final', 'made_at']
    return pageOfDays(await this.#options.reading.select({ table: 'daily_reports', columns, where, order, limit: limit + 1 }), limit)
  }
}
