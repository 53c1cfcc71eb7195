/** What a policy says that its author probably did not mean. */
import { displayAmount } from '../money.ts'
import { type ClassifyRules, SANCTIONED, UNVERIFIED_AGENTS } from './classify.ts'
import { accepts } from './conditions.ts'
import type { Tier } from './tiers.ts'

/** `error`: it does not do what it says. `warning`: it probably does not do what was meant. `note`: good to know. */
export interface Finding {
  readonly level: 'error' | 'warning' | 'note'
  /** The tier's name; empty where the whole policy is meant. */
  readonly tier: string
  readonly message: string
}

export interface LintContext {
  /** The largest cap that sessions get, in millionths. */
  readonly cap?: bigint
  readonly rules?: ClassifyRules
}

const TRUSTS = ['unknown', 'known', 'verified'] as const
const DERIVED: readonly string[] = [SANCTIONED, UNVERIFIED_AGENTS]

/** Everything found, tier by tier in the policy's order, then what concerns the whole. */
export function lintTiers(tiers: readonly Tier[], context: LintContext = {}): Finding[] {
  const own = tiers.flatMap((tier, at) => {
    const before = tiers.slice(0, at)
    const messages = tier.approval === 'blocked' ? lintBlocked(tier) : lintAllowing(tier, { before, tiers, context })
    return [...twice(tier, before), ...messages, ...unassigned(tier, context)]
  })
  return [...own, ...uncovered(tiers, context), ...sanctions(tiers, context)]
}

function twice({ name }: Tier, before: readonly Tier[]): Finding[] {
  if (!before.some((tier) => tier.name === name)) return []
  return [{ level: 'error', tier: name, message: 'Another tier has this name; their frequencies would be counted together.' }]
}

interface Around {
  readonly before: readonly Tier[]
  readonly tiers: readonly Tier[]
  readonly context: LintContext
}

function lintAllowing(tier: Tier, { before, tiers, context }: Around): Finding[] {
  const { name, conditions } = tier
  const nothing = matchesNothing(tier)
  if (nothing) return [{ level: 'warning', tier: name, message: `It never applies: ${nothing}.` }]
  const findings: Finding[] = []
  const blocking = tiers.filter(({ approval }) => approval === 'blocked')
  const earlier = before.filter(({ approval }) => approval !== 'blocked')
  if (isCovered(tier, blocking)) {
    findings.push({ level: 'error', tier: name, message: `It never applies: ${names(blocking)} blocks everything that it covers.` })
  } else if (isCovered(tier, earlier)) {
    const message = `It is reached only when the frequency of the tiers before it (${names(earlier)}) is used up: they cover everything that it covers.`
    findings.push({ level: 'warning', tier: name, message })
  }
  findings.push(...firstAndKnown(tier))
  if (context.cap !== undefined && conditions.maxAmount !== undefined && conditions.maxAmount > context.cap) {
    const message = `Its maxAmount of ${displayAmount(conditions.maxAmount, 'USD')} never binds: a session has at most ${displayAmount(context.cap, 'USD')}.`
    findings.push({ level: 'warning', tier: name, message })
  }
  return findings
}

/** A recipient is known by payments that were delivered, so that a first one is to a verified or an unknown one. */
function firstAndKnown({ name, conditions: { firstPayment, recipientTrust } }: Tier): Finding[] {
  if (firstPayment !== true || recipientTrust !== 'known') return []
  const message = 'With firstPayment: true only verified recipients are left: one is known only after a payment.'
  return [{ level: 'note', tier: name, message }]
}

function matchesNothing({ conditions: { maxAmount, categories, frequency, jurisdictions, hours } }: Tier): string | undefined {
  if (maxAmount === 0n) return 'maxAmount is zero'
  if (categories?.length === 0) return 'categories is empty'
  if (frequency?.max === 0) return 'frequency.max is zero'
  if (jurisdictions?.length === 0) return 'jurisdictions is empty'
  if (hours?.length === 0) return 'hours is empty'
  return undefined
}

/** Whether each category and each kind of recipient of the tier is taken by one of the others, at every amount of the tier. */
function isCovered(tier: Tier, others: readonly Tier[]): boolean {
  const { categories = [], recipientTrust = 'any' } = tier.conditions
  const trusts = TRUSTS.filter((trust) => accepts(recipientTrust, trust, tier.approval))
  if (others.length === 0 || categories.length === 0) return false
  return categories.every((category) => trusts.every((trust) => others.some((other) => takes(other, { tier, category, trust }))))
}

interface Part {
  readonly tier: Tier
  readonly category: string
  readonly trust: (typeof TRUSTS)[number]
}

