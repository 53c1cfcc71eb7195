/** The kill switch: payments stop for all, for an agent, a session or a recipient, until a person resumes them. */

import { createRoute, z } from '@hono/zod-openapi'
import { plain } from '../approval/text.ts'
import { refused } from '../errors.ts'
import type { Halt } from '../ledger/administration.ts'
import { MAX_HINT_CHARS } from '../limits.ts'
import { address, hostPattern } from '../session/values.ts'
import { isSolanaAddress } from '../solana-address.ts'
import type { AdminDeps } from './deps.ts'
import { listOf } from './pages.ts'
import { type AdminApp, allow, body, json, PROBLEMS, READERS } from './router.ts'
import { isoTime } from './views.ts'

const Scope = z.enum(['all', 'agent', 'session', 'recipient'])
const Bound = z.strictObject({
  scope: Scope.default('all'),
  value: z.string().max(MAX_HINT_CHARS).default('').openapi({ description: 'The agent, session or recipient; empty for all' }),
  reason: z
    .string()
    .max(MAX_HINT_CHARS)
    .transform((reason) => plain(reason, MAX_HINT_CHARS))
    .default('')
    .openapi({ description: 'Why; agents are told' }),
})
const named = ({ scope, value }: { scope: string; value: string }) => (scope === 'all') === (value === '')
const Body = Bound.refine(named, {
  path: ['value'],
  message: 'name the agent, session or recipient that the scope speaks of; with scope all leave it out',
})

/** A misspelt recipient would stop nothing, and nobody would notice. */
const canBeMet = ({ scope, value }: { scope: string; value: string }) =>
  scope !== 'recipient' || (value.startsWith('0x') || isSolanaAddress(value) ? address : hostPattern).safeParse(value).success
const HaltBody = Body.refine(canBeMet, {
  path: ['value'],
  message: 'no recipient can be meant: write a host like api.example.com without scheme or path, or an address, 0x and 40 hex digits',
})

const HaltView = z.object({ scope: Scope, value: z.string(), reason: z.string(), at: z.iso.datetime() }).openapi('Halt')
export type HaltView = z.infer<typeof HaltView>
const Halts = listOf(HaltView)

const halt = createRoute({
  method: 'post',
  path: '/v1/halt',
  summary: 'Stop payments',
  ...allow('operator'),
  request: { body: body(HaltBody) },
  responses: { 200: json(Halts, 'All that is stopped now'), ...PROBLEMS },
})

const resume = createRoute({
  method: 'post',
  path: '/v1/resume',
  summary: 'Let payments go on that were stopped with the same scope and value',
  ...allow('operator'),
  request: { body: body(Body) },
  responses: { 200: json(Halts, 'All that is still stopped'), ...PROBLEMS },
})

const list = createRoute({
  method: 'get',
  path: '/v1/halts',
  summary: 'What is stopped',
  ...allow(...READERS),
  responses: { 200: json(Halts, 'All that is stopped now'), ...PROBLEMS },
})

export function registerHalts(app: AdminApp, { ledger, clock }: Pick<AdminDeps, 'ledger' | 'clock'>): void {
  const halts = async () => ({ items: (await ledger.halts()).map(haltView), next: null })

  app.openapi(halt, async (context) => {
    const stop = context.req.valid('json')
    if (stop.scope === 'session' && !(await ledger.session(stop.value))) throw refused('not_found', `There is no session ${stop.value}.`)
    await ledger.halt({ ...stop, at: clock.now() })
    return context.json(await halts(), 200)
  })
  app.openapi(resume, async (context) => {
    const { scope, value } = context.req.valid('json')
    await ledger.resumePayments({ scope, value })
    return context.json(await halts(), 200)
  })
  app.openapi(list, async (context) => context.json(await halts(), 200))
}

function haltView({ scope, value, reason, at }: Halt): z.infer<typeof HaltView> {
  return { scope, value, reason, at: isoTime(at) }
}
