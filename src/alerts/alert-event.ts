/** Alerts to owners as webhooks get them: words for people, and beside them the same for programs. */
import * as z from 'zod'
import { factsSchema } from './facts.ts'

const text = z.string()
const person = {
  sessionId: text.describe('empty where it is about no session'),
  agent: text.describe('empty where it is about no agent'),
  owner: text.describe('of the session'),
  sentence: text.describe('ours: what happened'),
  facts: factsSchema,
}

function alert<const Type extends string, Data extends z.ZodRawShape>(type: Type, data: Data) {
  return z.strictObject({ type: z.literal(type), timestamp: z.iso.datetime(), data: z.strictObject({ ...person, ...data }) })
}

const payment = {
  paymentId: text,
  host: text,
  tier: text,
  amount: text.nullable().describe('decimal, in currency'),
  currency: text.nullable(),
  network: text.nullable().describe('CAIP-2'),
  recipient: text.nullable(),
}
const consequence = z.enum(['report', 'escalate', 'deny'])

/** What a webhook gets, by its type. */
export const alertEventSchema = z.discriminatedUnion('type', [
  alert('session.threshold', {
    percent: z.number(),
    ...{ spent: text, held: text, cap: text, currency: text },
  }),
  alert('payment.outcome_unknown', payment),
  alert('recipient.changed', payment),
  alert('price.drifted', { host: text, kind: z.enum(['sudden', 'slow']), consequence }),
  alert('circuit.opened', { host: text }),
  alert('approval.undelivered', { approvalId: text, kind: z.enum(['approval', 'veto']) }),
  alert('ledger.not_ready', { reasons: z.array(text) }),
  alert('ledger.ready', {}),
  alert('payment.prohibited', {}),
  alert('session.drift', {}),
  alert('session.topup_requested', {}),
  alert('report.daily', {}),
])
