/** What another policy would have answered to the payments that are on record. Nothing changes. */
import { createRoute, z } from '@hono/zod-openapi'
import type { Ledger, Payment, PaymentFilter } from '../ledger/ledger.ts'
import { MAX_PAGE, MAX_POLICY_RULES, MAX_SIMULATED_PAYMENTS } from '../limits.ts'
import type { ClassifyRules } from '../policy/classify.ts'
import { type Simulation, Simulator } from '../policy/simulate.ts'
import { jurisdiction, oneOf, tiersSchema } from '../policy/tiers.ts'
import { blockedAddresses } from '../policy/trust.ts'
import { policyVersion } from '../policy/version.ts'
import type { SessionScope } from '../session/session.ts'
import { address, category, hostPattern, method, name, section } from '../session/values.ts'
import { describedBody, readBody } from './body.ts'
import type { AdminDeps } from './deps.ts'
import { TimeQuery } from './pages.ts'
import { createPolicyArchive, type PolicyArchive } from './policy-archive.ts'
import { type AdminApp, allow, json, PROBLEMS, READERS } from './router.ts'

const rulesOf = <T extends z.ZodType>(item: T) => z.array(item).max(MAX_POLICY_RULES)
const path = z.string().regex(/^[/*][^?#]*$/, { error: 'begins with a slash and has no query' })
const rule = section({
  ...{ host: hostPattern, path: path.exactOptional(), method: method.exactOptional() },
  ...{ tool: name.exactOptional(), category },
})
const listing = section({
  ...{ host: hostPattern, payTo: address.exactOptional() },
  ...{ jurisdiction: jurisdiction.exactOptional(), kind: oneOf('service', 'agent').exactOptional() },
})
const blocked = section({ host: hostPattern.exactOptional(), payTo: address.exactOptional() })

/** The policy under the names of the configuration. Rules that are not given are those in force. */
const Simulated = z.strictObject({
  mode: oneOf('open', 'report', 'enforce').optional(),
  tiers: tiersSchema,
  categories: rulesOf(rule).optional(),
  recipients: section({ verified: rulesOf(listing).default([]), blocked: rulesOf(blocked).default([]) }).optional(),
  jurisdictions: section({ sanctioned: z.array(jurisdiction).default([]) }).optional(),
  blockedAddresses: z.array(address).optional().openapi({ description: 'instead of the lists in files that are in force' }),
  session: z.string().optional(),
  agent: z.string().optional(),
  since: TimeQuery.optional(),
  until: TimeQuery.optional(),
})
type Simulated = z.output<typeof Simulated>

const gates = { allow: z.int(), notify: z.int(), ask: z.int(), deny: z.int() }
const Sums = z.record(z.string(), z.string()).openapi({ description: 'decimals by currency' })
const Gate = z.enum(['allow', 'notify', 'ask', 'deny'])

const SimulationView = z
  .object({
    policyVersion: z.string(),
    mode: z.enum(['open', 'report', 'enforce']),
    from: z.iso.datetime().nullable().openapi({ description: 'of the oldest payment that was looked at' }),
    truncated: z.boolean().openapi({ description: 'there are older ones: ask again with until: from' }),
    ...{ judged: z.int(), unchanged: z.int(), changed: z.int(), uncertain: z.int() },
    notJudged: z.array(z.object({ reason: z.string(), payments: z.int() })),
    before: z.object({ ...gates, spent: Sums }),
    after: z.object({ ...gates, atLeast: Sums, atMost: Sums }),
    changes: z.array(
      z.object({
        ...{ paymentId: z.string(), at: z.iso.datetime(), agent: z.string(), method: z.string(), url: z.string() },
        ...{ amount: z.string(), currency: z.string(), certain: z.boolean() },
        before: z.object({ decision: Gate, tier: z.string(), state: z.string(), code: z.string().nullable() }),
        after: z.object({ decision: Gate, tier: z.string(), code: z.string().nullable(), reason: z.string() }),
      }),
    ),
    unlisted: z.int(),
    caveats: z.array(z.string()),
  })
  .openapi('Simulation')
export type SimulationView = z.infer<typeof SimulationView>

const simulate = createRoute({
  method: 'post',
  path: '/v1/policy/simulate',
  summary: 'Judge recorded payments by another policy; nothing changes',
  ...allow(...READERS),
  request: { body: describedBody(Simulated) },
  responses: { 200: json(SimulationView, 'Which decisions change, and what they would have cost'), ...PROBLEMS },
})

export function registerSimulation(app: AdminApp, { ledger, policy }: Pick<AdminDeps, 'ledger' | 'policy'>): void {
  const archive = createPolicyArchive(ledger)
  app.openapi(simulate, async (context) => {
    const asked = await readBody(context.req, Simulated)
    const { simulation, from, truncated } = await run(asked, { ledger, archive, inForce: policy() })
    const { notJudged, changes, caveats, ...rest } = simulation
    return context.json({ ...rest, from, truncated, notJudged: [...notJudged], changes: [...changes], caveats: [...caveats] }, 200)
  })
}

interface Around {
  readonly ledger: Ledger
  readonly archive: PolicyArchive
  readonly inForce: ReturnType<AdminDeps['policy']>
}

interface Ran {
  readonly simulation: Simulation
  readonly from: string | null
  readonly truncated: boolean
}

const NO_RULES: ClassifyRules = { categories: [], recipients: { verified: [], blocked: [] }, jurisdictions: { sanctioned: [] } }

async function run(asked: Simulated, { ledger, archive, inForce }: Around): Promise<Ran> {
  const { tiers, session, agent, since, until } = asked
  const mode = asked.mode ?? inForce.mode
  const rules = rulesFor(asked, inForce.rules ?? NO_RULES)
  // What came shortly before still counts in the frequencies of the first that are asked for.
  const warm_ms = Math.max(0, ...tiers.map(({ conditions: { frequency } }) => frequency?.per_ms ?? 0))
  const filter: PaymentFilter = {
    ...{ ...(session !== undefined && { session }), ...(agent !== undefined && { agent }) },
    ...{ ...(since !== undefined && { since: since - warm_ms }), ...(until !== undefined && { until }) },
  }
  const { payments, truncated } = await newest(ledger, filter)
  const complete = since === undefined && session === undefined && !truncated
  const simulator = new Simulator({ tiers, rules, mode, version: policyVersion({ mode, tiers, rules }) }, complete)
  const scopeOf = scopes(ledger)
  for (const payment of payments.reverse()) {
    const tier = await archive.tier(payment.policyVersion, payment.tier)
    simulator.add(payment, { tier, scope: await scopeOf(payment.sessionId), counted: since === undefined || payment.decidedAt >= since })
  }
  const first = payments.find(({ decidedAt }) => since === undefined || decidedAt >= since)
  return { simulation: simulator.result(), from: first ? new Date(first.decidedAt).toISOString() : null, truncated }
}

function rulesFor({ categories, recipients, jurisdictions, blockedAddresses: listed }: Simulated, inForce: ClassifyRules): ClassifyRules {
  const named = { ...(categories && { categories }), ...(recipients && { recipients }), ...(jurisdictions && { jurisdictions }) }
  return { ...inForce, ...named, ...(listed && { blockedAddresses: blockedAddresses(listed.map((one) => one.toLowerCase())) }) }
}

async function newest(ledger: Ledger, filter: PaymentFilter): Promise<{ payments: Payment[]; truncated: boolean }> {
  const payments: Payment[] = []
  for (let cursor: string | null | undefined; cursor !== null && payments.length < MAX_SIMULATED_PAYMENTS; ) {
    const page = await ledger.payments(filter, { limit: MAX_PAGE, ...(cursor !== undefined && { cursor }) })
    payments.push(...page.items)
    cursor = page.next
    if (cursor !== null && payments.length >= MAX_SIMULATED_PAYMENTS) return { payments, truncated: true }
  }
  return { payments, truncated: false }
}

/** Each session is read once: many payments share one. */
function scopes(ledger: Pick<Ledger, 'session'>): (id: string) => Promise<SessionScope | undefined> {
  const known = new Map<string, SessionScope | undefined>()
  return async (id) => {
    if (!known.has(id)) known.set(id, (await ledger.session(id))?.scope)
    return known.get(id)
  }
}
