/** A tier as JSON, in the words in which it is written. */
import { z } from '@hono/zod-openapi'
import { formatAmount } from '../money.ts'
import type { Tier, TierConditions } from '../policy/tiers.ts'
import { formatDuration } from '../session/duration.ts'

const ConditionsView = z.object({
  maxAmount: z.string().optional(),
  categories: z.array(z.string()).readonly().optional(),
  recipientTrust: z.enum(['verified', 'known', 'unknown', 'any']).optional(),
  frequency: z.object({ max: z.int(), per: z.string(), of: z.enum(['agent', 'session', 'recipient', 'tier']).optional() }).optional(),
  jurisdictions: z.array(z.string()).readonly().optional(),
  hours: z.array(z.string()).readonly().optional(),
  firstPayment: z.boolean().optional(),
})

export const TierView = z
  .object({
    name: z.string(),
    conditions: ConditionsView,
    approval: z.enum(['none', 'notify_with_veto', 'explicit_human', 'blocked']),
    vetoWindow: z.string().optional(),
    timeout: z.string().optional(),
    approvers: z.int(),
    require: z
      .array(z.enum(['justification', 'task', 'tool']))
      .readonly()
      .optional(),
    audit: z.enum(['batch_daily', 'per_transaction', 'per_transaction_enhanced', 'attempt_logged']).optional(),
    micaCompliance: z.enum(['simplified', 'standard', 'enhanced']).optional(),
    alert: z.enum(['immediate_to_owner']).optional(),
  })
  .openapi('Tier')
export type TierView = z.infer<typeof TierView>

export function tierView({ conditions, vetoWindow_ms, timeout_ms, ...tier }: Tier): TierView {
  return {
    ...tier,
    conditions: conditionsView(conditions),
    ...(vetoWindow_ms === undefined ? {} : { vetoWindow: formatDuration(vetoWindow_ms) }),
    ...(timeout_ms === undefined ? {} : { timeout: formatDuration(timeout_ms) }),
  }
}

function frequencyView({ max, per_ms, of }: NonNullable<TierConditions['frequency']>): NonNullable<TierView['conditions']['frequency']> {
  return { max, per: formatDuration(per_ms), ...(of === undefined ? {} : { of }) }
}

function conditionsView({ maxAmount, frequency, ...conditions }: TierConditions): TierView['conditions'] {
  return {
    ...(maxAmount === undefined ? {} : { maxAmount: formatAmount(maxAmount) }),
    ...conditions,
    ...(frequency === undefined ? {} : { frequency: frequencyView(frequency) }),
  }
}
