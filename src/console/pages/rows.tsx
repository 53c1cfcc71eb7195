/** A list of any length: only the rows in sight are drawn, and only the pages around them are in memory. */
import type { ComponentChild, RefObject } from 'preact'
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { type Query, queryText } from '../address.ts'
import { ApiProblem } from '../api.ts'
import { get, type NewsType, onNews } from '../client.tsx'
import { Empty, ProblemNote } from '../components/notes.tsx'
import { NO_ROWS, type RowWindow, rowCount, rowsIn, type Span, spanOf, wantedPage, withPage } from './row-window.ts'
import type { PageOf } from './shapes.ts'
import './pages.css'

export interface Column<T> {
  readonly name: string
  readonly cell: (item: T) => ComponentChild
  /** For widths and the layout on a phone. */
  readonly class: string
}

export interface RowsProps<T> {
  readonly path: string
  readonly query: Query
  /** After these the list is read anew where its top is in sight; elsewhere a button says so. */
  readonly news: readonly NewsType[]
  readonly label: string
  readonly columns: readonly Column<T>[]
  readonly empty: ComponentChild
  readonly keyOf: (item: T) => string
}

/** Said although the elements have them: on a phone rows are laid out as grids, and some browsers then forget what they are. */
const AS = {
  table: { role: 'table' },
  rowgroup: { role: 'rowgroup' },
  row: { role: 'row' },
  columnheader: { role: 'columnheader' },
  cell: { role: 'cell' },
  nothing: { 'aria-hidden': true },
} as const

/** Until the first row was drawn and measured. */
const USUAL_ROW_PX = 44

export function Rows<T>({ path, query, news, label, columns, empty, keyOf }: RowsProps<T>) {
  const body = useRef<HTMLTableSectionElement>(null)
  const [rows, controls] = useRows<T>(`${path}?${queryText(query)}`)
  const count = rowCount(rows.window)
  const { span, rowHeight, isAtTop } = useSight(body, count)
  useEffect(() => controls.look(span), [controls, span.first, span.end])
  const types = news.join()
  useEffect(
    () => (types === '' ? undefined : onNews(types.split(',') as NewsType[], () => controls.hear(isAtTop()))),
    [types, controls, isAtTop],
  )
  const top = () => {
    window.scrollTo({ top: 0 })
    controls.restart()
  }
  const isEmpty = count === 0 && rows.window.next === null
  return (
    <>
      {rows.hasNews && (
        <button type="button" class="fresh primary" onClick={top}>
          There is news: show it
        </button>
      )}
      {rows.problem && <ProblemNote problem={rows.problem} />}
      {rows.problem && (
        <button type="button" onClick={controls.restart}>
          Try again
        </button>
      )}
      {isEmpty ? (
        <Empty>{empty}</Empty>
      ) : (
        <table
          class="rows"
          {...AS.table}
          aria-label={label}
          aria-rowcount={rows.window.next === null ? count + 1 : -1}
          aria-busy={rows.isLoading}
        >
          <Head columns={columns} />
          <tbody ref={body} {...AS.rowgroup}>
            <Gap rows={span.first} height={rowHeight} />
            {rowsIn(rows.window, span).map((item, at) => (
              <Row key={item ? keyOf(item) : `row ${span.first + at}`} item={item} columns={columns} number={span.first + at + 2} />
            ))}
            <Gap rows={count - span.end} height={rowHeight} />
          </tbody>
        </table>
      )}
      {!isEmpty && <End isLoading={rows.isLoading} count={count} hasMore={rows.window.next !== null} />}
    </>
  )
}

function Head<T>({ columns }: Pick<RowsProps<T>, 'columns'>) {
  return (
    <thead {...AS.rowgroup}>
      <tr {...AS.row}>
        {columns.map((column) => (
          <th key={column.name} {...AS.columnheader} scope="col" class={column.class}>
            {column.name}
          </th>
        ))}
      </tr>
    </thead>
  )
}

interface RowProps<T> {
  readonly item: T | undefined
  readonly columns: readonly Column<T>[]
  /** From 1; the head is the first. */
  readonly number: number
}

function Row<T>({ item, columns, number }: RowProps<T>) {
  return (
    <tr class="row" {...AS.row} aria-rowindex={number}>
      {columns.map((column) => (
        <td key={column.name} {...AS.cell} class={column.class}>
          {item === undefined ? '' : column.cell(item)}
        </td>
      ))}
    </tr>
  )
}

function Gap({ rows, height }: { readonly rows: number; readonly height: number }) {
  if (rows <= 0) return null
  return <tr class="gap" {...AS.nothing} style={{ height: `${rows * height}px` }} />
}

function End({ isLoading, count, hasMore }: { readonly isLoading: boolean; readonly count: number; readonly hasMore: boolean }) {
  const text = isLoading ? 'Reading…' : hasMore ? `${count} read; scroll for more` : `${count} in all`
  return <p class="muted small end">{text}</p>
}

