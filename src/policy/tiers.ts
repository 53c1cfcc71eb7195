/** Tiers: the rows of the policy. A payment belongs to the first whose conditions all hold; a blocked one wins over all. */
import { z } from 'zod'
import { MAX_APPROVERS, MAX_TIERS } from '../limits.ts'
import type { FrequencyBound, FrequencyOf, Trust } from '../session/history.ts'
import { amount, category, listOf, name, positiveDuration, section, wanted } from '../session/values.ts'
import { hoursSchema } from './written-hours.ts'

/** Absent conditions restrict nothing. A tier that allows states the four that bound it: nothing is unlimited by omission. */
export interface TierConditions {
  /** The payment costs at most this, in millionths of the session's currency. */
  readonly maxAmount?: bigint
  /** One of the payment's categories is among these. */
  readonly categories?: readonly string[]
  /** The least trust that is accepted; in a blocked tier `unknown` means exactly unknown. */
  readonly recipientTrust?: Trust | 'any'
  /** Payments in this tier in a rolling window; of one agent, where it does not say of whom. */
  readonly frequency?: { readonly max: number; readonly per_ms: number; readonly of?: FrequencyOf }
  /** ISO 3166 codes of recipients' listings. */
  readonly jurisdictions?: readonly string[]
  /** One of these spans of hours, as `canonicalHours` writes them, covers the moment of the decision. */
  readonly hours?: readonly string[]
  /** Only the first payment of an agent at an origin and network, or only later ones. */
  readonly firstPayment?: boolean
}

/** What a request may have to say about itself. */
export type Requirement = 'justification' | 'task' | 'tool'

export interface Tier {
  readonly name: string
  readonly conditions: TierConditions
  readonly approval: 'none' | 'notify_with_veto' | 'explicit_human' | 'blocked'
  readonly vetoWindow_ms?: number
  readonly timeout_ms?: number
  /** How many people have to approve. */
  readonly approvers: number
  /** What an agent has to say in headers before it is paid in this tier. */
  readonly require?: readonly Requirement[]
  readonly audit?: 'batch_daily' | 'per_transaction' | 'per_transaction_enhanced' | 'attempt_logged'
  readonly micaCompliance?: 'simplified' | 'standard' | 'enhanced'
  readonly alert?: 'immediate_to_owner'
}

export const jurisdiction = z
  .string({ error: wanted('write a country like DE') })
  .regex(/^[A-Z]{2}$/, { error: 'write a country as two capital letters, like DE' })

/** An enum whose message names what may be written. */
export function oneOf<const Words extends readonly [string, ...string[]]>(...words: Words) {
  return z.enum(words, { error: wanted(`write one of ${words.join(', ')}`) })
}

const frequency = section({
  max: z.int({ error: wanted('write a whole number') }).nonnegative({ error: 'must not be negative' }),
  per: positiveDuration,
  of: oneOf('agent', 'session', 'recipient', 'tier').exactOptional(),
}).transform(({ max, per, of }) => ({ max, per_ms: per, ...(of === undefined ? {} : { of }) }))

const conditionsSchema = section({
  maxAmount: amount.exactOptional(),
  categories: listOf(category).exactOptional(),
  recipientTrust: oneOf('verified', 'known', 'unknown', 'any').exactOptional(),
  frequency: frequency.exactOptional(),
  jurisdictions: listOf(jurisdiction).exactOptional(),
  hours: hoursSchema.exactOptional(),
  firstPayment: z.boolean({ error: wanted('write true or false') }).exactOptional(),
})

/** Names stand as keys in the ledger's answers, so none may be a word that every object has. */
const tierName = name
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]*$/, { error: 'letters, digits, "_", "-" and "." only' })
  .refine((word) => !(word in {}), { error: 'this word is reserved' })

