/** The default wallet's address: what to fund. The key is never asked for. */
import { createRoute, z } from '@hono/zod-openapi'
import type { AdminDeps } from './deps.ts'
import { type AdminApp, allow, json, PROBLEMS, READERS } from './router.ts'

const show = createRoute({
  method: 'get',
  path: '/v1/wallet',
  summary: 'The address that pays',
  ...allow(...READERS),
  responses: { 200: json(z.object({ address: z.string() }).openapi('Wallet'), 'The default wallet'), ...PROBLEMS },
})

export function registerWallet(app: AdminApp, { wallet, defaults }: Pick<AdminDeps, 'wallet' | 'defaults'>): void {
  app.openapi(show, async (context) => context.json({ address: await wallet.address(defaults.wallet) }, 200))
}
