/** How a decision comes about, step by step, in sentences. */
import { displayAmount } from '../money.ts'
import type { History, Trust } from '../session/history.ts'
import { type ClassifyRules, classify, ruleFor } from './classify.ts'
import { failuresOf } from './conditions.ts'
import { decide } from './decide.ts'
import type { Classification, Decision, PolicyMode } from './decision.ts'
import { tierSentence } from './sentences.ts'
import type { Tier } from './tiers.ts'

export interface ExplainInput {
  /** Absolute URL of the resource. */
  readonly url: string
  readonly method: string
  readonly tool?: string
  /** Millionths of `currency`. */
  readonly amount: bigint
  readonly currency: string
  /** The recipient's address; without one the address counts as never seen, and listings that name an address do not match. */
  readonly payTo?: string
  /** Supposes this trust instead of deriving it from listings and the past. */
  readonly trust?: Trust
  readonly history?: History
  readonly scopeReason?: string
  /** Milliseconds since 1970: the moment that conditions on hours are judged by. */
  readonly now: number
  readonly policy: { readonly tiers: readonly Tier[]; readonly rules: ClassifyRules; readonly version: string; readonly mode: PolicyMode }
}

export interface Explanation {
  readonly steps: readonly string[]
  readonly decision: Decision
}

const NO_PAST: History = { known: false, lastPayTo: undefined, pinnedPayTo: undefined, frequency: {} }
const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 }

/**
 * Judges as the payment flow would and tells why. Spends nothing and asks nobody.
 * @throws TypeError where the URL cannot be read
 */
export function explain(input: ExplainInput): Explanation {
  const { policy, history = NO_PAST } = input
  const target = targetOf(input)
  const seen = classify(target, policy.rules, history)
  const classification = input.trust === undefined ? seen : supposing(seen, input.trust)
  const decision = decide({
    quote: { amount: input.amount, currency: input.currency, host: target.host },
    classification,
    history,
    hints: { payNever: false },
    scopeReason: input.scopeReason,
    policy,
    now: input.now,
  })
  const steps = [
    `${target.method} ${input.url} costs ${displayAmount(input.amount, input.currency)}.`,
    categoryStep(target, policy.rules, classification),
    `Recipient: ${classification.trust}. ${classification.trustReason}`,
    ...(classification.blocked ? ['The recipient is blocked, by recipients.blocked or one of its lists.'] : []),
    ...(input.scopeReason === undefined ? [] : [`Scope: ${input.scopeReason}`]),
    ...policy.tiers.map((tier) => tierStep(tier, { input, classification, history })),
    verdictStep(decision),
  ]
  return { steps, decision }
}

function targetOf({ url, method, tool, payTo = '', amount, currency }: ExplainInput) {
  const { protocol, hostname, port, pathname } = new URL(url)
  return {
    host: hostname,
    port: port === '' ? (DEFAULT_PORTS[protocol] ?? 0) : Number.parseInt(port, 10),
    path: pathname,
    method: method.toUpperCase(),
    payTo,
    amount,
    currency,
    ...(tool === undefined ? {} : { tool }),
  }
}

function supposing(seen: Classification, trust: Trust): Classification {
  const { trustBefore: _, ...rest } = seen
  const firstPayment = seen.firstPayment && trust !== 'known'
  return { ...rest, firstPayment, trust, trustReason: 'As supposed.', recipientChanged: false }
}

function categoryStep(target: ReturnType<typeof targetOf>, rules: ClassifyRules, { categories }: Classification): string {
  const rule = ruleFor(target, rules.categories)
  if (!rule) return `Category: ${categories.join(', ') || 'none'}. No rule under categories names this request.`
  const narrowed = [rule.method, `${rule.host}${rule.path ?? ''}`, rule.tool && `tool ${rule.tool}`].filter(Boolean).join(' ')
  return `Category: ${categories.join(', ')}. The rule for ${narrowed} gives ${rule.category}.`
}

interface Judged {
  readonly input: ExplainInput
  readonly classification: Classification
  readonly history: History
}

function tierStep(tier: Tier, { input, classification, history }: Judged): string {
  const { amount, currency, now } = input
  const failures = failuresOf(tier, { amount, currency, classification, frequency: history.frequency, now })
  const result = failures.length === 0 ? 'matches' : `does not match: ${failures.map(({ clause }) => clause).join('; ')}`
  return `Tier ${tier.name} (${tierSentence(tier, currency)}) ${result}.`
}

function verdictStep(decision: Decision): string {
  const verdict = { allow: 'paid', notify: 'paid unless vetoed', ask: 'paid if approved', deny: 'refused' }[decision.kind]
  return `Result: ${verdict}${decision.kind === 'deny' ? ` with ${decision.code}` : ''}. ${decision.reason}`
}
