/** A short name for the policy in force, which every decision carries. */
import { createHash } from 'node:crypto'
import type { ClassifyRules } from './classify.ts'
import type { PolicyMode } from './decision.ts'
import type { Tier } from './tiers.ts'

const VERSION_CHARS = 12

export interface Versioned {
  readonly mode: PolicyMode
  readonly tiers: readonly Tier[]
  readonly rules: ClassifyRules
}

/**
 * The first 12 hex digits of the SHA-256 of mode, tiers, rules and the content of blocked lists: the same policy has the same version, whatever the order
 * of its keys. What `open` lets pass must not pass as decided by what `enforce` says.
 */
export function policyVersion({ mode, tiers, rules }: Versioned): string {
  const { categories, jurisdictions, priceDrift, blockedAddresses } = rules
  const { verified, blocked } = rules.recipients
  const recipients = { verified, blocked, blockedAddresses: blockedAddresses?.digest }
  const text = canonicalText({
    mode,
    tiers,
    categories,
    recipients,
    jurisdictions: { ...jurisdictions },
    priceDrift: priceDrift ?? undefined,
  })
  return createHash('sha256').update(text).digest('hex').slice(0, VERSION_CHARS)
}

/** JSON with sorted keys; amounts are marked, so that no text can pass for one. */
function canonicalText(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const entries = Object.entries(value).filter(([, member]) => member !== undefined)
  const sorted = entries.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${sorted.map(([key, member]) => `${JSON.stringify(key)}:${canonicalText(member)}`).join(',')}}`
}
