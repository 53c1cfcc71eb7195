/**
 * A real PostgreSQL for tests: a data folder of its own below the system's temporary one, a free port, nothing to
 * install. Real means that fsync is on unless a test says otherwise.
 */
import { chmodSync, chownSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { type Binaries, findBinaries, moveInto, runAs } from './binaries.ts'
import { Postmaster } from './process.ts'

export interface PostgresOptions {
  /** Settings of the server, e.g. `{ synchronous_commit: 'off' }`. */
  readonly settings?: Readonly<Record<string, string>>
  /** A cluster of its own making, with a system identifier of its own, instead of a copy of the template. */
  readonly fresh?: boolean
}

const DEFAULTS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '60',
  shared_buffers: '32MB',
  max_wal_size: '256MB',
  log_min_messages: 'log',
  max_wal_senders: '4',
  timezone: 'UTC',
}

const PORT_ATTEMPTS = 5
let databases = 0

/** Starts a server; it ends with the value, and with the process that runs the tests. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const binaries = findBinaries()
  const folder = await newCluster(binaries, options.fresh ?? false)
  return PostgresServer.start({ binaries, folder, settings: options.settings ?? {} })
}

export interface ServerPlace {
  readonly binaries: Binaries
  /** The data folder; the server owns it and removes it in the end. */
  readonly folder: string
  readonly settings: Readonly<Record<string, string>>
}

export class PostgresServer implements AsyncDisposable {
  readonly port: number
  #place: ServerPlace
  #postmaster: Postmaster

  private constructor(place: ServerPlace, port: number, postmaster: Postmaster) {
    this.#place = place
    this.port = port
    this.#postmaster = postmaster
  }

  static async start(place: ServerPlace): Promise<PostgresServer> {
    for (let attempt = 1; ; attempt++) {
      const port = await freePort()
      try {
        return new PostgresServer(place, port, await Postmaster.start(place.binaries, argsOf(place, port)))
      } catch (cause) {
        if (attempt === PORT_ATTEMPTS || !/Address already in use/.test(String(cause))) throw cause
      }
    }
  }

  get version(): string {
    return this.#place.binaries.version
  }

  get pid(): number {
    return this.#postmaster.pid
  }

  get running(): boolean {
    return this.#postmaster.running
  }

  get log(): readonly string[] {
    return this.#postmaster.log
  }

  get place(): ServerPlace {
    return this.#place
  }

  url(database = 'postgres'): string {
    return `postgres://postgres@127.0.0.1:${this.port}/${database}`
  }

  /** An empty database of its own for a test; answers its URL. */
  async createDatabase(): Promise<string> {
    const name = `test_${process.pid}_${++databases}`
    await this.query(`CREATE DATABASE ${name} TEMPLATE template0`)
    return this.url(name)
  }

  /** Runs one statement on a connection of its own. */
  async query(statement: string, database?: string): Promise<Record<string, unknown>[]> {
    const sql = postgres(this.url(database), { max: 1, onnotice: () => undefined, connect_timeout: 10 })
    try {
      return [...(await sql.unsafe(statement))]
    } finally {
      await sql.end({ timeout: 5 })
    }
  }

  /** `fast` as an operator stops it, `immediate` without a last checkpoint. The data stay until the value is disposed. */
  stop(mode: 'fast' | 'immediate' = 'fast'): Promise<void> {
    return this.#postmaster.stop(mode)
  }

  /** As if the machine had lost its power, its disk apart. */
  kill(): Promise<void> {
    return this.#postmaster.kill()
  }

  /** Starts the stopped or killed server again on the same port and data; `settings` come on top of the old ones. */
  async restart(settings: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.#postmaster.stop('fast')
    this.#place = { ...this.#place, settings: { ...this.#place.settings, ...settings } }
    this.#postmaster = await Postmaster.start(this.#place.binaries, argsOf(this.#place, this.port))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#postmaster.stop('immediate')
    rmSync(this.#place.folder, { recursive: true, force: true })
  }
}

function argsOf({ folder, settings }: ServerPlace, port: number): string[] {
  const all = { ...DEFAULTS, ...settings, port: String(port) }
  return ['-D', folder, ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])]
}

/** A port that was free a moment ago; who loses the race for it tries another. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      const port = typeof address === 'object' && address ? address.port : 0
      server.close(() => resolve(port))
    })
  })
}

async function newCluster(binaries: Binaries, fresh: boolean): Promise<string> {
  const folder = newFolder(binaries, 'purser-postgres-')
  if (fresh) await initialize(binaries, folder)
  else await copyInto(binaries, { from: await template(binaries), to: folder })
  return folder
}

/** A copy of a data folder whose server is stopped. */
export async function copyCluster(binaries: Binaries, from: string): Promise<string> {
  const to = newFolder(binaries, 'purser-postgres-')
  await copyInto(binaries, { from, to })
  return to
}

function copyInto({ servant }: Binaries, { from, to }: { readonly from: string; readonly to: string }): Promise<void> {
  return runAs(servant, 'cp', ['-R', `${from}/.`, to])
}

/** Below the temporary folder, for the servant alone. */
function newFolder({ servant }: Binaries, prefix: string): string {
  const folder = mkdtempSync(join(tmpdir(), prefix))
  if (servant.uid !== undefined) chownSync(folder, servant.uid, servant.gid)
  chmodSync(folder, 0o700)
  return folder
}

/** Made once for a version and user; copying it takes a tenth of the time. */
async function template(binaries: Binaries): Promise<string> {
  const owner = binaries.servant.uid ?? process.getuid?.() ?? 0
  const place = join(tmpdir(), `purser-postgres-template-${binaries.version}-${owner}`)
  if (existsSync(place) && statSync(place).uid === owner) return place
  const folder = newFolder(binaries, 'purser-postgres-making-')
  await initialize(binaries, folder)
  moveInto(folder, place)
  return place
}

function initialize({ initdb, servant }: Binaries, folder: string): Promise<void> {
  const args = ['-D', folder, '--username=postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-instructions']
  return runAs(servant, initdb, args)
}
