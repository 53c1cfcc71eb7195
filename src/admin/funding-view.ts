/** What a treasury has moved for a session, as JSON. */
import { z } from '@hono/zod-openapi'

const Amount = z.string().openapi({ description: 'Decimal, of the token' })
const Time = z.iso.datetime()

const MoveView = z.object({
  id: z.string(),
  kind: z.enum(['fund', 'topup', 'sweep']),
  state: z.enum(['planned', 'sent', 'done', 'failed']),
  amount: Amount,
  amountAtomic: z.string(),
  from: z.string(),
  to: z.string(),
  nonce: z.string(),
  transaction: z.string().nullable(),
  plannedAt: Time,
  endedAt: Time.nullable(),
  reason: z.string().nullable(),
})

export const FundingView = z
  .object({
    state: z.enum(['funding', 'funded', 'sweeping', 'swept']),
    address: z.string(),
    network: z.string(),
    asset: z.string(),
    funded: Amount,
    fundedAtomic: z.string(),
    swept: Amount,
    sweptAtomic: z.string(),
    moves: z.array(MoveView).readonly(),
  })
  .openapi({ description: 'What the treasury moved to the address of the session, and what came back; the newest moves' })
export type FundingView = z.infer<typeof FundingView>
