/**
 * What was paid before for one kind of resource: the newest prices and the oldest within reach. For those that are asked
 * for now they are in memory, and follow what settles.
 */
import type { DatabaseSync } from 'node:sqlite'
import { LRUCache } from 'lru-cache'
import { MAX_KEPT_PRICES, PRICES_AHEAD } from '../../hot-path-limits.ts'
import { PRICE_SAMPLES } from '../../limits.ts'
import type { PastPrices } from '../../session/history.ts'
import { int, type Row, text } from '../rows.ts'
import type { Behind, Pending } from './pending.ts'

/** A settled payment. */
export interface Paid {
  /** When it was reserved, milliseconds since 1970. */
  readonly at: number
  readonly amount: bigint
}

interface Known {
  /** Newest first; all there are, where they are fewer than `PRICE_SAMPLES`. */
  latest: readonly Paid[]
  /** Oldest first, of those later than `after`. */
  earliest: readonly Paid[]
  /** `earliest` has all of them. */
  whole: boolean
  after: number
}

export class Prices implements Behind {
  readonly #sql: ReturnType<typeof prepare>
  readonly #pending: Pending
  readonly #known = new LRUCache<string, Known>({ max: MAX_KEPT_PRICES })

  constructor(db: DatabaseSync, pending: Pending) {
    this.#sql = prepare(db)
    this.#pending = pending
    pending.join(this)
  }

  /** True where it needs no look into the file. */
  knows(key: string, after: number): boolean {
    return this.#reaching(key, after) !== undefined
  }

  /** Of payments reserved later than `after`. Where it is not known, what is pending has to be in the file. */
  of(key: string, after: number): PastPrices {
    const { latest, earliest } = this.#reaching(key, after) ?? this.#load(key, after)
    return {
      latest: latest.filter(({ at }) => at > after).map(({ amount }) => amount),
      earliest: earliest.slice(0, PRICE_SAMPLES).map(({ amount }) => amount),
    }
  }

  /** One more settled. */
  add(key: string, paid: Paid): void {
    const known = this.#known.get(key)
    if (!known) return
    this.#pending.onUndo(() => this.#known.delete(key))
    known.latest = inserted(known.latest, paid, (a, b) => b.at - a.at).slice(0, PRICE_SAMPLES)
    const last = known.earliest.at(-1)
    if (paid.at <= known.after || !(known.whole || (last && paid.at < last.at))) return
    const earliest = inserted(known.earliest, paid, (a, b) => a.at - b.at)
    known.whole &&= earliest.length <= PRICES_AHEAD
    known.earliest = earliest.slice(0, PRICES_AHEAD)
  }

  /** One that had settled never did. */
  remove(key: string): void {
    this.#pending.onUndo(() => this.#known.delete(key))
    this.#known.delete(key)
  }

  forget(): void {
    this.#known.clear()
  }

  /** What is known, as far as it reaches that far and has enough. */
  #reaching(key: string, after: number): Known | undefined {
    const known = this.#known.get(key)
    if (!known || after < known.after) return undefined
    const left = known.earliest.findIndex(({ at }) => at > after)
    known.earliest = left === -1 ? [] : left === 0 ? known.earliest : known.earliest.slice(left)
    known.after = after
    return known.whole || known.earliest.length >= PRICE_SAMPLES ? known : undefined
  }

  #load(key: string, after: number): Known {
    const latest = this.#sql.latest.all(key, PRICE_SAMPLES).map(readPaid)
    const earliest = this.#sql.earliest.all(key, after, PRICES_AHEAD).map(readPaid)
    const known = { latest, earliest, whole: earliest.length < PRICES_AHEAD, after }
    this.#known.set(key, known)
    return known
  }
}

/** Behind those that come before it or with it. */
function inserted(all: readonly Paid[], paid: Paid, order: (a: Paid, b: Paid) => number): Paid[] {
  const place = all.findLastIndex((one) => order(one, paid) <= 0) + 1
  return [...all.slice(0, place), paid, ...all.slice(place)]
}

function readPaid(row: Row): Paid {
  return { at: int(row, 'reserved_at'), amount: BigInt(text(row, 'amount')) }
}

function prepare(db: DatabaseSync) {
  const settled = "SELECT reserved_at, amount FROM payments WHERE price_key = ? AND state = 'settled'"
  return {
    latest: db.prepare(`${settled} ORDER BY reserved_at DESC LIMIT ?`),
    earliest: db.prepare(`${settled} AND reserved_at > ? ORDER BY reserved_at LIMIT ?`),
  }
}
