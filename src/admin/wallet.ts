/** The default wallet's address: what to fund. The key is never asked for. */
import { createRoute, z } from '@hono/zod-openapi'
import type { AdminDeps } from './deps.ts'
import { type AdminApp, allow, json, PROBLEMS, READERS } from './router.ts'
import { HoldingView } from './views.ts'

const show = createRoute({
  method: 'get',
  path: '/v1/wallet',
  summary: 'The address that pays',
  ...allow(...READERS),
  responses: {
    200: json(
      z
        .object({ address: z.string(), solana: z.string().optional(), balance: z.array(HoldingView).readonly().optional() })
        .openapi('Wallet'),
      'The default wallet',
    ),
    ...PROBLEMS,
  },
})

export function registerWallet(app: AdminApp, { wallet, defaults, holdings }: Pick<AdminDeps, 'wallet' | 'defaults' | 'holdings'>): void {
  app.openapi(show, async (context) => {
    const address = await wallet.address(defaults.wallet)
    const solana = await wallet.solana?.address(defaults.wallet)
    const balance = await holdings?.(defaults)
    return context.json({ address, ...(solana !== undefined && { solana }), ...(balance && { balance }) }, 200)
  })
}