function takes(other: Tier, { tier, category, trust }: Part): boolean {
  const { maxAmount, categories, recipientTrust, jurisdictions, hours, firstPayment } = other.conditions
  const { maxAmount: most, jurisdictions: where, hours: when } = tier.conditions
  if (matchesNothing(other)) return false
  if (maxAmount !== undefined && (most === undefined || most > maxAmount)) return false
  if (categories && !categories.includes(category)) return false
  if (recipientTrust !== undefined && !accepts(recipientTrust, trust, other.approval)) return false
  if (firstPayment !== undefined && firstPayment !== tier.conditions.firstPayment) return false
  if (hours && !when?.every((span) => hours.includes(span))) return false
  return jurisdictions === undefined || where?.every((code) => jurisdictions.includes(code)) === true
}

function lintBlocked({ name, conditions }: Tier): Finding[] {
  const { categories, recipientTrust: trust, jurisdictions, hours, firstPayment } = conditions
  const findings: Finding[] = []
  const say = (level: Finding['level'], message: string) => findings.push({ level, tier: name, message })
  if (categories?.length === 0 || jurisdictions?.length === 0 || hours?.length === 0)
    say('warning', 'It never applies: one of its lists is empty.')
  const open = (trust === undefined || trust === 'any') && !hours && firstPayment === undefined
  if (!categories && !jurisdictions && open) say('warning', 'It has no condition and blocks every payment.')
  if (trust === 'known' || trust === 'verified') {
    say(
      'warning',
      `With recipientTrust: ${trust} it blocks recipients that are trusted and lets strangers through to the other tiers. Leave recipientTrust out.`,
    )
  }
  if (trust === 'unknown')
    say(
      'note',
      'With recipientTrust: unknown it does not block recipients that are known or verified. Leave recipientTrust out to block all.',
    )
  return findings
}

function unassigned({ name, conditions: { categories = [] } }: Tier, { rules }: LintContext): Finding[] {
  if (!rules) return []
  const assigned = new Set([...rules.categories.map((rule) => rule.category), ...DERIVED])
  const strange = categories.filter((category) => !assigned.has(category))
  if (strange.length === 0) return []
  return [{ level: 'note', tier: name, message: `No rule under categories puts a payment into ${strange.join(' or ')}.` }]
}

/** Categories that a rule gives and no tier names, and amounts that a session could pay and no tier covers. */
function uncovered(tiers: readonly Tier[], { rules, cap }: LintContext): Finding[] {
  const categories = [...new Set(rules?.categories.map((rule) => rule.category))]
  return categories.flatMap((category): Finding[] => {
    const naming = tiers.filter(({ conditions }) => !conditions.categories || conditions.categories.includes(category))
    if (naming.length === 0) return [{ level: 'warning', tier: '', message: `Payments for ${category} match no tier and are refused.` }]
    const most = highest(naming)
    if (cap === undefined || most === undefined || most >= cap) return []
    return [
      {
        level: 'note',
        tier: '',
        message: `Payments for ${category} of more than ${displayAmount(most, 'USD')} match no tier and are refused.`,
      },
    ]
  })
}

/** The largest amount that one of the tiers allows; undefined where none allows anything. */
function highest(tiers: readonly Tier[]): bigint | undefined {
  const amounts = tiers.flatMap(({ conditions: { maxAmount } }) => (maxAmount === undefined ? [] : [maxAmount]))
  return amounts.reduce<bigint | undefined>((most, amount) => (most === undefined || amount > most ? amount : most), undefined)
}

/** A listed recipient is verified, so that only a blocked tier without a condition on trust keeps sanctions. */
function sanctions(tiers: readonly Tier[], { rules }: LintContext): Finding[] {
  if (!rules || rules.jurisdictions.sanctioned.length === 0) return []
  const kept = tiers.some(({ approval, conditions: { categories, recipientTrust = 'any', jurisdictions, hours, firstPayment } }) => {
    const always = !jurisdictions && !hours && firstPayment === undefined
    const named = !categories || categories.includes(SANCTIONED)
    return approval === 'blocked' && named && recipientTrust === 'any' && always
  })
  if (kept) return []
  const message = `jurisdictions.sanctioned lists ${rules.jurisdictions.sanctioned.join(', ')}, but no blocked tier stops verified recipients there: add one with categories: [${SANCTIONED}] and without recipientTrust.`
  return [{ level: 'error', tier: '', message }]
}

function names(tiers: readonly Tier[]): string {
  return tiers.map(({ name }) => name).join(', ')
}
