/** Alerts: something happened that owners should know, and nobody can decide about any more. */
import { createHash } from 'node:crypto'
import { displayAmount } from '../money.ts'
import type { Approval } from './approval.ts'
import { placeShown, plain } from './text.ts'

export interface Alert {
  /** Nobody in particular has to know: only shared addresses hear of it. */
  readonly to?: 'shared'
  /** E.g. `payment.prohibited`. */
  readonly type: string
  readonly sessionId: string
  readonly agent: string
  readonly owner: string
  /** Milliseconds since 1970. */
  readonly at: number
  /** Ours: what happened. */
  readonly sentence: string
  /** Label and value; values may come from anywhere and are cleaned. */
  readonly facts: readonly (readonly [label: string, value: string])[]
  /** The same for programs; values of ours, or cleaned by whoever writes them here. */
  readonly data?: Readonly<Record<string, unknown>>
  /** What repeats of it have in common, where that is not the sentence: an agent in a loop must not fill anybody's inbox. */
  readonly topic?: string
}

/** What a notice speaks of. `at`: when it was first told, in milliseconds since 1970. */
export type Subject = { readonly type: string; readonly at: number } & (
  | { readonly approval: Approval; readonly alert?: never }
  | { readonly alert: Alert; readonly approval?: never }
)

/** A payment that the policy prohibits. Amount in millionths. */
export interface ProhibitedPayment {
  readonly type: 'payment.prohibited'
  readonly paymentId: string
  readonly sessionId: string
  readonly agent: string
  readonly owner: string
  readonly tier: string
  readonly reason: string
  readonly host: string
  readonly url: string
  readonly amount: bigint
  readonly currency: string
  readonly payTo: string
}

/** The alert about it. `at` in milliseconds since 1970. */
export function prohibitedAlert(payment: ProhibitedPayment, at: number): Alert {
  const { type, sessionId, agent, owner, tier, reason, host, url, payTo, paymentId } = payment
  const amount = displayAmount(payment.amount, payment.currency)
  return {
    ...{ type, sessionId, agent, owner, at },
    sentence: `${agent} tried to pay ${amount} to ${placeShown(payment)}: prohibited by the tier ${JSON.stringify(tier)}. Nothing was paid.`,
    facts: [
      ['Amount', amount],
      ['Recipient', payTo],
      ['Resource', url],
      ['Session', sessionId],
      ['Tier', tier],
      ['Reason', reason],
      ['Attempt', paymentId],
    ],
    topic: JSON.stringify([tier, host]),
  }
}

/** The same for alerts of one session on one topic within one span. */
export function alertKey({ type, sessionId, sentence, topic = sentence, at }: Alert, span_ms: number): string {
  const span = Math.floor(at / span_ms)
  return createHash('sha256')
    .update(JSON.stringify([type, sessionId, topic, span]))
    .digest('hex')
}

/** An alert's facts, cleaned. */
export function alertFacts(facts: Alert['facts']): { label: string; value: string }[] {
  return facts.map(([label, value]) => ({ label: plain(label), value: plain(value) }))
}
