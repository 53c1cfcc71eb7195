/** A write transaction on a connection: what is asked together is sent together, so that it costs one round trip. */

import { passing } from '../../waypoints.ts'
import type { Change } from '../ledger.ts'
import { maybeInt, maybeText, money, type Row } from '../rows.ts'
import { announce } from './changes.ts'
import type { Commit } from './connection.ts'
import { flushOf } from './flush.ts'
import { type Answer, type Open, send, storeFault } from './line.ts'
import { leavesStatement, lockStatements, placesStatement, rowStatements, sortOut, windowStatement } from './loading.ts'
import {
  type AccessName,
  type Loaded,
  type RowChange,
  type RowKey,
  type Sequence,
  StoreFault,
  type StoreTransaction,
  type Wanted,
  type WindowSum,
} from './store.ts'

/** What a lane does around its transactions. */
export interface Gate {
  readonly runId: string
  readonly lane: number
  /** Of this transaction: one more than the lane has committed. */
  readonly number: bigint
  /** The lane is closed: this run was declared ended. */
  fenced(): void
  /** This transaction is durable. */
  acknowledged(): void
  /** How many this lane has committed, asked elsewhere once whoever had the lane is gone. */
  lookUp(): Promise<bigint>
}

export class ClientTransaction implements StoreTransaction {
  readonly runId: string
  readonly #open: Open
  readonly #gate: Gate
  #ended = false

  private constructor(open: Open, gate: Gate) {
    this.runId = gate.runId
    this.#open = open
    this.#gate = gate
  }

  /** @throws StoreFault `fenced` where this run was declared ended; and those of any statement. */
  static async begin(open: Open, gate: Gate, locks: readonly RowKey[]): Promise<ClientTransaction> {
    const transaction = new ClientTransaction(open, gate)
    const begun = send(open, { sql: 'BEGIN', values: [] })
    const fence = send(open, { sql: FENCE, values: [gate.runId, String(gate.lane), String(gate.number)] })
    const locked = lockStatements(locks, open.types).map((statement) => send(open, statement))
    try {
      await begun
      if ((await fence).count === 0) {
        gate.fenced()
        throw new StoreFault('fenced', 'The lane is closed')
      }
      await Promise.all(locked)
      return transaction
    } catch (cause) {
      await transaction.rollback()
      throw cause
    }
  }

  async lock(keys: readonly RowKey[]): Promise<void> {
    await Promise.all(lockStatements(keys, this.#open.types).map((statement) => send(this.#open, statement)))
  }

  async load({ rows, windows, leaves, places }: Wanted): Promise<Loaded> {
    const open = this.#open
    const asked = rowStatements(rows, open.types).map((statement) => ({ access: statement.access, answer: send(open, statement) }))
    const summed = windows.length > 0 ? send(open, windowStatement(windows)) : NOTHING
    const left = leaves.length > 0 ? send(open, leavesStatement(leaves)) : NOTHING
    const drawn = await this.#draw(places)
    const found = new Map<AccessName, readonly Row[]>()
    for (const { access, answer } of asked) found.set(access, (await answer).rows)
    return {
      rows: sortOut(rows, found),
      windows: (await summed).rows.map(readWindow),
      leaves: (await left).rows.map((row) => maybeInt(row, 'at')),
      places: drawn,
    }
  }

  async commit(changes: readonly RowChange[], announcements: readonly Change[]): Promise<void> {
    const open = this.#open
    const sent: Promise<unknown>[] = flushOf(changes, open.types).map((statement) => send(open, statement))
    sent.push(tell(open, announcements))
    passing('changes sent')
    this.#ended = true
    const [flushed, commit] = await Promise.all([Promise.allSettled(sent), open.connection.commit()])
    if (commit.kind === 'committed') this.#gate.acknowledged()
    else throw failureOf(commit, flushed)
  }

  async outcome(): Promise<boolean> {
    const committed = (await this.#gate.lookUp()) >= this.#gate.number
    if (committed) this.#gate.acknowledged()
    return committed
  }

  async rollback(): Promise<void> {
    const { connection } = this.#open
    if (this.#ended || connection.lost) return
    this.#ended = true
    await send(this.#open, { sql: 'ROLLBACK', values: [] }).catch(() => connection.close())
  }

  async #draw(places: Wanted['places']): Promise<Loaded['places']> {
    const draw = async (sequence: Sequence) => {
      if (places[sequence] === 0) return []
      const { rows } = await send(this.#open, placesStatement(sequence, places[sequence]))
      return placesIn(rows[0])
    }
    const [sessions, payments, receipts] = await Promise.all([draw('sessions'), draw('payments'), draw('receipts')])
    return { sessions, payments, receipts }
  }
}

async function tell({ connection }: Open, announcements: readonly Change[]): Promise<void> {
  await announce(connection.sql, announcements).catch((cause: unknown) => Promise.reject(storeFault(cause)))
}

/** A transaction in which a statement failed is rolled back by its COMMIT; that statement knows why. */
function failureOf(commit: Exclude<Commit, { kind: 'committed' }>, sent: readonly PromiseSettledResult<unknown>[]): StoreFault {
  if (commit.kind === 'unknown') return new StoreFault('unknown', commit.why, commit.cause)
  const failed = sent.find((result) => result.status === 'rejected')
  return storeFault(failed?.reason ?? commit.cause ?? new StoreFault('unavailable', 'The commit failed'))
}

const NOTHING: Promise<Answer> = Promise.resolve({ rows: [], count: 0 })

/** The fence and the mark of a commit in one row: whoever declares this run ended waits for it, or closes it before. */
const FENCE = 'UPDATE lanes SET number = $3::bigint WHERE run_id = $1 AND lane = $2::bigint AND number = $3::bigint - 1 AND NOT ended'

function readWindow(row: Row): WindowSum {
  return {
    before: { ordinal: money(row, 'ordinal'), total: money(row, 'total') },
    voided: money(row, 'voided'),
    oldest: maybeInt(row, 'oldest'),
  }
}

function placesIn(row: Row | undefined): bigint[] {
  const places = row ? maybeText(row, 'places') : null
  return places === null ? [] : places.split(',').map((place) => BigInt(place))
}
