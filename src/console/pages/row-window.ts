/**
 * A long list of which only a window is in memory. Its pages come from the server, each by the cursor of the one before;
 * pages far from the reader are forgotten, and read again by their own cursor when the reader comes back.
 *
 * page: what one request answered. span: which rows are looked at, from the first to before the last.
 */

export interface ListPage<T> {
  /** By which it is asked for; undefined for the first. */
  readonly cursor: string | undefined
  readonly count: number
  /** Undefined where it was forgotten. */
  readonly items: readonly T[] | undefined
}

export interface RowWindow<T> {
  readonly pages: readonly ListPage<T>[]
  /** Of the page that follows; null where none does; undefined as long as nothing was read. */
  readonly next: string | null | undefined
}

export interface Span {
  readonly first: number
  readonly end: number
}

/** 2,000 payments in memory, some three megabytes, however long the list. */
export const MAX_KEPT_PAGES = 20
/** Read ahead, so that who scrolls on does not wait. */
const AHEAD_ROWS = 50

export const NO_ROWS = { pages: [], next: undefined } as const satisfies RowWindow<never>

export function rowCount({ pages }: RowWindow<unknown>): number {
  return pages.reduce((sum, { count }) => sum + count, 0)
}

/** The rows of the span; undefined where they are not in memory. */
export function rowsIn<T>({ pages }: RowWindow<T>, { first, end }: Span): (T | undefined)[] {
  const rows: (T | undefined)[] = []
  let start = 0
  for (const { count, items } of pages) {
    const [from, to] = [Math.max(first, start), Math.min(end, start + count)]
    for (let row = from; row < to; row++) rows.push(items?.[row - start])
    start += count
    if (start >= end) break
  }
  return rows
}

export interface WantedPage {
  /** Its place in `pages`; `pages.length` for one that was never read. */
  readonly index: number
  readonly cursor: string | undefined
}

/** The page that has to be read next for this span; undefined where all is there. */
export function wantedPage<T>(window: RowWindow<T>, { first, end }: Span): WantedPage | undefined {
  const { pages, next } = window
  let start = 0
  for (const [index, { count, items, cursor }] of pages.entries()) {
    if (!items && start < end && start + count > first) return { index, cursor }
    start += count
  }
  if (next === null || start >= end + AHEAD_ROWS) return undefined
  return { index: pages.length, cursor: next }
}

/**
 * With what was read. The pages farthest from it are forgotten; those that no longer follow it, because the list changed
 * meanwhile, are dropped and read anew.
 */
export function withPage<T>(
  { pages, next }: RowWindow<T>,
  { index, cursor }: WantedPage,
  answer: { readonly items: readonly T[]; readonly next: string | null },
): RowWindow<T> {
  const page = { cursor, count: answer.items.length, items: answer.items }
  const follows = pages[index + 1]
  const isJoined = follows !== undefined && follows.cursor === answer.next
  const all = [...pages.slice(0, index), page, ...(isJoined ? pages.slice(index + 1) : [])]
  return { pages: forgetFar(all, index), next: isJoined ? next : answer.next }
}

function forgetFar<T>(pages: readonly ListPage<T>[], near: number): readonly ListPage<T>[] {
  const kept = pages.filter(({ items }) => items).length
  if (kept <= MAX_KEPT_PAGES) return pages
  const half = MAX_KEPT_PAGES / 2
  return pages.map((page, index) => (Math.abs(index - near) > half ? { ...page, items: undefined } : page))
}

export interface View {
  /** How far the list's first row is above the top of what is seen; negative below it. Pixels. */
  readonly above: number
  readonly height: number
  readonly rowHeight: number
}

/** Rows drawn beyond what is seen, so that quick fingers see no gap. */
const EXTRA_ROWS = 12

/** Which rows are drawn. */
export function spanOf({ above, height, rowHeight }: View, count: number): Span {
  const first = Math.max(0, Math.floor(above / rowHeight) - EXTRA_ROWS)
  const end = Math.max(0, Math.ceil((above + height) / rowHeight) + EXTRA_ROWS)
  return { first: Math.min(first, count), end: Math.min(end, count) }
}
