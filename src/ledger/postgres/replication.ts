/**
 * Whether what this server acknowledges survives its own end. A server with an asynchronous standby acknowledges what a
 * failover loses, and money that was reserved would be free again. So such a server is refused, unless the operator says
 * `unsafeAsyncReplication`.
 *
 * PostgreSQL, and what behaves as it, shows its standbys; storage that replicates below it (Aurora, RDS Multi-AZ, Cloud
 * SQL HA) shows none and needs none. CockroachDB and Yugabyte commit by consensus, and are believed.
 */
import * as z from 'zod'
import type { Connection } from './connection.ts'
import { cleaned } from './faults.ts'

/** What a server says of itself; null where it does not tell. */
export interface Facts {
  readonly version: string
  readonly readOnly: boolean
  /** The setting of this very connection. */
  readonly synchronousCommit: string
  readonly synchronousStandbys: string
  readonly fsync: boolean
  readonly fullPageWrites: boolean
  /** Connections of physical standbys; those of logical subscribers are no standbys. */
  readonly standbys: number
  /** Slots that physical standbys use or have used. */
  readonly slots: readonly string[]
}

/** `refused` where nothing may be paid over this server; the reason is a sentence for the operator. */
export type Assessment =
  | { readonly kind: 'durable'; readonly warnings: readonly string[] }
  | { readonly kind: 'refused'; readonly reason: string }

const REMEDY = 'name a synchronous standby in synchronous_standby_names, or set unsafeAsyncReplication and accept the loss'

/** Decides by the facts alone. */
export function assess(facts: Facts, { unsafeAsyncReplication }: { readonly unsafeAsyncReplication: boolean }): Assessment {
  if (facts.readOnly) return { kind: 'refused', reason: 'The server is a standby or read-only; the ledger has to be written.' }
  const dangers = dangersOf(facts)
  const [danger] = dangers
  if (danger !== undefined && !unsafeAsyncReplication) return { kind: 'refused', reason: `${danger}; ${REMEDY}.` }
  const warnings = dangers.map((one) => `${one}; unsafeAsyncReplication allows it.`)
  if (!facts.fullPageWrites) warnings.push(TORN_PAGES)
  return { kind: 'durable', warnings }
}

const TORN_PAGES = 'The server runs with full_page_writes off: only a file system that never tears a page makes that safe.'
const WAITS_FOR_STANDBY: ReadonlySet<string> = new Set(['on', 'remote_apply'])

function dangersOf(facts: Facts): string[] {
  if (/CockroachDB|-YB-/.test(facts.version)) return []
  const dangers: string[] = []
  if (!facts.fsync) dangers.push('The server runs with fsync off, so that a power cut loses what it acknowledged')
  if (!WAITS_FOR_STANDBY.has(facts.synchronousCommit)) {
    dangers.push(`Its synchronous_commit is ${facts.synchronousCommit}, so that it acknowledges what is not durable`)
  }
  if (facts.synchronousStandbys.trim() === '' && isReplicated(facts)) {
    dangers.push(`The server is replicated (${evidenceOf(facts)}) but waits for no standby, so that a failover loses what it acknowledged`)
  }
  return dangers
}

function isReplicated({ standbys, slots }: Facts): boolean {
  return standbys > 0 || slots.length > 0
}

function evidenceOf({ standbys, slots }: Facts): string {
  return standbys > 0 ? `${standbys} attached` : `replication slot ${slots.join(', ')}`
}

const serverRow = z.object({
  version: z.string(),
  read_only: z.string(),
  synchronous_commit: z.string().nullable(),
  standby_names: z.string().nullable(),
  fsync: z.string().nullable(),
  full_page_writes: z.string().nullable(),
})

/** `true` for settings that an engine does not have. */
const SERVER = `SELECT version() AS version, current_setting('transaction_read_only') AS read_only,
  current_setting('synchronous_commit', true) AS synchronous_commit,
  current_setting('synchronous_standby_names', true) AS standby_names,
  current_setting('fsync', true) AS fsync, current_setting('full_page_writes', true) AS full_page_writes`

/** Without pg_monitor only the process ids are shown, and that is all that is needed. */
const STANDBYS = `SELECT count(*) AS count FROM pg_stat_replication
  WHERE pid NOT IN (SELECT active_pid FROM pg_replication_slots WHERE slot_type = 'logical' AND active_pid IS NOT NULL)
    AND coalesce(state, '') <> 'backup'`
const SLOTS = `SELECT slot_name::text AS name FROM pg_replication_slots WHERE slot_type = 'physical' ORDER BY 1`

/** @throws DatabaseFault where the connection is lost. Views that an engine does not have count as empty. */
export async function readFacts(connection: Connection): Promise<Facts> {
  const [server] = await connection.within(connection.sql.unsafe(SERVER))
  const row = serverRow.parse(server)
  const standbys = z.array(z.object({ count: z.bigint() })).parse(await rowsOf(connection, STANDBYS))
  const slots = z.array(z.object({ name: z.string() })).parse(await rowsOf(connection, SLOTS))
  return {
    version: row.version,
    readOnly: row.read_only === 'on',
    synchronousCommit: row.synchronous_commit ?? 'on',
    synchronousStandbys: row.standby_names ?? '',
    fsync: row.fsync !== 'off',
    fullPageWrites: row.full_page_writes !== 'off',
    standbys: Number(standbys[0]?.count ?? 0n),
    slots: slots.map(({ name }) => name),
  }
}

const ABSENT = /^42/

async function rowsOf(connection: Connection, statement: string): Promise<unknown[]> {
  try {
    return [...(await connection.within(connection.sql.unsafe(statement)))]
  } catch (cause) {
    const fault = cleaned(cause)
    if (ABSENT.test(fault.code)) return []
    throw fault
  }
}