interface RowsState<T> {
  readonly window: RowWindow<T>
  readonly problem: ApiProblem | undefined
  readonly isLoading: boolean
  readonly hasNews: boolean
}

interface Controls {
  /** These rows are in sight: what of them is not there is read, one page after the other. */
  readonly look: (span: Span) => void
  readonly hear: (isAtTop: boolean) => void
  /** From the top; what is shown stays until the answer is there. */
  readonly restart: () => void
}

const START = { window: NO_ROWS, problem: undefined, isLoading: true, hasNews: false } as const

function useRows<T>(key: string): readonly [RowsState<T>, Controls] {
  const [state, setState] = useState<RowsState<T> & { readonly key: string }>({ ...START, key })
  const reader = useRef<Reader<T>>(undefined)
  useEffect(() => {
    const own = new Reader<T>(key, (next) => setState({ ...next, key }))
    reader.current = own
    own.restart()
    return () => own.stop()
  }, [key])
  const [controls] = useState<Controls>(() => ({
    look: (span) => reader.current?.look(span),
    hear: (isAtTop) => reader.current?.hear(isAtTop),
    restart: () => reader.current?.restart(),
  }))
  return [state.key === key ? state : START, controls]
}

/** Reads one list, one page at a time. */
class Reader<T> {
  readonly #key: string
  readonly #show: (state: RowsState<T>) => void
  #state: RowsState<T> = START
  #span: Span = { first: 0, end: 1 }
  #running: AbortController | undefined

  constructor(key: string, show: (state: RowsState<T>) => void) {
    this.#key = key
    this.#show = show
  }

  look(span: Span): void {
    this.#span = span
    if (!this.#running && !this.#state.problem) this.#read(this.#state.window)
  }

  hear(isAtTop: boolean): void {
    if (isAtTop) this.restart()
    else this.#change({ hasNews: true })
  }

  restart(): void {
    this.stop()
    this.#change({ hasNews: false })
    this.#read(NO_ROWS)
  }

  stop(): void {
    this.#running?.abort()
    this.#running = undefined
  }

  #change(state: Partial<RowsState<T>>): void {
    this.#state = { ...this.#state, ...state }
    this.#show(this.#state)
  }

  #read(window: RowWindow<T>): void {
    const wanted = wantedPage(window, this.#span)
    if (!wanted) return
    const own = new AbortController()
    this.#running = own
    this.#change({ isLoading: true, problem: undefined })
    const path = wanted.cursor === undefined ? this.#key : `${this.#key}&cursor=${encodeURIComponent(wanted.cursor)}`
    get<PageOf<T>>(path, {}, own.signal)
      .then(
        (page) => ({ window: withPage(window, wanted, page), problem: undefined }),
        (cause: unknown) => ({ problem: problemOf(cause) }),
      )
      .then((news) => {
        if (own.signal.aborted) return
        this.#running = undefined
        this.#change({ ...news, isLoading: false })
        if (!news.problem) this.#read(this.#state.window)
      })
      .catch(reportError)
  }
}

function problemOf(cause: unknown): ApiProblem {
  if (cause instanceof ApiProblem) return cause
  return new ApiProblem({ status: 0, code: 'unexpected', detail: String(cause), nextAction: '' })
}

interface Sight {
  readonly span: Span
  readonly rowHeight: number
  readonly isAtTop: () => boolean
}

/** Which rows are in sight, as the page is scrolled, turned or sized. */
function useSight(body: RefObject<HTMLTableSectionElement | null>, count: number): Sight {
  const height = useRef(USUAL_ROW_PX)
  const [span, setSpan] = useState<Span>(() => spanOf({ above: 0, height: window.innerHeight, rowHeight: USUAL_ROW_PX }, count))
  const look = useCallback(() => {
    height.current = body.current?.querySelector('tr.row')?.getBoundingClientRect().height ?? height.current
    const above = body.current ? -body.current.getBoundingClientRect().top : 0
    const next = spanOf({ above, height: window.innerHeight, rowHeight: height.current }, count)
    setSpan((before) => (before.first === next.first && before.end === next.end ? before : next))
  }, [body, count])
  useLayoutEffect(look, [look])
  useEffect(() => {
    let frame = 0
    const soon = () => {
      cancelAnimationFrame(frame)
      frame = requestAnimationFrame(look)
    }
    const ends = new AbortController()
    // Scrolled may be the page or something around the list: both are heard on the way down.
    document.addEventListener('scroll', soon, { capture: true, passive: true, signal: ends.signal })
    window.addEventListener('resize', soon, { signal: ends.signal })
    return () => {
      ends.abort()
      cancelAnimationFrame(frame)
    }
  }, [look])
  const isAtTop = useCallback(() => (body.current?.getBoundingClientRect().top ?? 0) >= 0, [body])
  return { span: { first: Math.min(span.first, count), end: Math.min(span.end, count) }, rowHeight: height.current, isAtTop }
}
