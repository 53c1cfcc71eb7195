/**
 * Runs: the processes that pay from this ledger. Each tells that it is alive; one that was not heard of for too long is
 * declared ended, and what it was signing is unknown from then on. Its lanes are closed in the same transaction, and a
 * lane's row is written by every transaction of its run: so none of them can commit any more, and a process that was only
 * paused finds itself fenced.
 */
import * as z from 'zod'
import type { Clock } from '../../clock.ts'
import { refused } from '../../errors.ts'
import { RUN_HEARTBEAT_MS, RUN_RETENTION_MS, RUN_TIMEOUT_MS } from '../../limits.ts'
import type { Client, Connection } from './connection.ts'

/** Milliseconds since 1970, by the server's clock, which is one for all. */
export const SERVER_NOW = '(extract(epoch FROM clock_timestamp()) * 1000)::bigint'

export interface RunOptions {
  /** Fresh for every start. */
  readonly runId: string
  /** Names the place that only one process can have, e.g. host and data folder: a new start ends the one before it. */
  readonly instance: string | null
  /** Connections that write at a time, each with a number of its own from 0 on. */
  readonly lanes: number
  readonly clock: Pick<Clock, 'monotonic'>
}

interface Sighting {
  readonly beats: bigint
  /** By the monotonic clock of this process. */
  readonly since: number
}

const beatRow = z.object({ high: z.bigint() })
const otherRows = z.array(z.object({ id: z.string(), beats: z.bigint(), silence: z.bigint() }))
const laneRow = z.object({ number: z.bigint() })
const idRows = z.array(z.object({ id: z.string() }))

const endedRow = z.object({ ended_why: z.string().nullable() })

const FENCED = `The ledger was not told for ${RUN_TIMEOUT_MS / 1000} s that this process is alive, and has declared it ended.`
const TAKEN = 'Another process pays from this place (the same host and data folder), so this one has ended. Stop one of them.'
const SUPERSEDED = 'another process took its place'
const SILENT = 'it was not heard of'

export class Run {
  readonly id: string
  readonly #options: RunOptions
  readonly #sightings = new Map<string, Sighting>()
  #lastBeat: number
  #over: string | undefined

  private constructor(options: RunOptions) {
    this.id = options.runId
    this.#options = options
    this.#lastBeat = options.clock.monotonic()
  }

  /**
   * Enters the run and its lanes.
   * @throws DatabaseFault where that is not certain to be durable.
   */
  static async enter(connection: Connection, options: RunOptions): Promise<Run> {
    const run = new Run(options)
    await connection.transact(async (sql) => {
      if (options.instance !== null) await run.#supersede(sql, options.instance)
      await sql.unsafe(`INSERT INTO runs (id, instance, started_at, heartbeat_at) VALUES ($1, $2, ${SERVER_NOW}, ${SERVER_NOW})`, [
        run.id,
        options.instance,
      ])
      await sql.unsafe('INSERT INTO lanes (run_id, lane) SELECT $1, generate_series(0, $2::int - 1)', [run.id, options.lanes])
    })
    return run
  }

  /** Why this run may write nothing any more, or undefined. */
  get over(): string | undefined {
    return this.#over
  }

  /** How long ago the ledger last heard of this run, in milliseconds. */
  get silence(): number {
    return this.#options.clock.monotonic() - this.#lastBeat
  }

  /** Whoever finds a lane closed says so. */
  fenced(): void {
    this.#over ??= FENCED
  }

  /**
   * After `over`: whether this process may go on as another run, because it was only paused or lost its place in a lane.
   * False where another process has its place, or where it left by itself.
   */
  async mayComeBack(connection: Connection): Promise<boolean> {
    const [row] = await connection.within(connection.sql.unsafe('SELECT ended_why FROM runs WHERE id = $1', [this.id]))
    const why = row === undefined ? null : endedRow.parse(row).ended_why
    if (why === SUPERSEDED) this.#over = TAKEN
    if (why !== null) return why === SILENT
    await connection.transact((sql) => endAll(sql, { ids: [this.id], why: SILENT }))
    return true
  }

