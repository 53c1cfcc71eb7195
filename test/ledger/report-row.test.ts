import { describe, expect, it } from 'vitest'
import { pageOfDays, readReport, replaces, reportColumns } from '../../src/ledger/report-row.ts'

const REPORT = { date: '2026-06-27', final: true, madeAt: 1_782_000_000_000, text: '{}' }

describe('the row of a kept report', () => {
  it.each([true, false])('says what the report says, final %s', (final) => {
    expect(readReport(reportColumns({ ...REPORT, final }))).toEqual({ ...REPORT, final })
  })

  it.each([
    ['nothing', undefined, false, true],
    ['what is not final', false, true, true],
    ['what is not final, by another such', false, false, false],
    ['what is final', true, true, false],
  ])('takes the place of %s', (_, kept, next, answer) => {
    expect(replaces({ final: next }, kept === undefined ? undefined : reportColumns({ ...REPORT, final: kept }))).toBe(answer)
  })

  it('goes on behind the last day of a page only where there are more', () => {
    const rows = [REPORT, { ...REPORT, date: '2026-06-26' }].map(reportColumns)
    expect(pageOfDays(rows, 2).next).toBeNull()
    expect(pageOfDays(rows, 1)).toMatchObject({ items: [{ date: '2026-06-27', final: true }], next: expect.any(String) })
  })
})
