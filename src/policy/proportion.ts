/**
 * Proportion: whether a policy treats payments in proportion to their nature, scale and complexity, or all alike. Five
 * checks that an auditor can repeat by reading the tiers; evidence of what the policy says, not legal advice.
 */
import { displayAmount } from '../money.ts'
import type { Tier } from './tiers.ts'

export const PROPORTION_CHECKS = [
  'nature_differentiated',
  'scale_differentiated',
  'complexity_differentiated',
  'audit_proportionate',
  'prohibited_categories_defined',
] as const
export type ProportionCheck = (typeof PROPORTION_CHECKS)[number]

/** One limit for everything, as many wallets have it. In millionths of dollars. */
export type Checkable =
  | { readonly type: 'tiered'; readonly tiers: readonly Tier[] }
  | { readonly type: 'flat_limit'; readonly limit: bigint }

export interface Proportion {
  readonly compliant: boolean
  readonly checks: Readonly<Record<ProportionCheck, boolean>>
  /** What each check found, in a sentence. */
  readonly findings: Readonly<Record<ProportionCheck, string>>
  /** How far the checks carry: all five, three or four, fewer. */
  readonly regulatory_confidence: 'high' | 'medium' | 'low'
  /** The three below only where a check fails. */
  readonly reason?: string
  readonly regulatory_risk?: 'medium' | 'high'
  readonly remediation?: string
}

interface Found {
  readonly ok: boolean
  readonly finding: string
}

type Looked = Readonly<Record<ProportionCheck, Found>>

/** Pure: the same tiers always get the same answer. */
export function proportionOf(policy: Checkable): Proportion {
  return policy.type === 'flat_limit' ? ofFlatLimit(policy.limit) : ofTiers(policy.tiers)
}

/** Whether it is one limit for everything: nothing in it tells one payment from another. */
export function isFlat({ checks }: Pick<Proportion, 'checks'>): boolean {
  return !checks.nature_differentiated && !checks.scale_differentiated && !checks.complexity_differentiated
}

function ofFlatLimit(limit: bigint): Proportion {
  const alike = (what: string): Found => ({ ok: false, finding: `A flat limit of ${displayAmount(limit, 'USD')} ${what}.` })
  return verdictOf({
    nature_differentiated: alike('asks nothing about what a payment is for'),
    scale_differentiated: alike('passes the smallest and the largest payment below it through the same gate'),
    complexity_differentiated: alike('knows no payment that a person should look at'),
    audit_proportionate: alike('leaves the same trace, or none, of every payment'),
    prohibited_categories_defined: alike('prohibits nothing'),
  })
}

function ofTiers(tiers: readonly Tier[]): Proportion {
  const allowing = tiers.filter(({ approval }) => approval !== 'blocked')
  return verdictOf({
    nature_differentiated: nature(tiers),
    scale_differentiated: scale(allowing),
    complexity_differentiated: complexity(allowing),
    audit_proportionate: audit(allowing),
    prohibited_categories_defined: prohibited(tiers),
  })
}

function nature(tiers: readonly Tier[]): Found {
  const groups = new Set(tiers.map(({ conditions: { categories } }) => [...(categories ?? ['any'])].sort().join(', ')))
  const ok = groups.size > 1
  return {
    ok,
    finding: ok ? `Its tiers are for ${groups.size} groups of categories.` : 'All payments are treated alike, whatever they are for.',
  }
}

function scale(allowing: readonly Tier[]): Found {
  const ceilings = ceilingsOf(allowing)
  const ok = ceilings.length > 1
  const shown = ceilings.map((most) => displayAmount(most, 'USD')).join(', ')
  return { ok, finding: ok ? `Its tiers end at ${shown}.` : `There is no more than one ceiling${shown && `, ${shown}`}.` }
}

function ceilingsOf(tiers: readonly Tier[]): bigint[] {
  const amounts = new Set(tiers.flatMap(({ conditions: { maxAmount } }) => (maxAmount === undefined ? [] : [maxAmount])))
  return [...amounts].sort((a, b) => (a < b ? -1 : 1))
}