  /**
   * Tells that this run is alive. Answers the newest receipt's place that is certain to be durable.
   * @throws PurserError `ledger_unavailable` where the run is over, DatabaseFault where the server cannot be reached.
   */
  async beat(connection: Connection): Promise<bigint> {
    const started = this.#options.clock.monotonic()
    const rows = await connection.transact((sql) => sql.unsafe(BEAT, [this.id]))
    const [row] = rows
    if (row === undefined) {
      this.fenced()
      throw refused('ledger_unavailable', this.#over ?? '')
    }
    // Whoever was away cannot tell who else was: what it saw before counts from now on only.
    if (started - this.#lastBeat > 2 * RUN_HEARTBEAT_MS) this.#sightings.clear()
    this.#lastBeat = started
    return beatRow.parse(row).high
  }

  /**
   * Declares ended whom neither the server nor this process has heard of for `RUN_TIMEOUT_MS`; answers their ids.
   * The server's clock alone is not enough: after a failover nobody was heard of for a while.
   */
  async endSilent(connection: Connection): Promise<readonly string[]> {
    const others = otherRows.parse([...(await connection.within(connection.sql.unsafe(OTHERS, [this.id])))])
    const now = this.#options.clock.monotonic()
    const ended: string[] = []
    for (const { id, beats, silence } of others) {
      const seen = this.#sightings.get(id)
      if (seen?.beats !== beats) this.#sightings.set(id, { beats, since: now })
      else if (now - seen.since >= RUN_TIMEOUT_MS && silence >= RUN_TIMEOUT_MS) ended.push(...(await this.#end(connection, { id, beats })))
    }
    this.#forget(others.map(({ id }) => id))
    return ended
  }

  /** Removes what nobody asks for any more: whose run is not there has ended. */
  async prune(connection: Connection): Promise<void> {
    await connection.transact(async (sql) => {
      const old = idRows.parse([...(await sql.unsafe(OLD, [RUN_RETENTION_MS]))]).map(({ id }) => id)
      for (const id of old) {
        await sql.unsafe('DELETE FROM lanes WHERE run_id = $1', [id])
        await sql.unsafe('DELETE FROM runs WHERE id = $1', [id])
      }
    })
  }

  /** A process that stops in order is nobody's concern; what it left open can be taken over at once. */
  async leave(connection: Connection): Promise<void> {
    this.#over ??= 'The ledger is closed.'
    await connection.transact((sql) => endAll(sql, { ids: [this.id], why: 'it stopped' }))
  }

  /** By compare-and-set: a run that beats meanwhile lives on, and one in the middle of a heartbeat is passed over. */
  async #end(connection: Connection, { id, beats }: { readonly id: string; readonly beats: bigint }): Promise<string[]> {
    return connection.transact(async (sql) => {
      const still = await sql.unsafe(STILL_SILENT, [id, beats])
      if (still.length === 0) return []
      await endAll(sql, { ids: [id], why: SILENT })
      return [id]
    })
  }

  async #supersede(sql: Client, instance: string): Promise<void> {
    const before = await sql.unsafe('SELECT id FROM runs WHERE instance = $1 AND ended_at IS NULL ORDER BY id FOR UPDATE', [instance])
    const ids = idRows.parse([...before]).map(({ id }) => id)
    if (ids.length > 0) await endAll(sql, { ids, why: SUPERSEDED })
  }

  #forget(living: readonly string[]): void {
    for (const id of this.#sightings.keys()) if (!living.includes(id)) this.#sightings.delete(id)
  }
}

/** Closing the lanes waits for the transactions that are open on them. */
async function endAll(sql: Client, { ids, why }: { readonly ids: readonly string[]; readonly why: string }): Promise<void> {
  for (const id of ids) {
    await sql.unsafe('UPDATE lanes SET ended = true WHERE run_id = $1', [id])
    await sql.unsafe(`UPDATE runs SET ended_at = ${SERVER_NOW}, ended_why = $2 WHERE id = $1 AND ended_at IS NULL`, [id, why])
  }
}

/**
 * How many transactions this lane has committed, once that is certain: it waits until whoever had the lane is gone, and
 * what it answers is durable, because a write of its own behind it is.
 */
export async function lookUp(connection: Connection, lane: { readonly runId: string; readonly number: number }): Promise<bigint> {
  const [row] = await connection.transact((sql) => sql.unsafe(TOUCH, [lane.runId, lane.number]))
  return laneRow.parse(row).number
}

const TOUCH = 'UPDATE lanes SET number = number WHERE run_id = $1 AND lane = $2 RETURNING number'
/** What is visible here was committed before this transaction: once that is acknowledged, all of it is durable. */
const BEAT = `UPDATE runs SET beats = beats + 1, heartbeat_at = ${SERVER_NOW} WHERE id = $1 AND ended_at IS NULL
  RETURNING (SELECT coalesce(max(seq), 0) FROM receipts) AS high`
const OTHERS = `SELECT id, beats, ${SERVER_NOW} - heartbeat_at AS silence FROM runs WHERE ended_at IS NULL AND id <> $1`
const OLD = `SELECT id FROM runs WHERE ended_at < ${SERVER_NOW} - $1 ORDER BY id LIMIT 100 FOR UPDATE SKIP LOCKED`
const STILL_SILENT = 'SELECT id FROM runs WHERE id = $1 AND beats = $2 AND ended_at IS NULL FOR UPDATE SKIP LOCKED'
