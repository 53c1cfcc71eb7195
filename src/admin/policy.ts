/** The policy in force, and a look at another one before it comes into force. */
import { createRoute, z } from '@hono/zod-openapi'
import { lintTiers } from '../policy/lint.ts'
import { policySentences } from '../policy/sentences.ts'
import { tiersSchema } from '../policy/tiers.ts'
import { describedBody, readBody } from './body.ts'
import type { AdminDeps } from './deps.ts'
import { type AdminApp, allow, json, PROBLEMS, READERS } from './router.ts'
import { TierView, tierView } from './tier-view.ts'

const Lint = z.array(z.object({ level: z.enum(['error', 'warning', 'note']), tier: z.string(), message: z.string() }))
const Sentences = z.array(z.string()).openapi({ description: 'The policy as people read it' })

const PolicyView = z
  .object({ mode: z.enum(['open', 'report', 'enforce']), version: z.string(), tiers: z.array(TierView), sentences: Sentences, lint: Lint })
  .openapi('Policy')

/** `flat_limit` is the other type of the contract; only a later version judges it. */
const Checked = z.strictObject({
  type: z.literal('tiered', { error: 'this version checks tiered policies only: leave it out or write tiered' }).optional(),
  tiers: tiersSchema,
})

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
  summary: 'Read other tiers with the rules in force; nothing changes',
  ...allow(...READERS),
  request: { body: describedBody(Checked) },
  responses: { 200: json(z.object({ lint: Lint, sentences: Sentences }), 'What they say, and what is odd about them'), ...PROBLEMS },
})

export function registerPolicy(app: AdminApp, { policy }: Pick<AdminDeps, 'policy'>): void {
  app.openapi(show, (context) => {
    const { mode, version, tiers, sentences, lint } = policy()
    return context.json({ mode, version, tiers: tiers.map(tierView), sentences: [...sentences], lint: [...lint] }, 200)
  })
  app.openapi(check, async (context) => {
    const { tiers } = await readBody(context.req, Checked)
    const { mode, rules } = policy()
    return context.json({ lint: lintTiers(tiers, rules ? { rules } : {}), sentences: policySentences({ tiers, mode }) }, 200)
  })
}
