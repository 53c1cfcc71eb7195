/**
 * Standing: what this process knows to be durable, held against every server that it connects to. A primary that was
 * deposed and came back, or a server that was restored from a backup, lacks some of it: written through such a server,
 * money that is spent would be spent again.
 */
import * as z from 'zod'
import type { Connection } from './connection.ts'
import { cleaned } from './faults.ts'

/** A server, as far as it tells: engines without these functions tell nothing, and the counters decide alone. */
interface Server {
  readonly system: string | null
  readonly timeline: number | null
}

const serverRow = z.object({ system: z.string(), timeline: z.string() })
const laneRows = z.array(z.object({ lane: z.bigint(), number: z.bigint() }))
const highRow = z.object({ high: z.bigint() })

export class Standing {
  readonly #runId: string
  readonly #lanes = new Map<number, bigint>()
  #server: Server | undefined
  #high: bigint

  /** @param high The newest receipt's place that an earlier run has seen durable, 0 where it is not known. */
  constructor(runId: string, high = 0n) {
    this.#runId = runId
    this.#high = high
  }

  /** What stays known when this process goes on as another run. */
  successor(runId: string): Standing {
    const standing = new Standing(runId, this.#high)
    standing.#server = this.#server
    return standing
  }

  /** The newest receipt's place that is known to be durable. */
  get high(): bigint {
    return this.#high
  }

  /** This commit of the lane was acknowledged: no server without it is the ledger's any more. */
  acknowledged(lane: number, number: bigint): void {
    if (number > (this.#lanes.get(lane) ?? 0n)) this.#lanes.set(lane, number)
  }

  /** As `acknowledged`, for what other runs wrote. */
  reached(high: bigint): void {
    if (high > this.#high) this.#high = high
  }

  /** Why this server is not the one that acknowledged, or undefined where it may be used. */
  async objection(connection: Connection): Promise<string | undefined> {
    const server = await readServer(connection)
    return this.#objectionTo(server) ?? (await this.#missing(connection)) ?? this.#accept(server)
  }

  #objectionTo({ system, timeline }: Server): string | undefined {
    const known = this.#server
    if (!known) return undefined
    if (known.system !== null && system !== null && known.system !== system) {
      return 'it is another server than the one that was used so far. Start Purser again if it was moved there'
    }
    if (known.timeline !== null && timeline !== null && timeline < known.timeline) {
      return `it is a deposed primary: its history (timeline ${timeline}) ended when timeline ${known.timeline} began`
    }
    return undefined
  }

  /**
   * Counters need no privilege and no function of one engine: what was acknowledged is there, or it was lost. What is
   * acknowledged while the server is asked may be missing in its answer.
   */
  async #missing(connection: Connection): Promise<string | undefined> {
    const [known, reached] = [[...this.#lanes], this.#high]
    const lanes = laneRows.parse([...(await connection.within(connection.sql.unsafe(LANES, [this.#runId])))])
    const stands = new Map(lanes.map(({ lane, number }) => [Number(lane), number]))
    for (const [lane, number] of known) {
      const there = stands.get(lane) ?? 0n
      if (there < number) return `it lacks ${number - there} transactions that were acknowledged: it is a deposed primary or was restored`
    }
    const { high } = highRow.parse((await connection.within(connection.sql.unsafe(HIGH)))[0])
    if (high >= reached) return undefined
    return `it lacks receipts that were durable (it ends at ${high}, and ${reached} was seen): it is a deposed primary or was restored`
  }

  #accept(server: Server): undefined {
    this.#server = server
    return undefined
  }
}

const LANES = 'SELECT lane, number FROM lanes WHERE run_id = $1'
const HIGH = 'SELECT coalesce(max(seq), 0) AS high FROM receipts'
/** The timeline of what is being written; the control file has it only after the next checkpoint. */
const SERVER = `SELECT (SELECT system_identifier::text FROM pg_control_system()) AS system,
  substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) AS timeline`

async function readServer(connection: Connection): Promise<Server> {
  try {
    const { system, timeline } = serverRow.parse((await connection.within(connection.sql.unsafe(SERVER)))[0])
    return { system, timeline: Number.parseInt(timeline, 16) }
  } catch (cause) {
    if (connection.lost) throw cleaned(cause)
    return { system: null, timeline: null }
  }
}
