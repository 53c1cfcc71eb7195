/** Reads the configuration: text, then shape, then meaning. All problems are reported at once, each with its path. */
import { readFile, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { parseDocument } from 'yaml'
import type { z } from 'zod'
import { MAX_CONFIG_BYTES } from '../limits.ts'
import { type Issue, issuesOf } from '../session/issues.ts'
import type { Config } from './config.ts'
import type { Environment } from './environment.ts'
import { parentsOf } from './parent.ts'
import { configSchema } from './schema.ts'
import { completedWallet } from './wallet.ts'
import { dangersOf } from './warnings.ts'

export type { Config }

/** The configuration cannot be used. `problems` has all that was found. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly Issue[]
  constructor(problems: readonly Issue[], cause?: unknown) {
    super(problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('\n'), { cause })
    this.problems = problems
  }
}

export interface LoadOptions {
  /** Without it PURSER_CONFIG is read; without that the defaults hold, relative to the working folder. */
  readonly file?: string | undefined
  readonly env: Environment
}

/**
 * The configuration with its defaults. No secret is read: a command that needs none works without them.
 * @throws ConfigError
 */
export async function loadConfig({
  file = undefined,
  env,
}: {
  readonly file?: string | undefined
  readonly env: Environment
}): Promise<Config> {
  const named = file ?? (env.PURSER_CONFIG || undefined)
  if (named === undefined) return read({}, { folder: resolve('.'), env })
  const path = resolve(named)
  const folder = dirname(path)
  return read(await withTiersFile(await readYaml(path), folder), { folder, env })
}

function read(input: unknown, { folder, env }: { readonly folder: string; readonly env: Environment }): Config {
  const parsed = configSchema(folder).safeParse(input ?? {})
  if (!parsed.success) throw new ConfigError(issuesOf(parsed.error))
  return completed(parsed.data, env)
}

/** What belongs into the data folder is there unless it was put elsewhere; the environment may say how Purser gets out. */
function completed(parsed: z.output<ReturnType<typeof configSchema>>, env: Environment): Config {
  const { dataDir, wallet } = parsed
  const { parent, ...proxy } = parsed.proxy
  const own = [proxy.listen, parsed.admin.listen]
  const config = {
    ...parsed,
    proxy: { ...proxy, parents: parentsOf(parent, env, own) },
    ledger: parsed.ledger ?? { kind: 'sqlite' as const, file: join(dataDir, 'purser.db') },
    wallet: completedWallet(wallet, dataDir),
  }
  return { ...config, warnings: [...dangersOf(config), ...config.proxy.parents.notes] }
}

async function readYaml(path: string): Promise<unknown> {
  const document = parseDocument(await readText(path), { uniqueKeys: true, stringKeys: true, prettyErrors: true })
  const faults = [...document.errors, ...document.warnings]
  if (faults.length > 0) throw new ConfigError(faults.map(({ message }) => ({ path: '', message: `${path}: ${message.trim()}` })))
  try {
    return document.toJS({ maxAliasCount: 100 })
  } catch (cause) {
    throw new ConfigError([{ path: '', message: `${path}: ${cause instanceof Error ? cause.message : 'cannot be read as YAML'}` }], cause)
  }
}

async function readText(path: string): Promise<string> {
  try {
    const { size } = await stat(path)
    if (size <= MAX_CONFIG_BYTES) return await readFile(path, 'utf8')
  } catch (cause) {
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
    throw new ConfigError([{ path: '', message: missing ? `there is no file ${path}` : `${path} cannot be read` }], cause)
  }
  throw new ConfigError([{ path: '', message: `${path} is larger than ${MAX_CONFIG_BYTES} bytes` }])
}

/** `tiers: { file: tiers.yaml }` stands for the list in that file, bare or under its own key `tiers`. */
async function withTiersFile(input: unknown, folder: string): Promise<unknown> {
  if (!isMap(input) || !isMap(input.tiers) || typeof input.tiers.file !== 'string') return input
  const { file, ...rest } = input.tiers
  if (Object.keys(rest).length > 0) return input
  const content = await readYaml(resolve(folder, file))
  return { ...input, tiers: isMap(content) && isOnlyKey(content, 'tiers') ? content.tiers : content }
}

function isOnlyKey(map: Record<string, unknown>, key: string): boolean {
  return Object.hasOwn(map, key) && Object.keys(map).length === 1
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
