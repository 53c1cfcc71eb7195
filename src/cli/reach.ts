/** A Purser to talk to: the one that runs, or else one in this process for as long as the command lasts. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config/load.ts'
import { PurserError } from '../errors.ts'
import { type AdminClient, AdminUnreachable, createAdminClient } from './admin-client.ts'
import { AnyAnswer } from './answers.ts'
import { caFileOf } from './ca-bundle.ts'
import { CliFailure } from './failure.ts'
import { adminOf, type Settings } from './settings.ts'
import type { Terminal } from './terminal.ts'

export interface Reached extends AsyncDisposable {
  readonly admin: AdminClient
  /** The authority's certificate, if this user can see the file. */
  readonly caFile: string | undefined
  /** True where this process runs the proxy itself. */
  readonly own: boolean
}

/**
 * Where nothing listens at the configured address and no other address was named, starts a Purser on free ports with
 * the same data folder. One process owns the ledger, so two such commands at once do not work: the second is refused.
 */
export async function reachPurser(settings: Settings, terminal: Terminal): Promise<Reached> {
  try {
    return await reachRunning(settings, terminal)
  } catch (error) {
    const elsewhere = Boolean(terminal.env.PURSER_ADMIN_URL)
    if (elsewhere || !(error instanceof AdminUnreachable || hasNeverRun(settings))) throw error
    return startOwn(settings.config, terminal)
  }
}

/** Without the token's file no Purser has ever run on this data folder. */
function hasNeverRun({ config }: Settings): boolean {
  return !existsSync(join(config.dataDir, 'admin.token'))
}

async function reachRunning(settings: Settings, terminal: Terminal): Promise<Reached> {
  const admin = createAdminClient({ ...(await adminOf(settings, terminal)), signal: terminal.stop })
  await admin.get('/v1/wallet', AnyAnswer)
  const caFile = caFileOf(settings.config)
  return { admin, caFile: existsSync(caFile) ? caFile : undefined, own: false, [Symbol.asyncDispose]: async () => {} }
}

async function startOwn(config: Config, terminal: Terminal): Promise<Reached> {
  const { startApp } = await import('../app.ts')
  const app = await startApp(onFreePorts(config), { logLevel: 'error', env: terminal.env }).catch(explainOwner)
  for (const warning of app.warnings) terminal.err.line(`Warning: ${warning}`)
  const { token } = await adminOf({ config, file: undefined }, terminal)
  const admin = createAdminClient({ url: app.adminUrl, token })
  return {
    admin,
    caFile: app.caFile,
    own: true,
    [Symbol.asyncDispose]: async () => {
      await app.drain()
      await app[Symbol.asyncDispose]()
    },
  }
}

/** The ledger is taken: a Purser runs on this data folder, only not where the configuration says. */
function explainOwner(error: unknown): never {
  if (!(error instanceof PurserError) || error.refusal.code !== 'ledger_unavailable') throw error
  const advice =
    'If that is a Purser at another address, name it: PURSER_ADMIN_URL=http://host:port. If it is another `purser exec`, run `purser serve` first.'
  throw new CliFailure(error.refusal.detail, { advice, cause: error })
}

/** Loopback only, whatever the configuration says: this proxy is for one command. */
function onFreePorts(config: Config): Config {
  const listen = { host: '127.0.0.1', port: 0 }
  return { ...config, proxy: { ...config.proxy, listen }, admin: { ...config.admin, listen }, metrics: { listen: null } }
}
