/** Whether a tier's conditions hold for a payment, and which do not. */
import { displayAmount } from '../money.ts'
import { spanInWords } from '../session/duration.ts'
import type { FrequencyOf, History, Trust } from '../session/history.ts'
import type { Classification } from './decision.ts'
import { isWithin, momentIn, opensAt } from './hours.ts'
import type { Tier, TierConditions } from './tiers.ts'

export type Condition = keyof TierConditions

/** A condition that does not hold, with a clause that follows the tier's name and a colon. */
export interface Failure {
  readonly condition: Condition
  readonly clause: string
  /** When it can hold again, in milliseconds since 1970, where time alone mends it. */
  readonly resetsAt?: number
}

/** What the conditions look at. The amount is in millionths of `currency`. */
export interface Facts {
  readonly amount: bigint
  readonly currency: string
  readonly classification: Classification
  readonly frequency: History['frequency']
  /** Milliseconds since 1970. */
  readonly now: number
}

const CHECKS = [
  categoryFailure,
  amountFailure,
  trustFailure,
  jurisdictionFailure,
  firstPaymentFailure,
  hoursFailure,
  frequencyFailure,
] as const

const COUNTED: Readonly<Record<FrequencyOf, string>> = {
  agent: 'were made',
  session: 'of this session were made',
  recipient: 'to this recipient were made',
  tier: 'of all agents were made',
}

const RANK: Readonly<Record<Trust | 'any', number>> = { any: 0, unknown: 0, known: 1, verified: 2 }

/** Every condition of the tier that does not hold, in the order in which people read them; none where the tier matches. */
export function failuresOf(tier: Tier, facts: Facts): Failure[] {
  return CHECKS.flatMap((check) => check(tier, facts) ?? [])
}

function categoryFailure({ conditions: { categories: wanted } }: Tier, { classification: { categories } }: Facts): Failure | undefined {
  if (!wanted || categories.some((category) => wanted.includes(category))) return undefined
  const seen = categories.length === 0 ? 'no category rule names the payment' : `the payment is for ${categories.join(', ')}`
  return { condition: 'categories', clause: `${seen}, and the tier is for ${wanted.join(', ') || 'none'}` }
}

function amountFailure({ conditions: { maxAmount } }: Tier, { amount, currency }: Facts): Failure | undefined {
  if (maxAmount === undefined || amount <= maxAmount) return undefined
  return {
    condition: 'maxAmount',
    clause: `${displayAmount(amount, currency)} is more than its ${displayAmount(maxAmount, currency)}`,
  }
}

function trustFailure(
  { approval, conditions: { recipientTrust: wanted } }: Tier,
  { classification: { trust } }: Facts,
): Failure | undefined {
  if (wanted === undefined || accepts(wanted, trust, approval)) return undefined
  return { condition: 'recipientTrust', clause: `the recipient is ${trust}, and the tier wants ${wanted}` }
}

/** Whether this trust satisfies a condition; `unknown` in a blocked tier means exactly unknown. */
export function accepts(wanted: Trust | 'any', trust: Trust, approval: Tier['approval']): boolean {
  if (approval === 'blocked' && wanted === 'unknown') return trust === 'unknown'
  return RANK[trust] >= RANK[wanted]
}

function jurisdictionFailure({ conditions: { jurisdictions } }: Tier, { classification: { jurisdiction } }: Facts): Failure | undefined {
  if (!jurisdictions || (jurisdiction !== undefined && jurisdictions.includes(jurisdiction))) return undefined
  const clause = `the recipient's jurisdiction is ${jurisdiction ?? 'not listed'}, and the tier is for ${jurisdictions.join(', ') || 'none'}`
  return { condition: 'jurisdictions', clause }
}

function firstPaymentFailure(
  { conditions: { firstPayment: wanted } }: Tier,
  { classification: { firstPayment } }: Facts,
): Failure | undefined {
  if (wanted === undefined || wanted === firstPayment) return undefined
  const clause = firstPayment
    ? 'no earlier payment of this agent there is proven yet, and the tier is for later ones'
    : 'the agent has paid there before, and the tier is for first payments'
  return { condition: 'firstPayment', clause }
}

function hoursFailure({ conditions: { hours } }: Tier, { now }: Facts): Failure | undefined {
  if (!hours || hours.some((span) => isWithin(span, now))) return undefined
  const [first] = hours
  const clause =
    first === undefined ? 'the tier is for no hours' : `it is ${momentIn(first, now)}, and the tier is for ${hours.join(' and ')}`
  const resetsAt = Math.min(...hours.map((span) => opensAt(span, now) ?? Number.POSITIVE_INFINITY))
  return { condition: 'hours', clause, ...(Number.isFinite(resetsAt) && { resetsAt }) }
}

function frequencyFailure({ name, conditions: { frequency } }: Tier, { frequency: counted }: Facts): Failure | undefined {
  if (!frequency) return undefined
  const { count, oldestAt } = (Object.hasOwn(counted, name) ? counted[name] : undefined) ?? { count: 0, oldestAt: undefined }
  if (count < frequency.max) return undefined
  return {
    condition: 'frequency',
    clause: `${count} payments ${COUNTED[frequency.of ?? 'agent']} in it within the last ${spanInWords(frequency.per_ms)}, and ${frequency.max} are allowed`,
    ...(frequency.max > 0 && oldestAt !== undefined ? { resetsAt: oldestAt + frequency.per_ms } : {}),
  }
}
