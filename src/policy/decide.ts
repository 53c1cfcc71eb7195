/** Step 6: the verdict on a payment, as a value, with the reason. */
import type { Code } from '../errors.ts'
import { ESCALATION_TIMEOUT_MS } from '../limits.ts'
import { displayAmount } from '../money.ts'
import type { History } from '../session/history.ts'
import { accepts, type Facts, type Failure, failuresOf } from './conditions.ts'
import type { Classification, Concern, Decision, PolicyMode } from './decision.ts'
import type { Requirement, Tier } from './tiers.ts'

export interface DecideInput {
  /** The amount in millionths of `currency`; the host as asked. */
  readonly quote: { readonly amount: bigint; readonly currency: string; readonly host: string }
  readonly classification: Classification
  readonly history: Pick<History, 'frequency'>
  /** What the agent said about this request. */
  readonly hints: {
    readonly payNever: boolean
    readonly maxAmount?: bigint
    readonly justification?: string
    readonly task?: string
    readonly tool?: string
  }
  /** Why the payment is outside the session's scope (`outOfScope`), or undefined where it is within. */
  readonly scopeReason?: string | undefined
  readonly policy: { readonly tiers: readonly Tier[]; readonly version: string; readonly mode: PolicyMode }
  /** What is odd about it beyond what its classification tells, e.g. drift of the session. */
  readonly concerns?: readonly Concern[]
  /** Milliseconds since 1970. */
  readonly now: number
}

type Denial = Extract<Decision, { kind: 'deny' }>
/** A decision before the policy's version is put on it. */
type Bare<D> = D extends Decision ? Omit<D, 'policyVersion' | 'wouldBe'> : never

/** A tier whose conditions do not all hold. */
interface Miss {
  readonly tier: Tier
  readonly failures: readonly Failure[]
}

/** Reasons name this many tiers; the rest is counted. */
const TIERS_IN_A_REASON = 8

/**
 * Decides in a fixed order: the agent's own word, the blocked list, the scope, blocked tiers, then the first tier whose
 * conditions all hold, and then what is odd about the payment. Pure. `open` and `report` let pass what scope, tiers and
 * concerns refuse, and say what `enforce` would do; the agent's word and the blocked list hold in every mode.
 */
export function decide(input: DecideInput): Decision {
  const { version, mode } = input.policy
  const hard = wordOfAgent(input) ?? blockedRecipient(input)
  if (hard) return { ...hard, policyVersion: version }
  const verdict: Decision = { ...(beyondScope(input) ?? byTiers(input)), policyVersion: version }
  return mode === 'enforce' || verdict.kind === 'allow' ? verdict : relax(verdict, mode, input.policy.tiers)
}

function wordOfAgent({ quote, hints }: DecideInput): Bare<Denial> | undefined {
  if (hints.payNever) return deny('payment_not_allowed', 'request.pay', 'The resource costs money, and the request said Purser-Pay: never.')
  if (hints.maxAmount === undefined || quote.amount <= hints.maxAmount) return undefined
  const reason = `It costs ${price(quote)}, and the request allows ${displayAmount(hints.maxAmount, quote.currency)}.`
  return deny('request_ceiling_exceeded', 'request.maxAmount', reason)
}

function blockedRecipient({ quote, classification }: DecideInput): Bare<Denial> | undefined {
  if (!classification.blocked) return undefined
  return deny('recipient_blocked', 'recipients.blocked', `The operator has blocked the recipient of this payment at ${quote.host}.`)
}

function beyondScope({ scopeReason }: DecideInput): Bare<Denial> | undefined {
  return scopeReason === undefined ? undefined : deny('out_of_scope', 'session.scope', scopeReason)
}

function byTiers(input: DecideInput): Bare<Decision> {
  const { quote, classification, history, policy, now } = input
  const facts: Facts = { amount: quote.amount, currency: quote.currency, classification, frequency: history.frequency, now }
  const blocking = policy.tiers.find((tier) => tier.approval === 'blocked' && failuresOf(tier, facts).length === 0)
  if (blocking) return prohibited(blocking, input)
  const misses: Miss[] = []
  for (const tier of policy.tiers.filter(({ approval }) => approval !== 'blocked')) {
    const failures = failuresOf(tier, facts)
    if (failures.length === 0) return concerned(tier, input, facts)
    misses.push({ tier, failures })
  }
  return unmatched(misses, input)
}

