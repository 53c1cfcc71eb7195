/** A policy in the words in which an operator writes one, so that the version of a decision can be read years later. */
import { formatAmount } from '../money.ts'
import { formatDuration } from '../session/duration.ts'
import { oneOf, type Tier, tiersSchema } from './tiers.ts'
import type { Versioned } from './version.ts'

/** Spans are `x_ms` in memory and `x` in the file. */
const SPAN = /_ms$/

/** Amounts as decimals, spans with their unit, keys sorted, nothing that is absent; long lists of addresses by their digest alone; everything else as it is. */
export function written(value: unknown): unknown {
  if (typeof value === 'bigint') return formatAmount(value)
  if (Array.isArray(value)) return value.map(written)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).filter(([, member]) => member !== undefined && !(member instanceof Set))
  return Object.fromEntries(members.map(([name, member]) => writtenMember(name, member)).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function writtenMember(name: string, member: unknown): [string, unknown] {
  if (SPAN.test(name) && typeof member === 'number') return [name.replace(SPAN, ''), formatDuration(member)]
  return [name, written(member)]
}

/** The whole policy as JSON, with sorted keys: what `parsePolicy` reads back. */
export function policyText({ mode, tiers, rules }: Versioned): string {
  return JSON.stringify(written({ mode, tiers, ...rules }))
}

/** What a kept policy says about tiers; its rules stay text, because payments keep what the rules said of them. */
export interface KeptPolicy {
  readonly mode: Versioned['mode']
  readonly tiers: readonly Tier[]
}

const modeSchema = oneOf('open', 'report', 'enforce')

/** Undefined where the text is of a version of Purser whose tiers this one cannot read. */
export function parsePolicy(text: string): KeptPolicy | undefined {
  const json = readJson(text)
  if (typeof json !== 'object' || json === null || !('mode' in json) || !('tiers' in json)) return undefined
  const [mode, tiers] = [modeSchema.safeParse(json.mode), tiersSchema.safeParse(json.tiers)]
  return mode.success && tiers.success ? { mode: mode.data, tiers: tiers.data } : undefined
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
