/**
 * Rolling sums: how much of a series (payments of a tier, charges of a session) fell into the last so many milliseconds.
 * Each entry carries the running total, so that a window costs a few look-ups however full it is; and where a window
 * begins is remembered with the entries that leave it next, so that mostly it costs none.
 */
import type { DatabaseSync } from 'node:sqlite'
import { LRUCache } from 'lru-cache'
import { EDGES_OF_SERIES, MAX_KEPT_SERIES, STEPS_AHEAD } from '../../hot-path-limits.ts'
import { flag, int, money, type Row } from '../rows.ts'
import type { Charge, Entry, RollingTable, Transaction, Window } from '../tables.ts'
import type { Behind, Pending } from './pending.ts'

/** An entry of a series. */
interface Step {
  readonly ordinal: bigint
  /** Milliseconds since 1970. */
  readonly at: number
  readonly amount: bigint
  /** Of the series up to this entry, whatever was taken back. */
  readonly total: bigint
  readonly void: boolean
}

/** Where a window begins. */
interface Edge {
  /** The newest entry that is not in it any more. */
  before: Step
  /** What was taken back within it. */
  voided: bigint
  /** The oldest entries within it, perhaps not all: those that leave it next. */
  ahead: Step[]
}

interface Series {
  last: Step
  readonly edges: Edge[]
}

const START: Step = { ordinal: 0n, at: Number.NEGATIVE_INFINITY, amount: 0n, total: 0n, void: false }

export class Rolling implements RollingTable, Behind {
  readonly #sql: ReturnType<typeof prepare>
  readonly #pending: Pending
  readonly #known = new LRUCache<string, Series>({ max: MAX_KEPT_SERIES })
  /** Still to be written, oldest first. */
  /** A new one with each commit, so that none grows old (`src/brief-map.ts`). */
  #fresh = new Map<string, readonly Step[]>()

  constructor(db: DatabaseSync, pending: Pending) {
    this.#sql = prepare(db)
    this.#pending = pending
    pending.join(this)
  }

  add(tx: Transaction, { series, amount }: Charge): Entry {
    const known = this.#series(series)
    const { last } = known
    const step = { ordinal: last.ordinal + 1n, at: tx.now, amount, total: last.total + amount, void: false }
    this.#keep(series, [...(this.#fresh.get(series) ?? []), step])
    for (const { before, ahead } of known.edges) {
      if (ahead.length < STEPS_AHEAD && (ahead.at(-1) ?? before).ordinal === last.ordinal) ahead.push(step)
    }
    known.last = step
    return { series, ordinal: Number(step.ordinal) }
  }

