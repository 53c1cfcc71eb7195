/** Outer ceilings: what the chain itself lets be taken from the wallet, whatever Purser thinks. Read anew for each question. */
import { createRoute, z } from '@hono/zod-openapi'
import { refused } from '../errors.ts'
import type { AdminDeps } from './deps.ts'
import { type AdminApp, allow, json, PROBLEMS, READERS } from './router.ts'

const Sum = z.object({ atomic: z.string(), amount: z.string().nullable() }).openapi({
  description: 'Atomic units of the token, and as a decimal where the token is known here',
})
const Unknown = z.string().nullable().openapi({ description: 'Why it could not be read; null where it was' })

const CeilingsView = z
  .object({
    address: z.string(),
    solana: z.string().optional(),
    tokens: z
      .array(
        z.object({
          network: z.string(),
          token: z.string(),
          asset: z.string(),
          balance: Sum.nullable(),
          unknown: Unknown,
          allowances: z
            .array(
              z.object({
                spender: z.string(),
                name: z.enum(['Permit2']).nullable(),
                allowed: Sum.nullable(),
                unbounded: z.boolean(),
                unknown: Unknown,
              }),
            )
            .readonly(),
        }),
      )
      .readonly(),
    spendPermissions: z
      .array(
        z.object({
          network: z.string(),
          account: z.string(),
          spender: z.string(),
          token: z.string(),
          asset: z.string().nullable(),
          allowance: Sum,
          periodSeconds: z.int(),
          state: z.enum(['usable', 'not_approved', 'revoked', 'not_started', 'ended']).nullable(),
          spent: Sum.nullable(),
          left: Sum.nullable(),
          takeable: Sum.nullable().openapi({ description: 'What is left, or what the account has where that is less' }),
          nextPeriodAt: z.iso.datetime().nullable(),
          endsAt: z.iso.datetime().nullable(),
          unknown: Unknown,
        }),
      )
      .readonly(),
    warnings: z.array(z.string()).readonly(),
  })
  .openapi('OuterCeilings')
export type CeilingsView = z.infer<typeof CeilingsView>

const show = createRoute({
  method: 'get',
  path: '/v1/wallet/ceilings',
  summary: 'What the chain lets be taken from the wallet: balances, allowances, spend permissions',
  ...allow(...READERS),
  request: { query: z.strictObject({ session: z.string().min(1).max(200).optional() }) },
  responses: { 200: json(CeilingsView, 'The outer ceilings of the default wallet, or of the one that a session pays from'), ...PROBLEMS },
})

export function registerCeilings(app: AdminApp, { ceilings, ledger, defaults }: Pick<AdminDeps, 'ceilings' | 'ledger' | 'defaults'>): void {
  app.openapi(show, async (context) => {
    const { session: id } = context.req.valid('query')
    if (!ceilings) throw refused('not_found', 'No network can be asked here.')
    const session = id === undefined ? undefined : await ledger.session(id)
    if (id !== undefined && !session) throw refused('not_found', `There is no session ${id}.`)
    return context.json(await ceilings(session ? session.wallet : defaults.wallet), 200)
  })
}
