/** A primary and its standby, made by a cold copy: what a failover is tried on. */
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { copyCluster, PostgresServer, startPostgres } from './server.ts'

export interface PairOptions {
  /** True: the primary waits for the standby before it acknowledges a commit. */
  readonly synchronous: boolean
  readonly settings?: Readonly<Record<string, string>>
}

const STANDBY = 'standby'

export async function startPair({ synchronous, settings = {} }: PairOptions): Promise<Pair> {
  const primary = await startPostgres({ settings, fresh: true })
  const pair = new Pair(primary, await standbyOf(primary, settings))
  if (synchronous) await pair.primary.query(`ALTER SYSTEM SET synchronous_standby_names = '${STANDBY}'`)
  await pair.primary.query('SELECT pg_reload_conf()')
  await pair.inSync(synchronous ? 'sync' : 'async')
  return pair
}

export class Pair implements AsyncDisposable {
  #primary: PostgresServer
  #standby: PostgresServer

  constructor(primary: PostgresServer, standby: PostgresServer) {
    this.#primary = primary
    this.#standby = standby
  }

  /** The server that was the primary at first, also when it is deposed. */
  get primary(): PostgresServer {
    return this.#primary
  }

  get standby(): PostgresServer {
    return this.#standby
  }

  /** One URL that names both. */
  url(database: string): string {
    return `postgres://postgres@127.0.0.1:${this.#primary.port},127.0.0.1:${this.#standby.port}/${database}`
  }

  /** Waits until the standby follows the primary in this way. */
  inSync(state: 'sync' | 'async'): Promise<void> {
    return until(async () => {
      const rows = await this.#primary.query(`SELECT 1 FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = '${state}'`)
      return rows.length === 1
    })
  }

  killPrimary(): Promise<void> {
    return this.#primary.kill()
  }

  /** Makes the standby a primary that can be written to; answers when it can. */
  async promote(): Promise<void> {
    await this.#standby.query('SELECT pg_promote(true, 60)')
  }

  /** Waits until this question has an answer on the standby. */
  standbyShows(statement: string): Promise<void> {
    return until(async () => (await this.#standby.query(statement)).length > 0)
  }

  /** Holds back what the standby gets to see, so that it lags. */
  async cutOff(): Promise<void> {
    await this.#standby.query("ALTER SYSTEM SET primary_conninfo = ''")
    await this.#standby.query('SELECT pg_reload_conf()')
    await until(async () => (await this.#primary.query('SELECT 1 FROM pg_stat_replication')).length === 0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#standby[Symbol.asyncDispose]()
    await this.#primary[Symbol.asyncDispose]()
  }
}

async function standbyOf(primary: PostgresServer, settings: Readonly<Record<string, string>>): Promise<PostgresServer> {
  await primary.stop('fast')
  const { binaries } = primary.place
  const folder = await copyCluster(binaries, primary.place.folder)
  const source = `host=127.0.0.1 port=${primary.port} user=postgres application_name=${STANDBY}`
  writeFileSync(join(folder, 'standby.signal'), '')
  appendFileSync(join(folder, 'postgresql.auto.conf'), `primary_conninfo = '${source}'\n`)
  await primary.restart()
  return PostgresServer.start({ binaries, folder, settings: { ...settings, hot_standby: 'on' } })
}

const LOOK_MS = 20

/** Asks again and again: PostgreSQL tells nobody when a standby has caught up. */
async function until(reached: () => Promise<boolean>): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const look = () => {
    reached().then((done) => (done ? resolve() : setTimeout(look, LOOK_MS)), reject)
  }
  look()
  return promise
}