function complexity(allowing: readonly Tier[]): Found {
  const ways = [...new Set(allowing.map(({ approval }) => approval))]
  const ok = ways.length > 1
  return {
    ok,
    finding: ok
      ? `It decides in ${ways.length} ways: ${ways.join(', ')}.`
      : ways.length === 1
        ? `Every payment is decided in the same way: approval ${ways.join()}.`
        : 'Every payment is refused.',
  }
}

const DEPTH = { attempt_logged: 0, batch_daily: 1, per_transaction: 2, per_transaction_enhanced: 3 } as const
/** The least depth of a tier that takes part of people's attention: what they decided has to be found again, each for itself. */
const LEAST = { none: 'batch_daily', notify_with_veto: 'per_transaction', explicit_human: 'per_transaction_enhanced' } as const

function audit(allowing: readonly Tier[]): Found {
  if (allowing.length === 0) return { ok: false, finding: 'No tier allows anything, so there is nothing to audit.' }
  const faults = [...allowing.flatMap(depthFault), ...fallingDepth(allowing)]
  const [first] = faults
  return first === undefined
    ? { ok: true, finding: 'The audit grows with the amount and with what people decide.' }
    : { ok: false, finding: first }
}

function depthFault({ name, approval, audit: depth }: Tier): string[] {
  if (approval === 'blocked') return []
  const least = LEAST[approval]
  if (depth === undefined) return [`Tier ${name} does not say its audit.`]
  return DEPTH[depth] < DEPTH[least] ? [`Tier ${name} has the approval ${approval} and only the audit ${depth}; it needs ${least}.`] : []
}

/** A tier with a larger ceiling is audited at least as deeply as one with a smaller. */
function fallingDepth(allowing: readonly Tier[]): string[] {
  return allowing.flatMap((tier) => {
    const larger = allowing.find((other) => most(other) > most(tier) && depthOf(other) < depthOf(tier))
    return larger ? [`Tier ${larger.name} allows more than ${tier.name}, and is audited less.`] : []
  })
}

function most({ conditions: { maxAmount = 0n } }: Tier): bigint {
  return maxAmount
}

function depthOf({ audit: depth }: Tier): number {
  return depth === undefined ? 0 : DEPTH[depth]
}

function prohibited(tiers: readonly Tier[]): Found {
  const named = tiers.filter(({ approval }) => approval === 'blocked').flatMap(({ conditions: { categories = [] } }) => categories)
  const ok = named.length > 0
  return { ok, finding: ok ? `It prohibits ${[...new Set(named)].join(', ')}.` : 'No blocked tier names a category.' }
}

const REMEDIES: Readonly<Record<ProportionCheck, string>> = {
  nature_differentiated: 'Give tiers categories of their own, so that an embedding call and the hire of an agent meet different rules.',
  scale_differentiated: 'Give tiers different values of maxAmount.',
  complexity_differentiated: 'Let people take part where more is at stake: approval notify_with_veto, then explicit_human.',
  audit_proportionate:
    'Say the audit of each tier: batch_daily without people, per_transaction with a veto, per_transaction_enhanced with an approval.',
  prohibited_categories_defined: 'Add a tier with approval: blocked that names what is never paid.',
}

function verdictOf(looked: Looked): Proportion {
  const failed = PROPORTION_CHECKS.filter((check) => !looked[check].ok)
  const each = <T>(value: (found: Found) => T) => ({
    nature_differentiated: value(looked.nature_differentiated),
    scale_differentiated: value(looked.scale_differentiated),
    complexity_differentiated: value(looked.complexity_differentiated),
    audit_proportionate: value(looked.audit_proportionate),
    prohibited_categories_defined: value(looked.prohibited_categories_defined),
  })
  const verdict = { compliant: failed.length === 0, checks: each(({ ok }) => ok), findings: each(({ finding }) => finding) }
  const confidence = confidenceOf(failed.length)
  if (verdict.compliant) return { ...verdict, regulatory_confidence: confidence }
  return {
    ...verdict,
    regulatory_confidence: confidence,
    reason: failed.map((check) => looked[check].finding).join(' '),
    regulatory_risk: confidence === 'low' || isFlat(verdict) ? 'high' : 'medium',
    remediation: failed.map((check) => REMEDIES[check]).join(' '),
  }
}

function confidenceOf(failed: number): Proportion['regulatory_confidence'] {
  if (failed === 0) return 'high'
  return failed <= 2 ? 'medium' : 'low'
}