function prohibited({ name }: Tier, { quote, classification: { categories, trust } }: DecideInput): Bare<Denial> {
  const what = categories.length === 0 ? 'without a category' : `for ${categories.join(', ')}`
  const reason = `Payments like this one are prohibited by tier ${name}: ${price(quote)} ${what} to a recipient who is ${trust}.`
  return { ...deny('tier_prohibited', `tiers.${name}`, reason), tier: name }
}

/** The tier that covers the payment, unless something about it is refused, missing, or has to be put before a person. */
function concerned(tier: Tier, input: DecideInput, facts: Facts): Bare<Decision> {
  const concerns = concernsIn(input)
  const denying = concerns.find(({ on }) => on === 'deny')
  if (denying) {
    const reason = `${denying.sentence} Tier ${tier.name} would cover ${price(input.quote)} at ${input.quote.host} otherwise.`
    return { ...deny(denying.code, denying.rule, reason), tier: tier.name }
  }
  const escalating = concerns.find(({ on }) => on === 'escalate')
  const applied = escalating && tier.approval !== 'explicit_human' ? stricter(tier, input, facts) : tier
  const missing = (applied.require ?? []).filter((requirement) => input.hints[requirement] === undefined)
  if (missing.length > 0) return unexplained(applied, missing, input)
  const permit = permitted(applied, input)
  const reason = [permit.reason, ...concerns.map(({ sentence }) => sentence)].join(' ')
  return { ...permit, reason, ...(escalating && applied !== tier ? { rule: escalating.rule } : {}) }
}

function concernsIn({ classification: { drift }, concerns = [] }: DecideInput): readonly Concern[] {
  if (!drift) return concerns
  return [{ on: drift.on, code: 'price_drift', rule: 'priceDrift', sentence: drift.sentence }, ...concerns]
}

/** The first tier that puts this payment before people; where there is none, the tier that covers it, with their approval. */
function stricter(tier: Tier, { policy: { tiers } }: DecideInput, facts: Facts): Tier {
  const asking = tiers.filter(({ approval }) => approval === 'explicit_human')
  const covering = asking.find((one) => failuresOf(one, facts).length === 0)
  return covering ?? { ...tier, approval: 'explicit_human', timeout_ms: asking[0]?.timeout_ms ?? ESCALATION_TIMEOUT_MS }
}

const HEADERS: Readonly<Record<Requirement, string>> = {
  justification: 'Purser-Justification',
  task: 'Purser-Task',
  tool: 'Purser-Tool',
}

function unexplained({ name }: Tier, missing: readonly Requirement[], { quote }: DecideInput): Bare<Denial> {
  const headers = missing.map((requirement) => HEADERS[requirement]).join(' and ')
  const reason = `Tier ${name} covers ${price(quote)} at ${quote.host} only for a request that has ${headers}.`
  return { ...deny('justification_required', `tiers.${name}.require`, reason), tier: name }
}

function permitted(tier: Tier, { quote, classification }: DecideInput): Bare<Exclude<Decision, { kind: 'deny' }>> {
  const { name, conditions, approvers } = tier
  const frequency = conditions.frequency ? { frequency: { tier: name, ...conditions.frequency } } : {}
  const first = classification.firstPayment ? ' No earlier payment of this agent there is proven yet.' : ''
  const reason = `Tier ${name} covers ${price(quote)} for ${classification.categories.join(', ') || 'anything'} at ${quote.host}. ${classification.trustReason}${first}`
  const base = { tier: name, rule: `tiers.${name}`, reason, ...frequency }
  switch (tier.approval) {
    case 'none':
      return { kind: 'allow', ...base }
    case 'notify_with_veto':
      return { kind: 'notify', ...base, vetoWindow_ms: stated(tier.vetoWindow_ms, tier) }
    case 'explicit_human':
      return { kind: 'ask', ...base, timeout_ms: stated(tier.timeout_ms, tier), approvers }
    case 'blocked':
      throw new Error(`tier ${name} blocks and cannot permit`)
  }
}

function stated(span_ms: number | undefined, { name }: Tier): number {
  if (span_ms === undefined) throw new Error(`tier ${name} waits for people but does not say how long`)
  return span_ms
}

