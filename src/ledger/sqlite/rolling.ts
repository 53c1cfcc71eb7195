/**
 * Rolling sums: how much of a series (payments of a tier, charges of a session) fell into the last so many milliseconds.
 * Each entry carries the running total, so that a window costs a few look-ups however full it is.
 */
import type { DatabaseSync } from 'node:sqlite'
import { int, money, type Row } from '../rows.ts'
import type { Charge, Entry, RollingTable, Transaction, Window } from '../tables.ts'

export class Rolling implements RollingTable {
  readonly #sql: ReturnType<typeof prepare>

  constructor(db: DatabaseSync) {
    this.#sql = prepare(db)
  }

  add(tx: Transaction, { series, amount }: Charge): Entry {
    const { ordinal, total } = placeOf(this.#sql.last.get(series))
    this.#sql.insert.run(series, ordinal + 1n, tx.now, amount, total + amount)
    return { series, ordinal: Number(ordinal + 1n) }
  }

  takeBack(_tx: Transaction, { series, ordinal }: Entry): void {
    this.#sql.takeBack.run(series, ordinal)
  }

  sum({ series, after }: Window): bigint {
    const last = placeOf(this.#sql.last.get(series))
    const before = placeOf(this.#sql.upTo.get(series, after))
    return last.total - before.total - this.#voided(series, before.ordinal)
  }

  oldest({ series, after }: Window): number | undefined {
    const before = placeOf(this.#sql.upTo.get(series, after))
    const row: Row | undefined = this.#sql.following.get(series, before.ordinal)
    return row && int(row, 'at')
  }

  leaves({ series, after }: Window, amount: bigint): number | undefined {
    const before = placeOf(this.#sql.upTo.get(series, after))
    let left = 0n
    for (const row of this.#sql.following.iterate(series, before.ordinal)) {
      left += money(row, 'amount')
      if (left >= amount) return int(row, 'at')
    }
    return undefined
  }

  #voided(series: string, ordinal: bigint): bigint {
    const row = this.#sql.voided.get(series, ordinal)
    return row ? money(row, 'amount') : 0n
  }
}

function placeOf(row: Row | undefined): { readonly ordinal: bigint; readonly total: bigint } {
  return row ? { ordinal: money(row, 'ordinal'), total: money(row, 'total') } : { ordinal: 0n, total: 0n }
}

/** The planner would rather read the whole window than the few voided entries in it. */
function prepare(db: DatabaseSync) {
  return {
    insert: db.prepare('INSERT INTO rolling (series, ordinal, at, amount, total) VALUES (?, ?, ?, ?, ?)'),
    takeBack: db.prepare('UPDATE rolling SET void = 1 WHERE series = ? AND ordinal = ?'),
    last: db.prepare('SELECT ordinal, total FROM rolling WHERE series = ? ORDER BY ordinal DESC LIMIT 1'),
    upTo: db.prepare('SELECT ordinal, total FROM rolling WHERE series = ? AND at <= ? ORDER BY at DESC, ordinal DESC LIMIT 1'),
    following: db.prepare('SELECT at, amount FROM rolling WHERE series = ? AND ordinal > ? AND void = 0 ORDER BY ordinal'),
    voided: db.prepare(
      'SELECT coalesce(sum(amount), 0) AS amount FROM rolling INDEXED BY rolling_void WHERE series = ? AND ordinal > ? AND void = 1',
    ),
  }
}
