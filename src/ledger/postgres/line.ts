/**
 * A line: one connection that is opened when it is needed and thrown away when it is lost. Whoever asks through it gets
 * rows of the ledger, and faults that say what they mean for what was asked.
 */
import { PurserError } from '../../errors.ts'
import type { Connection } from './connection.ts'
import { cleaned, faultOf } from './faults.ts'
import { ROW_GONE } from './flush.ts'
import type { Ground } from './ground.ts'
import { type ColumnTypes, readColumnTypes, type Statement, sent } from './statement.ts'
import { type Row, StoreFault } from './store.ts'

/** Rows with how many of them the statement wrote, where it wrote. */
export interface Answer {
  readonly rows: readonly Row[]
  readonly count: number
}

/** A connection that is open, with what is known of the tables behind it. */
export interface Open {
  readonly connection: Connection
  readonly types: ColumnTypes
}

/** Writing asks the same few statements again and again; reading asks what somebody filters by. */
export type Use = 'reading' | 'writing'

export class Line {
  readonly #ground: Pick<Ground, 'connect'>
  readonly #columns: Columns
  readonly #use: Use
  #opening: Promise<Open> | undefined
  #closed = false

  constructor(ground: Pick<Ground, 'connect'>, columns: Columns, use: Use = 'reading') {
    this.#ground = ground
    this.#columns = columns
    this.#use = use
  }

  /** Whoever comes while it is being opened waits for the same. @throws StoreFault `unavailable` */
  async open(): Promise<Open> {
    if (this.#closed) throw new StoreFault('unavailable', 'The ledger is closed')
    this.#opening ??= this.#connect()
    const opening = this.#opening
    try {
      const open = await opening
      if (!open.connection.lost) return open
    } catch (cause) {
      this.#forget(opening)
      throw unreachable(cause)
    }
    this.#forget(opening)
    return this.open()
  }

  async close(): Promise<void> {
    this.#closed = true
    const open = await this.#opening?.catch(() => undefined)
    await open?.connection.close()
  }

  #forget(opening: Promise<Open>): void {
    if (this.#opening === opening) this.#opening = undefined
  }

  async #connect(): Promise<Open> {
    const connection = await this.#ground.connect()
    await connection.within(connection.sql.unsafe(PLANNING[this.#use]))
    return { connection, types: await this.#columns.types(connection) }
  }
}

/** The columns of all tables, asked for once: while a program runs, they are only added to. */
export class Columns {
  #types: ColumnTypes | undefined

  async types({ sql }: Connection): Promise<ColumnTypes> {
    this.#types ??= await readColumnTypes(sql)
    return this.#types
  }
}

/**
 * Sends the statement at once, behind those that were sent before it, without waiting for them.
 * @throws StoreFault
 */
export function send({ connection }: Open, { sql, values }: Statement): Promise<Answer> {
  if (connection.lost) return Promise.reject(new StoreFault('unavailable', 'The connection to the ledger is lost'))
  const asked = connection.sql.unsafe<Row[]>(sql, values.map(sent), { prepare: true }).execute()
  const answer = connection.within(asked).then(
    (rows) => ({ rows, count: rows.count }),
    (cause: unknown) => Promise.reject(storeFault(cause)),
  )
  // It is awaited later, and others may fail before it.
  answer.catch(() => undefined)
  return answer
}

export function storeFault(cause: unknown): StoreFault {
  if (cause instanceof StoreFault) return cause
  const fault = cleaned(cause)
  return new StoreFault(fault.code === ROW_GONE ? 'retry' : faultOf(fault, 'before_commit'), fault.message, fault)
}

function unreachable(cause: unknown): StoreFault {
  if (cause instanceof StoreFault) return cause
  const detail = cause instanceof PurserError ? cause.refusal.detail : cleaned(cause).message
  return new StoreFault('unavailable', detail, cause)
}

/**
 * Every statement here finds rows by keys, so a plan that reads a whole table, made while that was small, would only get
 * slower. What writes has one plan each: made anew for each number of keys, it costs more than what it does. Engines
 * without these settings plan as they like.
 */
const KEYS_ONLY = `SELECT set_config(name, 'off', false) FROM pg_settings
  WHERE name IN ('enable_seqscan', 'enable_hashjoin', 'enable_mergejoin', 'jit')`
const PLANNING: Record<Use, string> = {
  reading: KEYS_ONLY,
  writing: `${KEYS_ONLY};
SELECT set_config(name, 'force_generic_plan', false) FROM pg_settings WHERE name = 'plan_cache_mode'`,
}
