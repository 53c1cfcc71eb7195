/** Where the running Purser is and how to be let in: from the configuration, its data folder and the environment. */

import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Environment } from '../config/environment.ts'
import type { Config } from '../config/load.ts'
import { type AdminClient, createAdminClient } from './admin-client.ts'
import { CliFailure } from './failure.ts'
import type { CommonFlags } from './options.ts'
import type { Terminal } from './terminal.ts'

const USUAL_FILE = 'purser.yaml'

export interface Settings {
  readonly config: Config
  /** The file that was read; undefined where there is none and the built-in defaults hold. */
  readonly file: string | undefined
}

/** `--config`, then PURSER_CONFIG, then ./purser.yaml if it is there. */
export function configFile(flags: CommonFlags, env: Environment): string | undefined {
  const named = flags.config ?? env.PURSER_CONFIG
  if (named !== undefined && named !== '') return resolve(named)
  return existsSync(USUAL_FILE) ? resolve(USUAL_FILE) : undefined
}

/** @throws CliFailure that lists every problem of the configuration with its path. */
export async function readSettings(flags: CommonFlags, terminal: Terminal): Promise<Settings> {
  const { ConfigError, loadConfig } = await import('../config/load.ts')
  const file = configFile(flags, terminal.env)
  try {
    return { config: await loadConfig({ ...(file === undefined ? {} : { file }), env: terminal.env }), file }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const lines = error.problems.map(({ path, message }) => `  ${path === '' ? '(whole file)' : path}: ${message}`)
    throw new CliFailure(`The configuration ${file ?? '(built-in)'} cannot be used:\n${lines.join('\n')}`, { cause: error })
  }
}

/** Says once that nothing was configured, because such a Purser pays nothing. */
export function hintAtDefaults({ file }: Settings, terminal: Terminal): void {
  if (file !== undefined) return
  terminal.err.line(
    'No configuration: the built-in defaults hold, and they pay nothing. `purser init` writes one; --config names one that stands elsewhere.',
  )
}

/** A client of the running Purser. Nothing is asked yet. */
export async function connectAdmin(flags: CommonFlags, terminal: Terminal): Promise<AdminClient> {
  const { PURSER_ADMIN_URL: url, PURSER_ADMIN_TOKEN: token } = terminal.env
  const known = flags.config === undefined && url && token ? { url, token } : undefined
  return createAdminClient({ ...(known ?? (await adminOf(await readSettings(flags, terminal), terminal))), signal: terminal.stop })
}

/** Address and token of the Purser that these settings describe; the environment's word wins over the files'. */
export async function adminOf({ config }: Settings, { env }: Terminal): Promise<{ url: string; token: string }> {
  return { url: env.PURSER_ADMIN_URL || adminUrl(config), token: namedToken(env) ?? (await readToken(config.dataDir)) }
}

/** An empty variable is most often a script's mistake, and the file's token, which stands in where there is none, may do everything. */
function namedToken({ PURSER_ADMIN_TOKEN: token }: Environment): string | undefined {
  if (token !== '') return token
  throw new CliFailure('PURSER_ADMIN_TOKEN is set, and empty.', {
    advice: 'Put a token into it, or unset it to use the one of the data folder.',
  })
}

const EVERYWHERE: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' }

function adminUrl({ admin }: Config): string {
  const host = EVERYWHERE[admin.listen.host] ?? admin.listen.host
  return `${admin.serverTls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${admin.listen.port}`
}

async function readToken(dataDir: string): Promise<string> {
  const file = join(dataDir, 'admin.token')
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (cause) {
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
    const message = missing ? `There is no admin token at ${file}.` : `The admin token ${file} cannot be read.`
    const advice = missing
      ? 'The first `purser serve` creates it. For a Purser elsewhere set PURSER_ADMIN_URL and PURSER_ADMIN_TOKEN.'
      : 'Run the command as the user whose Purser it is, or set PURSER_ADMIN_TOKEN.'
    throw new CliFailure(message, { advice, cause })
  }
}
