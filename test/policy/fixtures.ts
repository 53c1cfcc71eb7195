/** The tiers of the documentation and small parts of a payment, for tests of the policy. */
import type { ClassifyRules, Payable } from '../../src/policy/classify.ts'
import type { DecideInput } from '../../src/policy/decide.ts'
import type { Classification } from '../../src/policy/decision.ts'
import { type Tier, tiersSchema } from '../../src/policy/tiers.ts'
import type { History } from '../../src/session/history.ts'

export const ALICE = '0xAaAaAaAaAaAaAaAaAaAaAaAaAaAaAaAaAaAaAaAa'
export const BOB = '0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB'

export const FOUR_TIERS: readonly Tier[] = tiersSchema.parse([
  {
    name: 'autonomous',
    conditions: {
      maxAmount: 1,
      categories: ['api_calls', 'embeddings', 'search'],
      recipientTrust: 'verified',
      frequency: { max: 1000, per: '1h' },
    },
    approval: 'none',
    audit: 'batch_daily',
    micaCompliance: 'simplified',
  },
  {
    name: 'supervised',
    conditions: {
      maxAmount: 50,
      categories: ['compute', 'data_access', 'saas_tools'],
      recipientTrust: 'known',
      frequency: { max: 20, per: '1h' },
    },
    approval: 'notify_with_veto',
    vetoWindow: '30s',
    audit: 'per_transaction',
    micaCompliance: 'standard',
  },
  {
    name: 'collaborative',
    conditions: {
      maxAmount: 5000,
      categories: ['agent_hire', 'service_procurement', 'subscription'],
      recipientTrust: 'any',
      frequency: { max: 5, per: '24h' },
    },
    approval: 'explicit_human',
    timeout: '4h',
    audit: 'per_transaction_enhanced',
    micaCompliance: 'enhanced',
  },
  {
    name: 'prohibited',
    conditions: { categories: ['gambling', 'unverified_agents', 'sanctioned_jurisdictions'], recipientTrust: 'unknown' },
    approval: 'blocked',
    audit: 'attempt_logged',
    alert: 'immediate_to_owner',
  },
])

/** A Monday in summer, 12:00 in UTC and 14:00 in Berlin. */
export const NOON = Date.UTC(2026, 5, 29, 12)

export const NO_PAST: History = { known: false, lastPayTo: undefined, pinnedPayTo: undefined, frequency: {} }

export function rules(over: Partial<ClassifyRules['recipients']> & Partial<Omit<ClassifyRules, 'recipients'>> = {}): ClassifyRules {
  const { categories = [], jurisdictions = { sanctioned: [] }, verified = [], blocked = [], ...rest } = over
  return { categories, jurisdictions, recipients: { verified, blocked }, ...rest }
}

export function payable(over: Partial<Payable> = {}): Payable {
  return { host: 'api.example.com', port: 443, path: '/v1/search', method: 'GET', payTo: ALICE, ...over }
}

export function classification(over: Partial<Classification> = {}): Classification {
  return {
    categories: ['search'],
    trust: 'verified',
    trustReason: 'api.example.com is listed with this recipient.',
    recipientChanged: false,
    firstPayment: false,
    facts: [],
    blocked: false,
    pin: false,
    ...over,
  }
}

/** A payment of half a dollar for search to a verified recipient, under the four tiers. */
export function input(over: Partial<DecideInput> = {}): DecideInput {
  return {
    quote: { amount: 500_000n, currency: 'USD', host: 'api.example.com' },
    classification: classification(),
    history: { frequency: {} },
    hints: { payNever: false },
    policy: { tiers: FOUR_TIERS, version: 'abc', mode: 'enforce' },
    now: NOON,
    ...over,
  }
}

export function tier(over: Record<string, unknown> = {}): Tier {
  const conditions = { maxAmount: 1, categories: ['search'], recipientTrust: 'verified', frequency: { max: 10, per: '1h' } }
  const [parsed] = tiersSchema.parse([{ name: 'one', conditions, approval: 'none', ...over }])
  if (!parsed) throw new Error('no tier')
  return parsed
}
