/**
 * Governance: the policy engine as a library, without a proxy. Whoever has another way of paying asks here first, gets the
 * same outcome as the proxy would give, and leaves the same approvals and records. It pays nothing.
 */
import { z } from 'zod'
import { refused } from '../errors.ts'
import { MAX_HINT_CHARS } from '../limits.ts'
import type { ClassifyRules } from '../policy/classify.ts'
import { jurisdiction, oneOf, type Tier, tiersSchema } from '../policy/tiers.ts'
import { policyVersion } from '../policy/version.ts'
import { issuesOf } from '../session/issues.ts'
import { address, amount, hostPattern, name, network, section, text } from '../session/values.ts'
import type { OnNotice } from './notices.ts'

/** A tier as it stands in a policy file, in JavaScript: amounts as numbers or strings, spans like `30s`. */
export interface WrittenTier {
  readonly name: string
  readonly conditions?: {
    readonly maxAmount?: number | string
    readonly categories?: readonly string[]
    readonly recipientTrust?: 'verified' | 'known' | 'unknown' | 'any'
    readonly frequency?: { readonly max: number; readonly per: string; readonly of?: 'agent' | 'session' | 'recipient' | 'tier' }
    readonly jurisdictions?: readonly string[]
    readonly hours?: unknown
    readonly firstPayment?: boolean
  }
  readonly approval: 'none' | 'notify_with_veto' | 'explicit_human' | 'blocked'
  readonly vetoWindow?: string
  readonly timeout?: string
  readonly approvers?: number
  readonly require?: readonly ('justification' | 'task' | 'tool')[]
  readonly audit?: 'batch_daily' | 'per_transaction' | 'per_transaction_enhanced' | 'attempt_logged'
  readonly micaCompliance?: 'simplified' | 'standard' | 'enhanced'
  readonly alert?: 'immediate_to_owner'
}

export interface GovernanceOptions {
  /** Whose payments are governed. */
  readonly agentId: string
  /** A CAIP-2 name or an alias; `base-sepolia` where it is not said. */
  readonly network?: string
  readonly tiers: readonly WrittenTier[]
  readonly mode?: 'open' | 'report' | 'enforce'
  readonly recipients?: {
    readonly verified?: readonly {
      readonly host: string
      readonly payTo?: string
      readonly jurisdiction?: string
      readonly kind?: 'service' | 'agent'
    }[]
    readonly blocked?: readonly { readonly host?: string; readonly payTo?: string }[]
  }
  readonly jurisdictions?: { readonly sanctioned?: readonly string[] }
  readonly purpose?: string
  readonly owner?: string
  /** Where approvals and records are kept. Without it they are kept in memory, and are gone when the process ends. */
  readonly dataDir?: string
  /** Tells people what waits for them, and what a blocked tier alerts of. Without it they look at `pending()`. */
  readonly onNotice?: OnNotice
}

/** What is about to be paid. */
export interface AuthorizeRequest {
  readonly amount: number | string
  readonly category: string
  /** A host or an address. */
  readonly recipient: string
  /** Taken at its word; without it listings and the past decide. */
  readonly recipientTrust?: 'verified' | 'known' | 'unknown'
  readonly justification?: string
  /** Only answers: nothing is recorded, nobody is asked. */
  readonly dryRun?: boolean
}

const listing = section({
  ...{ host: hostPattern, payTo: address.exactOptional() },
  ...{ jurisdiction: jurisdiction.exactOptional(), kind: oneOf('service', 'agent').exactOptional() },
})
const blocked = section({ host: hostPattern.exactOptional(), payTo: address.exactOptional() })

const optionsSchema = section({
  agentId: name,
  network: network.prefault('base-sepolia'),
  tiers: tiersSchema,
  mode: oneOf('open', 'report', 'enforce').default('enforce'),
  recipients: section({ verified: z.array(listing).default([]), blocked: z.array(blocked).default([]) }).prefault({}),
  jurisdictions: section({ sanctioned: z.array(jurisdiction).default([]) }).prefault({}),
  purpose: text(MAX_HINT_CHARS).default('not stated'),
  owner: name.default('operator'),
  dataDir: z.string().min(1).exactOptional(),
  onNotice: z.custom<OnNotice>((value) => typeof value === 'function', { error: 'must be a function' }).exactOptional(),
})

export const authorizeSchema = section({
  amount,
  category: name,
  recipient: name,
  recipientTrust: oneOf('verified', 'known', 'unknown').exactOptional(),
  justification: text(MAX_HINT_CHARS).exactOptional(),
  dryRun: z.boolean().exactOptional(),
})

export interface Settled {
  readonly agentId: string
  readonly network: string
  readonly purpose: string
  readonly owner: string
  readonly dataDir: string | undefined
  readonly onNotice: OnNotice | undefined
  readonly policy: {
    readonly mode: 'open' | 'report' | 'enforce'
    readonly tiers: readonly Tier[]
    readonly rules: ClassifyRules
    readonly version: string
  }
}

/** @throws PurserError `request_invalid` with every problem and its path */
export function readOptions(options: GovernanceOptions): Settled {
  const {
    agentId,
    network: chain,
    tiers,
    mode,
    recipients,
    jurisdictions,
    purpose,
    owner,
    dataDir,
    onNotice,
  } = readWith(optionsSchema, options)
  const rules: ClassifyRules = { categories: [], recipients, jurisdictions }
  return {
    agentId,
    network: chain,
    purpose,
    owner,
    dataDir,
    onNotice,
    policy: { mode, tiers, rules, version: policyVersion({ mode, tiers, rules }) },
  }
}

/** @throws PurserError `request_invalid` with every problem and its path */
export function readWith<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const problems = issuesOf(parsed.error).map(({ path, message }) => `${path || '(whole)'}: ${message}`)
  throw refused('request_invalid', problems.join('; '), parsed.error)
}
