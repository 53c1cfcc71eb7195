/**
 * The ledger in PostgreSQL, for several processes that share sessions. The rules are those of every ledger, over a
 * working set of locked rows; what is told is committed. From the server it needs: transactions at READ COMMITTED that
 * block on SELECT … FOR UPDATE (also SKIP LOCKED and FOR SHARE), sequences, identity columns, partial unique indexes,
 * ON CONFLICT, json_to_recordset, unnest WITH ORDINALITY, LATERAL, window functions, information_schema and, where there
 * is one, LISTEN/NOTIFY: nothing newer than version 14, no extension, no trigger, no superuser.
 */
import { LEDGER_CONNECTIONS } from '../limits.ts'
import type { Ledger } from './ledger.ts'
import { ClientStore } from './postgres/client-store.ts'
import { openGround } from './postgres/ground.ts'
import { openHighMark } from './postgres/mark.ts'
import { type ComposeOptions, PostgresLedger } from './postgres/postgres-ledger.ts'
import type { Store } from './postgres/store.ts'

export interface PostgresLedgerOptions extends ComposeOptions {
  /** Without the password. Several hosts are tried in turn. */
  readonly url: string
  readonly password?: string
  readonly schema?: string
  /** A commit may then be lost with its server, and its money be spent again. */
  readonly unsafeAsyncReplication: boolean
  /** Names this start of the process: only the run that signed may take back. Fresh for every start. */
  readonly runId: string
  /** Names the place that only one process can have, e.g. host and data folder: a new start ends the one before it. */
  readonly instance: string | null
  /** A file outside of the ledger that knows how far it had come. */
  readonly mark?: string
  /** False for a worker: its primary writes the mark, and it is only compared here. */
  readonly marksItself?: boolean
  /** An operator says that this ledger is the one to go on with, though it is older than its mark. */
  readonly acceptRestored?: boolean
}

/**
 * Opens the ledger: finds the server, brings the schema up to date, enters this run, and settles what runs that have
 * ended left behind.
 * @throws PurserError `ledger_unavailable` where there is no server that may be written to.
 */
export async function openPostgresLedger(options: PostgresLedgerOptions): Promise<Ledger> {
  let ledger: Ledger | undefined
  const takeOver = () => {
    ledger?.takeOver().catch((cause: unknown) => options.events?.warned('What an ended run left behind could not be settled.', cause))
  }
  const { mark, marksItself = true, acceptRestored = false, ...rest } = options
  const ground = await openGround({
    ...rest,
    ...(mark !== undefined && { mark: openHighMark(mark, { accept: acceptRestored, writes: marksItself }) }),
    lanes: LEDGER_CONNECTIONS,
    onRunsEnded: takeOver,
  })
  ledger = await composePostgresLedger(new ClientStore(ground, LEDGER_CONNECTIONS), options)
  return ledger
}

/** The ledger over a store that is open; it disposes of the store. */
export async function composePostgresLedger(store: Store, options: ComposeOptions): Promise<Ledger> {
  const ledger = new PostgresLedger(store, options)
  try {
    await ledger.takeOver()
    return ledger
  } catch (cause) {
    await ledger[Symbol.asyncDispose]()
    throw cause
  }
}
