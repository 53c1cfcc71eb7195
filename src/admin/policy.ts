/** The policy in force and those before it, a look at another one before it comes into force, and why a payment was decided so. */
import { createRoute, z } from '@hono/zod-openapi'
import { refused } from '../errors.ts'
import { explainPayment } from '../policy/explain-payment.ts'
import { lintTiers } from '../policy/lint.ts'
import { type PROPORTION_CHECKS, proportionOf } from '../policy/proportion.ts'
import { policySentences } from '../policy/sentences.ts'
import { tiersSchema } from '../policy/tiers.ts'
import { amount } from '../session/values.ts'
import { describedBody, readBody } from './body.ts'
import type { AdminDeps } from './deps.ts'
import { createPolicyArchive } from './policy-archive.ts'
import { type AdminApp, allow, IdParam, json, PROBLEMS, READERS } from './router.ts'
import { registerSimulation } from './simulation.ts'
import { TierView, tierView } from './tier-view.ts'
import { isoTime } from './views.ts'

const Lint = z.array(z.object({ level: z.enum(['error', 'warning', 'note']), tier: z.string(), message: z.string() }))
const Sentences = z.array(z.string()).openapi({ description: 'The policy as people read it' })
const Mode = z.enum(['open', 'report', 'enforce'])

const PolicyView = z
  .object({ mode: Mode, version: z.string(), tiers: z.array(TierView), sentences: Sentences, lint: Lint })
  .openapi('Policy')
export type PolicyView = z.infer<typeof PolicyView>

const Checked = z.union([
  z.strictObject({ type: z.literal('tiered').optional(), tiers: tiersSchema }),
  z.strictObject({ type: z.literal('flat_limit'), limit: amount }),
])

/** Picks the schema by what is there, so that its problems are told and not those of the other. */
function checkedSchema(body: unknown) {
  const flat = typeof body === 'object' && body !== null && 'type' in body && body.type === 'flat_limit'
  return Checked.options[flat ? 1 : 0]
}

const each = <T extends z.ZodType>(value: T) =>
  z.object({
    nature_differentiated: value,
    scale_differentiated: value,
    complexity_differentiated: value,
    audit_proportionate: value,
    prohibited_categories_defined: value,
  } satisfies Record<(typeof PROPORTION_CHECKS)[number], T>)

const CheckView = z
  .object({
    compliant: z.boolean(),
    checks: each(z.boolean()),
    findings: each(z.string()).openapi({ description: 'What each check found' }),
    regulatory_confidence: z.enum(['high', 'medium', 'low']),
    reason: z.string().optional(),
    regulatory_risk: z.enum(['medium', 'high']).optional(),
    remediation: z.string().optional(),
    lint: Lint,
    sentences: Sentences,
  })
  .openapi('PolicyCheck')
export type CheckView = z.infer<typeof CheckView>

const show = createRoute({
  method: 'get',
  path: '/v1/policy',
  summary: 'The policy in force',
  ...allow(...READERS),
  responses: { 200: json(PolicyView, 'Its tiers, in data and in sentences, and what is odd about them'), ...PROBLEMS },
})

const check = createRoute({
  method: 'post',
  path: '/v1/policy/check',
  summary: 'Whether tiers treat payments in proportion to their risk; nothing changes',
  ...allow(...READERS),
  request: { body: describedBody(Checked) },
  responses: { 200: json(CheckView, 'The five checks, what is odd, and the policy in sentences'), ...PROBLEMS },
})

const VersionView = z.object({ version: z.string(), since: z.iso.datetime() })

const versions = createRoute({
  method: 'get',
  path: '/v1/policy/versions',
  summary: 'The policies that were in force, newest first',
  ...allow(...READERS),
  responses: { 200: json(z.object({ items: z.array(VersionView) }), 'The last 1,000'), ...PROBLEMS },
})

const KeptView = z.object({ ...VersionView.shape, policy: z.record(z.string(), z.unknown()), sentences: Sentences }).openapi('KeptPolicy')
export type KeptView = z.infer<typeof KeptView>

const version = createRoute({
  method: 'get',
  path: '/v1/policy/versions/{id}',
  summary: 'The policy of this version, as it was written',
  ...allow(...READERS),
  request: { params: IdParam },
  responses: { 200: json(KeptView, 'Its mode, tiers and rules'), ...PROBLEMS },
})

const explain = createRoute({
  method: 'get',
  path: '/v1/policy/explain/{id}',
  summary: 'Why this payment was decided so',
  ...allow(...READERS),
  request: { params: IdParam },
  responses: {
    200: json(z.object({ paymentId: z.string(), policyVersion: z.string(), steps: Sentences }), 'The way to its decision'),
    ...PROBLEMS,
  },
})

export function registerPolicy(app: AdminApp, deps: Pick<AdminDeps, 'policy' | 'ledger'>): void {
  const { policy } = deps
  app.openapi(show, (context) => {
    const { mode, version, tiers, sentences, lint } = policy()
    return context.json({ mode, version, tiers: tiers.map(tierView), sentences: [...sentences], lint: [...lint] }, 200)
  })
  app.openapi(check, async (context) => {
    const body = await readBody(
      context.req,
      checkedSchema(
        await context.req.raw
          .clone()
          .json()
          .catch(() => undefined),
      ),
    )
    const { mode, rules } = policy()
    if ('limit' in body) return context.json({ ...proportionOf({ type: 'flat_limit', limit: body.limit }), lint: [], sentences: [] }, 200)
    const { tiers } = body
    const said = { lint: lintTiers(tiers, rules ? { rules } : {}), sentences: policySentences({ tiers, mode }) }
    return context.json({ ...proportionOf({ type: 'tiered', tiers }), ...said }, 200)
  })
  registerPast(app, deps)
  registerSimulation(app, deps)
}

function registerPast(app: AdminApp, { ledger }: Pick<AdminDeps, 'ledger'>): void {
  const archive = createPolicyArchive(ledger)
  app.openapi(versions, async (context) => {
    const records = await ledger.policyRecords()
    return context.json({ items: records.map((one) => ({ version: one.version, since: isoTime(one.since) })) }, 200)
  })
  app.openapi(version, async (context) => {
    const { id } = context.req.valid('param')
    const record = await ledger.policyRecord(id)
    if (!record) throw refused('not_found', `There is no policy ${id} in this ledger.`)
    const kept = await archive.policy(id)
    const text = z.record(z.string(), z.unknown()).parse(JSON.parse(record.text))
    return context.json({ version: id, since: isoTime(record.since), policy: text, sentences: kept ? policySentences(kept) : [] }, 200)
  })
  app.openapi(explain, async (context) => {
    const { id } = context.req.valid('param')
    const payment = await ledger.payment(id)
    if (!payment) throw refused('not_found', `There is no payment ${id}.`)
    const { policyVersion } = payment
    return context.json({ paymentId: id, policyVersion, steps: explainPayment(payment, await archive.policy(policyVersion)) }, 200)
  })
}
