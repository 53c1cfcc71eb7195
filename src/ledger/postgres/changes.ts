/**
 * Changes that all replicas must know of within a second: written in the transaction that makes them, with a
 * notification that wakes the others. The notification carries nothing and may get lost, e.g. in a pooler: behind it
 * everybody asks every half second for what is new.
 */
import * as z from 'zod'
import { CHANGE_OVERLAP_COUNT, CHANGE_OVERLAP_MS, CHANGE_RETENTION_MS } from '../../limits.ts'
import type { Change } from '../ledger.ts'
import type { Client, Connection } from './connection.ts'
import { SERVER_NOW } from './runs.ts'

const changeRows = z.array(z.object({ id: z.bigint(), kind: z.string(), subject: z.string(), now: z.bigint() }))
type ChangeRow = z.infer<typeof changeRows>[number]

/** Writes the changes down inside the open transaction; those who watch hear of them when it has committed. */
export async function announce(sql: Client, changes: readonly Change[]): Promise<void> {
  if (changes.length === 0) return
  const rows = JSON.stringify(changes.map((change) => ({ kind: change.kind, subject: subjectOf(change) })))
  await sql.unsafe(ANNOUNCE, [rows], { prepare: true }).execute()
}

/** The channel of this schema. */
const CHANNEL = "current_schema() || '_changes'"
const ANNOUNCE = `WITH told AS (
    INSERT INTO changes (kind, subject, at)
    SELECT kind, subject, ${SERVER_NOW} FROM json_to_recordset($1::text::json) AS told (kind text, subject text) RETURNING id)
  SELECT pg_notify(${CHANNEL}, '') FROM told LIMIT 1`

export class Changes {
  readonly #listeners = new Set<(change: Change) => void>()
  /** Ids that were told already, within the overlap. */
  readonly #told = new Set<bigint>()
  #newest = 0n
  #since: bigint | undefined

  /** Calls the listener for each change, whoever made it, until the returned function is called. */
  watch(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Has the connection woken by the notifications of this schema. */
  async listen(connection: Connection, schema: string): Promise<void> {
    await connection.within(connection.sql.unsafe(`LISTEN ${schema}_changes`))
  }

  /**
   * Asks for what is new and tells it. The first time it only learns where things stand.
   * Numbers are drawn before commits, so a lower one may come later: the question reaches back a little.
   */
  async poll(connection: Connection): Promise<void> {
    const first = this.#since === undefined
    const floor = this.#newest - BigInt(CHANGE_OVERLAP_COUNT)
    const since = this.#since ?? 0n
    const asked = connection.sql.unsafe(first ? FIRST : NEW, first ? [CHANGE_OVERLAP_MS] : [floor, this.#newest, since], { prepare: true })
    const rows = changeRows.parse([...(await connection.within(asked))])
    const now = rows.at(-1)?.now
    for (const row of rows) this.#take(row, !first)
    if (now !== undefined) this.#since = now - BigInt(CHANGE_OVERLAP_MS)
    else this.#since ??= 0n
    for (const id of this.#told) if (id < this.#newest - BigInt(CHANGE_OVERLAP_COUNT)) this.#told.delete(id)
  }

  /** Removes what everybody has heard long ago. */
  async prune(connection: Connection): Promise<void> {
    await connection.within(connection.sql.unsafe(`DELETE FROM changes WHERE at < ${SERVER_NOW} - ${CHANGE_RETENTION_MS}`))
  }

  #take(row: ChangeRow, tell: boolean): void {
    if (this.#told.has(row.id)) return
    this.#told.add(row.id)
    if (row.id > this.#newest) this.#newest = row.id
    const change = changeOf(row)
    if (!tell || change === undefined) return
    for (const listener of this.#listeners) listener(change)
  }
}

const COLUMNS = `id, kind, subject, ${SERVER_NOW} AS now`
const FIRST = `SELECT ${COLUMNS} FROM changes WHERE at > ${SERVER_NOW} - $1::bigint
  OR id = (SELECT max(id) FROM changes) ORDER BY id`
const NEW = `SELECT ${COLUMNS} FROM changes WHERE id > $1 AND (id > $2 OR at > $3) ORDER BY id`

function subjectOf(change: Change): string {
  switch (change.kind) {
    case 'session_ended':
      return change.sessionId
    case 'policy':
      return change.version
    case 'approval':
      return change.approvalId
    case 'halts':
    case 'tokens':
      return ''
  }
}

/** Undefined for what only a newer program knows. */
function changeOf({ kind, subject }: ChangeRow): Change | undefined {
  switch (kind) {
    case 'session_ended':
      return { kind, sessionId: subject }
    case 'policy':
      return { kind, version: subject }
    case 'approval':
      return { kind, approvalId: subject }
    case 'halts':
    case 'tokens':
      return { kind }
    default:
      return undefined
  }
}
