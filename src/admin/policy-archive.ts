/** The policies that once decided, for records and explanations: read from the ledger, a few kept parsed. */
import { LRUCache } from 'lru-cache'
import type { AuditDepth } from '../audit/depths.ts'
import type { PolicyBehind } from '../audit/formats.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { MAX_KEPT_POLICIES } from '../limits.ts'
import type { Tier } from '../policy/tiers.ts'
import { type KeptPolicy, parsePolicy, written } from '../policy/written.ts'

export interface PolicyArchive {
  /** Undefined where the version was not kept, or this Purser cannot read it. */
  policy(version: string): Promise<KeptPolicy | undefined>
  /** The tier under that version. */
  tier(version: string, name: string): Promise<Tier | undefined>
  /** What a record says of it. */
  behind(decided: { readonly policyVersion: string; readonly tier: string }): Promise<PolicyBehind>
}

export function createPolicyArchive(ledger: Pick<Ledger, 'policyRecord'>): PolicyArchive {
  const kept = new LRUCache<string, KeptPolicy>({ max: MAX_KEPT_POLICIES })
  const policy = async (version: string) => {
    const known = kept.get(version)
    if (known || version === '') return known
    const record = await ledger.policyRecord(version)
    const parsed = record && parsePolicy(record.text)
    if (parsed) kept.set(version, parsed)
    return parsed
  }
  const tier = async (version: string, name: string) => (await policy(version))?.tiers.find((one) => one.name === name)
  return {
    policy,
    tier,
    async behind(decided) {
      const found = await tier(decided.policyVersion, decided.tier)
      return { audit: depthOf(found), tier: found ? asJson(written(found)) : null }
    },
  }
}

function depthOf(tier: Tier | undefined): AuditDepth | null {
  return tier?.audit ?? null
}

function asJson(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
