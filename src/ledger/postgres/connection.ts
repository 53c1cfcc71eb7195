/**
 * One connection to the ledger's server, with the settings that durability needs. It never reconnects: whoever opens the
 * next one has it vetted again, because behind the same name another server may stand after a failover.
 */
import type { Socket } from 'node:net'
import postgres, { type Sql } from 'postgres'
import { PurserError } from '../../errors.ts'
import { CONNECT_TIMEOUT_MS, LEDGER_ANSWER_TIMEOUT_MS, LEDGER_TIMEOUT_MS } from '../../limits.ts'
import { dial, tlsFor } from './dial.ts'
import { cleaned, DatabaseFault, faultOf, isUnreplicated } from './faults.ts'
import type { Host, Place } from './place.ts'

/** Whole numbers of 64 bits come as bigint. */
export type Client = Sql<{ bigint: bigint }>

/** What became of a transaction. `unknown`: it may be there, or may be lost with this server. */
export type Commit =
  | { readonly kind: 'committed' }
  | { readonly kind: 'rolled_back'; readonly cause: DatabaseFault | undefined }
  | { readonly kind: 'unknown'; readonly why: string; readonly cause: DatabaseFault | undefined }

export interface ConnectOptions {
  readonly place: Place
  readonly password?: string
  readonly schema: string
  /** Shown in the server's list of sessions. */
  readonly name: string
  /** Called for each notification that arrives. */
  readonly onNotify?: (channel: string) => void
}

export class Connection {
  /** Statements, BEGIN and COMMIT included, pipelined in the order in which they are awaited or `.execute()`d: a query is lazy. */
  readonly sql: Client
  readonly host: Host
  readonly #socket: Socket
  readonly #unreplicated: () => boolean
  readonly #state: { lost: boolean }

  constructor(parts: { sql: Client; host: Host; socket: Socket; state: { lost: boolean }; unreplicated: () => boolean }) {
    this.sql = parts.sql
    this.host = parts.host
    this.#socket = parts.socket
    this.#state = parts.state
    this.#unreplicated = parts.unreplicated
  }

  /** It is closed, by whomever; what is asked of it from now on is refused. */
  get lost(): boolean {
    return this.#state.lost || this.#socket.destroyed
  }

  /** Waits no longer than the server itself would; beyond it the connection is given up, and all that waits on it fails. */
  async within<T>(answer: PromiseLike<T>): Promise<T> {
    const timer = setTimeout(() => this.#socket.destroy(), LEDGER_ANSWER_TIMEOUT_MS)
    try {
      return await answer
    } finally {
      clearTimeout(timer)
    }
  }

  /** Sends COMMIT at once, behind all that was asked for before, and tells what became of the transaction. */
  async commit(): Promise<Commit> {
    this.#unreplicated()
    try {
      const { command } = await this.within(this.sql.unsafe('COMMIT').execute())
      if (command !== 'COMMIT') return { kind: 'rolled_back', cause: undefined }
      return this.#unreplicated() ? { kind: 'unknown', why: UNREPLICATED, cause: undefined } : { kind: 'committed' }
    } catch (cause) {
      const fault = cleaned(cause)
      return faultOf(fault, 'commit') === 'unknown'
        ? { kind: 'unknown', why: `the connection was lost while it was committed (${fault.message})`, cause: fault }
        : { kind: 'rolled_back', cause: fault }
    }
  }

  /** Runs `work` in a transaction of its own. @throws DatabaseFault where it is not certain to be committed. */
  async transact<T>(work: (sql: Client) => Promise<T>): Promise<T> {
    await this.within(this.sql.unsafe('BEGIN'))
    try {
      const value = await this.within(work(this.sql))
      const commit = await this.commit()
      if (commit.kind === 'committed') return value
      throw commit.cause ?? new DatabaseFault('UNKNOWN', commit.kind === 'unknown' ? commit.why : 'the transaction was rolled back')
    } catch (cause) {
      if (!this.lost) await this.within(this.sql.unsafe('ROLLBACK')).catch(() => this.#socket.destroy())
      throw cause instanceof PurserError ? cause : cleaned(cause)
    }
  }

  async close(): Promise<void> {
    await this.sql.end({ timeout: 1 })
    this.#socket.destroy()
  }
}

const UNREPLICATED = 'the server stopped waiting for its standby'

/** @throws DatabaseFault where this host cannot be reached, or does not let us in. */
export async function connectTo(host: Host, options: ConnectOptions): Promise<Connection> {
  const socket = await dial(host).catch((cause: unknown) => Promise.reject(cleaned(cause)))
  const state = { lost: false }
  const notices: { unreplicated: boolean } = { unreplicated: false }
  const sql = postgres({
    ...clientOptions(host, options),
    ...takeOnce(socket),
    onnotice: (notice) => {
      notices.unreplicated ||= isUnreplicated(notice)
    },
    onclose: () => {
      state.lost = true
      void sql.end({ timeout: 0 })
    },
  })
  const unreplicated = () => {
    const was = notices.unreplicated
    notices.unreplicated = false
    return was
  }
  const connection = new Connection({ sql, host, socket, state, unreplicated })
  try {
    await connection.within(sql.unsafe(settings(options.schema)))
    return connection
  } catch (cause) {
    await connection.close()
    throw cleaned(cause)
  }
}

/** Everything that the client would otherwise take from the environment or decide by itself. */
function clientOptions(host: Host, { place, password, name, onNotify }: ConnectOptions) {
  return {
    host: host.name,
    port: host.port,
    database: place.database,
    username: place.user,
    password: password ?? '',
    ssl: tlsFor(host, place.tls),
    max: 1,
    idle_timeout: 0,
    max_lifetime: 0,
    connect_timeout: CONNECT_TIMEOUT_MS / 1000,
    keep_alive: 10,
    connection: { application_name: name },
    // Where the connection breaks while it asks, nobody would hear of the client's own question about types: the process would end.
    fetch_types: false,
    types: { bigint: postgres.BigInt },
    ...(onNotify && { onnotify: onNotify }),
  }
}

/** The client asks for a socket again when it wants to reconnect; there is none. */
function takeOnce(socket: Socket) {
  let taken = false
  return {
    socket: async () => {
      if (taken || socket.destroyed) throw new DatabaseFault('CONNECTION_CLOSED', 'the connection is closed')
      taken = true
      return socket
    },
  }
}

/**
 * A commit is durable before it is acknowledged, whatever the role's or the database's default says; a stronger default
 * stays. A process that stops in the middle of a transaction keeps its locks no longer than a statement may take.
 */
function settings(schema: string): string {
  return `SET search_path TO ${schema};
SET statement_timeout TO ${LEDGER_TIMEOUT_MS};
SET lock_timeout TO ${LEDGER_TIMEOUT_MS};
SET idle_in_transaction_session_timeout TO ${LEDGER_TIMEOUT_MS};
SET client_min_messages TO warning;
SELECT set_config('synchronous_commit',
  CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false)`
}
