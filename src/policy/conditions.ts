/** Whether a tier's conditions hold for a payment, and which do not. */
import { displayAmount } from '../money.ts'
import { spanInWords } from '../session/duration.ts'
import type { History, Trust } from '../session/history.ts'
import type { Classification } from './decision.ts'
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
}

const RANK: Readonly<Record<Trust | 'any', number>> = { any: 0, unknown: 0, known: 1, verified: 2 }

/** Every condition of the tier that does not hold, in the order in which people read them; none where the tier matches. */
export function failuresOf(tier: Tier, facts: Facts): Failure[] {
  return [categoryFailure, amountFailure, trustFailure, jurisdictionFailure, frequencyFailure].flatMap((check) => check(tier, facts) ?? [])
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

function frequencyFailure({ name, conditions: { frequency } }: Tier, { frequency: counted }: Facts): Failure | undefined {
  if (!frequency) return undefined
  const { count, oldestAt } = (Object.hasOwn(counted, name) ? counted[name] : undefined) ?? { count: 0, oldestAt: undefined }
  if (count < frequency.max) return undefined
  return {
    condition: 'frequency',
    clause: `${count} payments were made in it within the last ${spanInWords(frequency.per_ms)}, and ${frequency.max} are allowed`,
    ...(frequency.max > 0 && oldestAt !== undefined ? { resetsAt: oldestAt + frequency.per_ms } : {}),
  }
}