function unmatched(misses: readonly Miss[], input: DecideInput): Bare<Denial> {
  const { classification } = input
  const near = misses.filter(({ failures }) => failures.length === 1)
  const late = near.flatMap(({ tier, failures }) =>
    failures.flatMap((failure) => (failure.condition === 'frequency' ? [{ tier, failure }] : [])),
  )
  const [soonest] = late.sort((a, b) => (a.failure.resetsAt ?? Infinity) - (b.failure.resetsAt ?? Infinity))
  if (soonest) return tooOften(soonest, input)
  const missed = near.find(({ tier, failures }) => failures[0]?.condition === 'recipientTrust' && wouldTrust(tier, classification))
  if (missed) return changedRecipient(missed.tier, classification)
  const opening = openingOf(near)
  const sentences = [`No tier allows ${price(input.quote)} at ${input.quote.host}.`, ...whyNot(misses), ...advice(misses, classification)]
  if (!opening) return deny('no_tier_matches', 'default', sentences.join(' '))
  const when = `The hours of tier ${opening.name} begin at ${new Date(opening.resetsAt).toISOString()}.`
  return { ...deny('no_tier_matches', 'default', [...sentences, when].join(' ')), resetsAt: opening.resetsAt }
}

/** The first of the tiers that would cover the payment at another time of the week. */
function openingOf(near: readonly Miss[]): { readonly name: string; readonly resetsAt: number } | undefined {
  const closed = near.flatMap(({ tier: { name }, failures: [failure] }) =>
    failure?.condition === 'hours' && failure.resetsAt !== undefined ? [{ name, resetsAt: failure.resetsAt }] : [],
  )
  return closed.sort((a, b) => a.resetsAt - b.resetsAt)[0]
}

function tooOften({ tier, failure }: { tier: Tier; failure: Failure }, { quote }: DecideInput): Bare<Denial> {
  const { resetsAt } = failure
  const when = resetsAt === undefined ? '' : ` The next one fits at ${new Date(resetsAt).toISOString()}.`
  const reason = `Tier ${tier.name} would cover ${price(quote)} at ${quote.host}, but ${failure.clause}.${when}`
  return {
    ...deny('frequency_exceeded', `tiers.${tier.name}.frequency`, reason),
    tier: tier.name,
    ...(resetsAt === undefined ? {} : { resetsAt }),
  }
}

function wouldTrust({ approval, conditions }: Tier, { recipientChanged, trustBefore }: Classification): boolean {
  return recipientChanged && trustBefore !== undefined && accepts(conditions.recipientTrust ?? 'any', trustBefore, approval)
}

function changedRecipient({ name }: Tier, { trustReason }: Classification): Bare<Denial> {
  const reason = `${trustReason} Tier ${name} would cover the payment if the recipient were the same. An operator has to list the new one under recipients.verified.`
  return { ...deny('recipient_changed', `tiers.${name}.recipientTrust`, reason), tier: name }
}

function whyNot(misses: readonly Miss[]): string[] {
  if (misses.length === 0) return ['The policy has no tier that allows anything.']
  const named = misses.slice(0, TIERS_IN_A_REASON).map(({ tier, failures }) => `${tier.name}: ${failures[0]?.clause}.`)
  const more = misses.length - named.length
  return more > 0 ? [...named, `So it is with ${more} more.`] : named
}

/** What an operator can do about it. Strangers are only ever paid where a tier accepts any recipient. */
function advice(misses: readonly Miss[], { trust, categories, trustReason, recipientChanged }: Classification): string[] {
  if (misses.length === 0) return []
  const failed = new Set(misses.flatMap(({ failures }) => failures.map(({ condition }) => condition)))
  const steps: string[] = []
  if (categories.length === 0) steps.push('An operator has to give the host a category under categories.')
  if (recipientChanged) steps.push(trustReason)
  if (trust === 'unknown' && failed.has('recipientTrust'))
    steps.push('An operator has to list the recipient under recipients.verified before it can be paid.')
  return steps
}

/** What scope and tiers refuse passes in this mode, with the refusal on record. It is counted as the tier counts, without a bound. */
function relax(verdict: Exclude<Decision, { kind: 'allow' }>, mode: Exclude<PolicyMode, 'enforce'>, tiers: readonly Tier[]): Decision {
  const { kind, tier, reason, policyVersion } = verdict
  const code = kind === 'deny' ? { code: verdict.code } : {}
  const frequency = tiers.find(({ name }) => name === tier)?.conditions.frequency
  return {
    ...(frequency?.of === undefined ? {} : { frequency: { ...frequency, tier, max: Number.POSITIVE_INFINITY } }),
    kind: 'allow',
    tier,
    rule: `mode.${mode}`,
    reason: `Mode ${mode} lets pass what enforce would not: ${reason}`,
    policyVersion,
    wouldBe: { kind, ...code, tier, reason },
  }
}

function deny(code: Code, rule: string, reason: string): Bare<Denial> {
  return { kind: 'deny', code, tier: '', rule, reason }
}

function price({ amount, currency }: DecideInput['quote']): string {
  return displayAmount(amount, currency)
}
