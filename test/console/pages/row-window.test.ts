/** A long list in a small window: read in order, forgotten far away, read again by its own cursor. */
import { describe, expect, it } from 'vitest'
import {
  MAX_KEPT_PAGES,
  NO_ROWS,
  type RowWindow,
  rowCount,
  rowsIn,
  type Span,
  spanOf,
  wantedPage,
  withPage,
} from '../../../src/console/pages/row-window.ts'

const PAGE = 100

/** A server with so many rows, whose cursors are row numbers. */
function page(total: number, cursor: string | undefined) {
  const start = Number(cursor ?? 0)
  const items = Array.from({ length: Math.min(PAGE, total - start) }, (_, at) => start + at)
  return { items, next: start + PAGE < total ? String(start + PAGE) : null }
}

/** All that this span wants, read until nothing is missing. */
function read(window: RowWindow<number>, span: Span, total: number): RowWindow<number> {
  const wanted = wantedPage(window, span)
  return wanted ? read(withPage(window, wanted, page(total, wanted.cursor)), span, total) : window
}

const kept = ({ pages }: RowWindow<number>) => pages.filter(({ items }) => items).length

describe('the window of a long list', () => {
  it('begins with the first page, and reads on only when its end comes near', () => {
    expect(wantedPage(NO_ROWS, { first: 0, end: 1 })).toEqual({ index: 0, cursor: undefined })
    const window = read(NO_ROWS, { first: 0, end: 20 }, 1_000)
    expect({ rows: rowCount(window), wanted: wantedPage(window, { first: 0, end: 20 }) }).toEqual({ rows: 100, wanted: undefined })
    expect(wantedPage(window, { first: 30, end: 60 })).toEqual({ index: 1, cursor: '100' })
  })

  it('shows every one of 100,000 rows once and in order, and never holds more than its bound', () => {
    let window: RowWindow<number> = NO_ROWS
    const seen: (number | undefined)[] = []
    for (let first = 0; first < 100_000; first += 40) {
      window = read(window, { first, end: first + 40 }, 100_000)
      seen.push(...rowsIn(window, { first, end: first + 40 }))
      expect(kept(window)).toBeLessThanOrEqual(MAX_KEPT_PAGES + 1)
    }
    expect(seen).toEqual(Array.from({ length: 100_000 }, (_, row) => row))
    expect({ next: window.next, rows: rowCount(window) }).toEqual({ next: null, rows: 100_000 })
  })

  it('reads what it forgot again when the reader comes back, and keeps the length of the list', () => {
    let window: RowWindow<number> = NO_ROWS
    for (let first = 0; first < 10_000; first += 50) window = read(window, { first, end: first + 50 }, 10_000)
    expect(rowsIn(window, { first: 0, end: 2 })).toEqual([undefined, undefined])
    expect(wantedPage(window, { first: 0, end: 2 })).toEqual({ index: 0, cursor: undefined })
    const back = read(window, { first: 0, end: 2 }, 10_000)
    expect({ rows: rowsIn(back, { first: 0, end: 2 }), count: rowCount(back), next: back.next }).toEqual({
      rows: [0, 1],
      count: 10_000,
      next: null,
    })
  })

  it('drops what no longer follows a page that changed, so that no row shows twice', () => {
    let window: RowWindow<number> = read(NO_ROWS, { first: 0, end: 250 }, 1_000)
    window = withPage(window, { index: 0, cursor: undefined }, { items: [0, 1, 2], next: '3' })
    expect({ rows: rowCount(window), next: window.next }).toEqual({ rows: 3, next: '3' })
  })

  it('goes on over a page without rows that has a next one', () => {
    const window = withPage(NO_ROWS, { index: 0, cursor: undefined }, { items: [], next: 'c' })
    expect(wantedPage(window, { first: 0, end: 1 })).toEqual({ index: 1, cursor: 'c' })
  })
})

describe('which rows are drawn', () => {
  it('are those in sight and a few around them, never more than there are', () => {
    expect(spanOf({ above: -200, height: 800, rowHeight: 40 }, 1_000)).toEqual({ first: 0, end: 27 })
    expect(spanOf({ above: 4_000, height: 800, rowHeight: 40 }, 1_000)).toEqual({ first: 88, end: 132 })
    expect(spanOf({ above: 4_000, height: 800, rowHeight: 40 }, 90)).toEqual({ first: 88, end: 90 })
    expect(spanOf({ above: -9_000, height: 800, rowHeight: 40 }, 90)).toEqual({ first: 0, end: 0 })
  })
})
