/** A kept report as a row, whatever keeps it, and the pages of such rows. */
import type { KeptDay, KeptReport } from './kept-reports.ts'
import type { Page } from './ledger.ts'
import { cursorAfter } from './paging.ts'
import { int, type Row, text } from './rows.ts'

export function reportColumns({
  date,
  final,
  madeAt,
  text,
}: KeptReport): Readonly<Record<'date' | 'final' | 'made_at' | 'body', Row[string]>> {
  return { date, final: final ? 1n : 0n, made_at: BigInt(madeAt), body: text }
}

export function readDay(row: Row): KeptDay {
  return { date: text(row, 'date'), final: int(row, 'final') === 1, madeAt: int(row, 'made_at') }
}

export function readReport(row: Row): KeptReport {
  return { ...readDay(row), text: text(row, 'body') }
}

/** Whether a report may take the place of what is kept. */
export function replaces(next: Pick<KeptReport, 'final'>, kept: Row | undefined): boolean {
  return kept === undefined || (next.final && !readDay(kept).final)
}

/** @param rows newest day first, one more than `limit` where there are more */
export function pageOfDays(rows: readonly Row[], limit: number): Page<KeptDay> {
  const items = rows.slice(0, limit).map(readDay)
  const last = items.at(-1)
  return { items, next: rows.length > limit && last ? cursorAfter('day', last.date) : null }
}
