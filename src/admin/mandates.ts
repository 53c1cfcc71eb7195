/** Nonces for whoever presents a mandate: the proof that they have its key is signed over one, once. */
import { createRoute, z } from '@hono/zod-openapi'
import { refused } from '../errors.ts'
import type { AdminDeps } from './deps.ts'
import { type AdminApp, allow, json, PROBLEMS } from './router.ts'
import { isoTime } from './views.ts'

const NonceView = z.object({ nonce: z.string(), audience: z.string(), expiresAt: z.iso.datetime() }).openapi('MandateNonce')

const issue = createRoute({
  method: 'post',
  path: '/v1/mandates/nonce',
  summary: 'A nonce for the proof of possession of a mandate, good once and for some minutes',
  ...allow('operator'),
  responses: { 201: json(NonceView, 'What the proof has to be signed over'), ...PROBLEMS },
})

export function registerMandates(app: AdminApp, deps: Pick<AdminDeps, 'mandates' | 'clock' | 'ids'>): void {
  app.openapi(issue, async (context) => context.json(freshNonce(deps), 201))
}

/** @throws PurserError `request_invalid` where no mandates are taken */
export function freshNonce({ mandates, clock, ids }: Pick<AdminDeps, 'mandates' | 'clock' | 'ids'>): z.infer<typeof NonceView> {
  if (!mandates) throw refused('request_invalid', 'No mandates are taken here, because no issuers are configured (mandates.issuers).')
  const { nonce, expiresAt } = mandates.nonces.issue(ids('non'), clock.now())
  return { nonce, audience: mandates.audience, expiresAt: isoTime(expiresAt) }
}