export const tierSchema = section({
  name: tierName,
  conditions: conditionsSchema.prefault({}),
  approval: oneOf('none', 'notify_with_veto', 'explicit_human', 'blocked'),
  vetoWindow: positiveDuration.exactOptional(),
  timeout: positiveDuration.exactOptional(),
  approvers: z
    .int({ error: 'write a whole number' })
    .min(1, { error: 'at least 1' })
    .max(MAX_APPROVERS, { error: `at most ${MAX_APPROVERS}` })
    .default(1),
  require: listOf(oneOf('justification', 'task', 'tool')).exactOptional(),
  audit: oneOf('batch_daily', 'per_transaction', 'per_transaction_enhanced', 'attempt_logged').exactOptional(),
  micaCompliance: oneOf('simplified', 'standard', 'enhanced').exactOptional(),
  alert: oneOf('immediate_to_owner').exactOptional(),
})
  .superRefine((tier, context) => {
    for (const { path, message } of contradictionsOf(tier)) context.addIssue({ code: 'custom', path: [...path], message })
  })
  .transform(
    ({ vetoWindow, timeout, ...tier }): Tier => ({
      ...tier,
      ...(vetoWindow === undefined ? {} : { vetoWindow_ms: vetoWindow }),
      ...(timeout === undefined ? {} : { timeout_ms: timeout }),
    }),
  )

/** The tiers that a policy may have, each name once. */
export const tiersSchema = z
  .array(tierSchema, { error: wanted('write a list of tiers') })
  .max(MAX_TIERS, { error: `at most ${MAX_TIERS} tiers` })
  .superRefine((tiers, context) => {
    for (const [at, { name: same }] of tiers.entries()) {
      const first = tiers.findIndex((tier) => tier.name === same)
      if (first < at) context.addIssue({ code: 'custom', path: [at, 'name'], message: `${same} is the name of tier ${first + 1} already` })
    }
  })

interface Contradiction {
  readonly path: readonly string[]
  readonly message: string
}

type Written = Pick<Tier, 'approval' | 'conditions' | 'require'> & { readonly vetoWindow?: number; readonly timeout?: number }

const BOUNDS = ['maxAmount', 'categories', 'recipientTrust', 'frequency'] as const
const TURNED_AROUND = ['maxAmount', 'frequency'] as const

function contradictionsOf(tier: Written): Contradiction[] {
  const { approval, conditions } = tier
  const found: Contradiction[] = []
  if (approval === 'blocked') {
    for (const key of TURNED_AROUND) {
      const message = 'leave it out: a blocked tier with this bound would block what is below it and let pass what is above'
      if (conditions[key] !== undefined) found.push({ path: ['conditions', key], message })
    }
  } else {
    for (const key of BOUNDS) {
      const message = 'is missing: a tier that allows payments states it, because nothing is unlimited by omission'
      if (conditions[key] === undefined) found.push({ path: ['conditions', key], message })
    }
  }
  if (approval === 'blocked' && tier.require) found.push({ path: ['require'], message: 'leave it out: nothing is paid in a blocked tier' })
  return [...found, ...spanBelongs(tier, 'vetoWindow', 'notify_with_veto'), ...spanBelongs(tier, 'timeout', 'explicit_human')]
}

/** A span of time that people have belongs to the one kind of approval that waits for them. */
function spanBelongs(tier: Written, key: 'vetoWindow' | 'timeout', approval: Tier['approval']): Contradiction[] {
  const given = tier[key] !== undefined
  if (given === (tier.approval === approval)) return []
  return [
    { path: [key], message: given ? `belongs to tiers with approval: ${approval} only` : `is missing: approval: ${approval} needs it` },
  ]
}

/** The same for every payment under one policy. */
const bounds = new WeakMap<readonly Tier[], readonly FrequencyBound[]>()

/** What has to be counted for these tiers before a decision. */
export function frequencyBounds(tiers: readonly Tier[]): readonly FrequencyBound[] {
  const known = bounds.get(tiers)
  if (known) return known
  const fresh = tiers.flatMap(({ name: tier, conditions }) => (conditions.frequency ? [{ tier, ...conditions.frequency }] : []))
  bounds.set(tiers, fresh)
  return fresh
}
