/** A policy in a file of its own: a whole configuration, only its tiers, or the flat limit that somebody has today. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { type Tier, tiersSchema } from '../policy/tiers.ts'
import type { BlockedAddresses } from '../policy/trust.ts'
import { written } from '../policy/written.ts'
import { issuesOf } from '../session/issues.ts'
import { amount } from '../session/values.ts'
import { CliFailure } from './failure.ts'
import { readSettings } from './settings.ts'
import type { Terminal } from './terminal.ts'

export type PolicyFile =
  | { readonly type: 'flat_limit'; readonly limit: bigint }
  | {
      readonly type: 'tiered'
      readonly tiers: readonly Tier[]
      /** What the file says besides its tiers, in its own words, for `POST /v1/policy/simulate`. */
      readonly rules: Readonly<Record<string, unknown>>
      /** Paths of its lists of blocked addresses, where it says any. */
      readonly blockedFiles: readonly string[]
    }

const flatSchema = z.strictObject({ type: z.literal('flat_limit'), limit: amount })
const tieredSchema = z.strictObject({ type: z.literal('tiered').optional(), tiers: tiersSchema })
const RULES = ['mode', 'categories', 'recipients', 'jurisdictions'] as const

/**
 * Reads YAML or JSON: `{ type: flat_limit, limit }`, a list of tiers, `{ tiers }`, or a whole configuration.
 * @throws CliFailure that lists every problem with its path
 */
export async function readPolicyFile(file: string, terminal: Terminal): Promise<PolicyFile> {
  const content = await readYaml(file)
  const flat = typeof content === 'object' && content !== null && 'type' in content && content.type === 'flat_limit'
  if (flat) return checked(flatSchema, content, file)
  const bare = Array.isArray(content) ? { tiers: content } : content
  if (isOnlyTiers(bare)) return { type: 'tiered', tiers: checked(tieredSchema, bare, file).tiers, rules: {}, blockedFiles: [] }
  const { config } = await readSettings({ config: file }, terminal)
  const said = new Set(typeof bare === 'object' && bare !== null ? Object.keys(bare) : [])
  const rules = RULES.filter((name) => said.has(name)).map((name) => [name, ruleOf(name, config)] as const)
  return { type: 'tiered', tiers: config.tiers, rules: Object.fromEntries(rules), blockedFiles: config.recipients.blockedFiles }
}

type Rules = Readonly<Record<(typeof RULES)[number], unknown>> & {
  readonly recipients: { readonly verified: unknown; readonly blocked: unknown }
}

function ruleOf(name: (typeof RULES)[number], config: Rules): unknown {
  const { verified, blocked } = config.recipients
  return written(name === 'recipients' ? { verified, blocked } : config[name])
}

/**
 * The lists of blocked addresses, as a running Purser reads them; undefined where there are none.
 * @throws CliFailure that names the file and the line
 */
export async function readBlockedLists(paths: readonly string[]): Promise<BlockedAddresses | undefined> {
  const { BlockedFileError, BlockedFiles } = await import('../config/blocked-files.ts')
  try {
    return (await BlockedFiles.open(paths)).current
  } catch (cause) {
    if (cause instanceof BlockedFileError) throw new CliFailure(`A list of blocked addresses cannot be used: ${cause.message}.`, { cause })
    throw cause
  }
}

function isOnlyTiers(content: unknown): boolean {
  if (typeof content !== 'object' || content === null || !('tiers' in content) || !Array.isArray(content.tiers)) return false
  return Object.keys(content).every((key) => key === 'tiers' || key === 'type')
}

async function readYaml(file: string): Promise<unknown> {
  try {
    return parse(await readFile(resolve(file), 'utf8'))
  } catch (cause) {
    const advice = cause instanceof Error ? cause.message : String(cause)
    throw new CliFailure(`The policy ${file} cannot be read.`, { cause, advice })
  }
}

function checked<T>(schema: z.ZodType<T>, content: unknown, file: string): T {
  const parsed = schema.safeParse(content)
  if (parsed.success) return parsed.data
  const lines = issuesOf(parsed.error).map(({ path, message }) => `  ${path === '' ? '(whole file)' : path}: ${message}`)
  throw new CliFailure(`The policy ${file} cannot be used:\n${lines.join('\n')}`, { cause: parsed.error })
}