  takeBack(_tx: Transaction, { series, ordinal }: Entry): void {
    const fresh = this.#fresh.get(series) ?? []
    const place = BigInt(ordinal)
    if (fresh.some((step) => step.ordinal === place)) {
      this.#keep(
        series,
        fresh.map((step) => (step.ordinal === place ? { ...step, void: true } : step)),
      )
    } else {
      this.#pending.onUndo(() => this.#known.delete(series))
      this.#sql.takeBack.run(series, ordinal)
    }
    this.#known.delete(series)
  }

  sum({ series, after }: Window): bigint {
    const known = this.#series(series)
    const { before, voided } = this.#edge(series, known, after)
    return known.last.total - before.total - voided
  }

  oldest({ series, after }: Window): number | undefined {
    const known = this.#series(series)
    const { before, ahead } = this.#edge(series, known, after)
    const near = ahead.find((step) => !step.void)
    if (near) return near.at
    const reached = ahead.at(-1) ?? before
    return reached.ordinal === known.last.ordinal ? undefined : this.#firstAfter(series, reached.ordinal)
  }

  leaves({ series, after }: Window, amount: bigint): number | undefined {
    this.write()
    let left = 0n
    for (const row of this.#sql.following.iterate(series, this.#storedUpTo(series, after).ordinal)) {
      left += money(row, 'amount')
      if (left >= amount) return int(row, 'at')
    }
    return undefined
  }

  write(): void {
    if (this.#fresh.size === 0) return
    const all = this.#fresh
    this.#fresh = new Map()
    for (const [series, steps] of all) {
      for (const step of steps) this.#sql.insert.run(series, step.ordinal, step.at, step.amount, step.total, step.void ? 1 : 0)
    }
    this.#pending.onUndo(() => {
      for (const [series, steps] of all) this.#fresh.set(series, steps)
    })
  }

  forget(): void {
    this.#known.clear()
    this.#fresh.clear()
  }

  #keep(series: string, steps: readonly Step[]): void {
    const before = this.#fresh.get(series)
    this.#fresh.set(series, steps)
    this.#pending.onUndo(() => {
      if (before) this.#fresh.set(series, before)
      else this.#fresh.delete(series)
      this.#known.delete(series)
    })
  }

  #series(series: string): Series {
    const known = this.#known.get(series)
    if (known) return known
    const found = { last: this.#fresh.get(series)?.at(-1) ?? stepOf(this.#sql.last.get(series)), edges: [] }
    this.#known.set(series, found)
    return found
  }

  /** Of those that are known the nearest, moved on to where this window begins. */
  #edge(series: string, known: Series, after: number): Edge {
    const nearest = known.edges
      .filter(({ before }) => before.at <= after)
      .reduce<Edge | undefined>((best, edge) => (best && best.before.ordinal >= edge.before.ordinal ? best : edge), undefined)
    const edge = nearest ?? this.#newEdge(series, known, after)
    for (;;) {
      if (edge.ahead.length === 0 && edge.before.ordinal < known.last.ordinal) edge.ahead = this.#stepsAfter(series, edge.before.ordinal)
      const [next] = edge.ahead
      if (!next || next.at > after) return edge
      edge.before = next
      edge.ahead.shift()
      if (next.void) edge.voided -= next.amount
    }
  }

  #newEdge(series: string, known: Series, after: number): Edge {
    const before = this.#storedUpTo(series, after)
    const fresh = (this.#fresh.get(series) ?? []).filter((step) => step.void)
    const voided = fresh.reduce((sum, { amount }) => sum + amount, voidedIn(this.#sql.voided.get(series, before.ordinal)))
    const edge = { before, voided, ahead: [] }
    if (known.edges.push(edge) > EDGES_OF_SERIES) known.edges.shift()
    return edge
  }

  /** The newest entry of the file that is not later; found by halves, because ordinals have no gaps and times mostly rise. */
  #storedUpTo(series: string, after: number): Step {
    let before = START
    let end = stepOf(this.#sql.last.get(series)).ordinal
    while (before.ordinal < end) {
      const middle = (before.ordinal + end + 1n) / 2n
      const row = this.#sql.at.get(series, middle)
      if (row && int(row, 'at') <= after) before = stepOf(row)
      else end = middle - 1n
    }
    return before
  }

  #stepsAfter(series: string, ordinal: bigint): Step[] {
    const stored = this.#sql.after.all(series, ordinal, STEPS_AHEAD).map(stepOf)
    if (stored.length === STEPS_AHEAD) return stored
    const fresh = (this.#fresh.get(series) ?? []).filter((step) => step.ordinal > ordinal)
    return [...stored, ...fresh].slice(0, STEPS_AHEAD)
  }

  #firstAfter(series: string, ordinal: bigint): number | undefined {
    const row: Row | undefined = this.#sql.following.get(series, ordinal)
    return row ? int(row, 'at') : this.#fresh.get(series)?.find((step) => step.ordinal > ordinal && !step.void)?.at
  }
}

function stepOf(row: Row | undefined): Step {
  if (!row) return START
  const place = { ordinal: money(row, 'ordinal'), at: int(row, 'at') }
  return { ...place, amount: money(row, 'amount'), total: money(row, 'total'), void: flag(row, 'void') }
}

function voidedIn(row: Row | undefined): bigint {
  return row ? money(row, 'amount') : 0n
}

/** The planner would rather read the whole window than the few voided entries in it. */
function prepare(db: DatabaseSync) {
  const step = 'SELECT ordinal, at, amount, total, void FROM rolling WHERE series = ?'
  return {
    insert: db.prepare('INSERT INTO rolling (series, ordinal, at, amount, total, void) VALUES (?, ?, ?, ?, ?, ?)'),
    takeBack: db.prepare('UPDATE rolling SET void = 1 WHERE series = ? AND ordinal = ?'),
    last: db.prepare(`${step} ORDER BY ordinal DESC LIMIT 1`),
    at: db.prepare(`${step} AND ordinal = ?`),
    after: db.prepare(`${step} AND ordinal > ? ORDER BY ordinal LIMIT ?`),
    following: db.prepare('SELECT at, amount FROM rolling WHERE series = ? AND ordinal > ? AND void = 0 ORDER BY ordinal'),
    voided: db.prepare(
      'SELECT coalesce(sum(amount), 0) AS amount FROM rolling INDEXED BY rolling_void WHERE series = ? AND ordinal > ? AND void = 1',
    ),
  }
}
