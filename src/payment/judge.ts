/** Step 6: the payment is put before the policy, with what the ledger remembers, and the verdict is joined to the case. */
import { priceDifference } from '../discovery/discovery.ts'
import type { Refusal } from '../errors.ts'
import type { Attempt, Terms } from '../ledger/ledger.ts'
import { classify, priceQuery } from '../policy/classify.ts'
import { type DecideInput, decide } from '../policy/decide.ts'
import type { Classification, Decision } from '../policy/decision.ts'
import { frequencyBounds } from '../policy/tiers.ts'
import type { Quote } from '../rails/quote.ts'
import { type Drift, driftsOf } from '../session/drift.ts'
import type { AgentHints, PaidRequest } from '../session/exchange.ts'
import { outOfScope } from '../session/scope.ts'
import type { Session } from '../session/session.ts'
import type { Events } from '../telemetry/events.ts'
import { termsOf } from './attempt.ts'
import { windowOf } from './authorize.ts'
import { type Case, recordOf } from './case.ts'
import type { PaymentDeps, Policy } from './deps.ts'
import { concernOf, tellDrifts } from './drift.ts'
import { payerOn } from './payer.ts'
import { placeOf } from './place.ts'
import { presignedBar } from './presigned.ts'

/** Allowed, with people or without them. */
type Permission = Exclude<Decision, { kind: 'deny' }>

export type Judged =
  | {
      readonly kind: 'allowed'
      readonly matter: Case
      readonly decision: Permission
      readonly quote: Quote
      readonly attempt: Attempt & { readonly terms: Terms }
      readonly pin: boolean
    }
  | { readonly kind: 'refused'; readonly matter: Case; readonly refusal: Refusal }

export type Allowed = Extract<Judged, { kind: 'allowed' }>

/** Decides on the quote with the policy in force now. */
export async function judge(matter: Case, quote: Quote): Promise<Judged> {
  const { deps, request } = matter
  const policy = deps.policy()
  const terms = termsOf(quote, await payerOn(deps.wallet, quote.offer.network, request.session.wallet))
  const { classification, decision, drifts } = await deps.phases.time('decide', () => assess(deps, { ...request, quote, policy }))
  if (classification.drift) told(deps.events, request, classification)
  if (drifts.length > 0) await tellDrifts(matter, drifts)
  const judged: Case = { ...matter, quote, terms, classification, decision, decidedAt: deps.clock.now() }
  if (decision.kind === 'deny') return { kind: 'refused', matter: judged, refusal: refusalOf(decision, quote) }
  // Before people are asked for what cannot be paid.
  const bar = await presignedBar(matter, quote, windowOf(quote.offer.askedWindow_s))
  if (bar) return { kind: 'refused', matter: judged, refusal: bar }
  return { kind: 'allowed', matter: judged, decision, quote, attempt: { ...recordOf(judged), terms }, pin: classification.pin }
}

/**
 * The same where nothing may be asked, told or written down: undefined unless the policy allows the payment by itself,
 * in force as well as in a mode that relaxes it, and finds nothing odd. `fact` goes into its record.
 */
export async function allowedOutright(
  matter: Case,
  { quote, fact }: { readonly quote: Quote; readonly fact: string },
): Promise<Allowed | undefined> {
  const { deps, request } = matter
  const terms = termsOf(quote, await payerOn(deps.wallet, quote.offer.network, request.session.wallet))
  const { classification, decision, drifts } = await deps.phases.time('decide', () =>
    assess(deps, { ...request, quote, policy: deps.policy() }),
  )
  if (decision.kind !== 'allow' || decision.wouldBe || classification.drift || drifts.length > 0) return undefined
  const noted = { ...classification, facts: [...classification.facts, fact] }
  const judged: Case = { ...matter, quote, terms, classification: noted, decision, decidedAt: deps.clock.now() }
  return { kind: 'allowed', matter: judged, decision, quote, attempt: { ...recordOf(judged), terms }, pin: classification.pin }
}

export interface Assessable {
  readonly session: Session
  readonly method: string
  /** Canonical. */
  readonly url: string
  readonly hints: Pick<AgentHints, 'payNever' | 'maxAmount' | 'tool'>
  readonly quote: Quote
  readonly policy: Policy
}

/** A verdict, with what it was made from: the same with another amount tells what else would pass. */
export interface Assessment {
  readonly classification: Classification
  readonly decision: Decision
  readonly input: DecideInput
  /** What the start of the session did not show. */
  readonly drifts: readonly Drift[]
}

/** The verdict alone: nothing is written, so a quote can be had without paying. */
export async function assess(
  deps: Pick<PaymentDeps, 'ledger' | 'clock' | 'discovery'>,
  { session, method, url, hints, quote, policy }: Assessable,
): Promise<Assessment> {
  const { origin, ...place } = placeOf(url)
  const { network, payTo } = quote.offer
  const { price = quote.amount } = quote
  const { mode, rules, tiers, version } = policy
  const query = {
    agent: session.agent,
    sessionId: session.id,
    origin,
    network,
    payTo,
    tiers: frequencyBounds(tiers),
    conduct: true as const,
    ...priceQuery({ method, path: place.path, currency: quote.currency }, rules),
  }
  const history = await deps.ledger.history(query)
  const tool = hints.tool === undefined ? {} : { tool: hints.tool }
  const classified = classify({ ...place, method, payTo, ...tool, amount: price, currency: quote.currency }, rules, history)
  const now = deps.clock.now()
  const drifts = history.conduct ? driftsOf(session, history.conduct, { host: place.host, categories: classified.categories, at: now }) : []
  const listed = priceDifference(deps.discovery.known(url), { ...quote, amount: price })
  const odd = [...drifts.map((drift) => drift.sentence), ...(listed === undefined ? [] : [listed])]
  const classification = { ...classified, facts: [...classified.facts, ...odd] }
  const input: DecideInput = {
    quote: { amount: quote.amount, currency: quote.currency, host: place.host },
    classification,
    history,
    hints,
    scopeReason: outOfScope(session.scope, { ...place, method, ...tool, categories: classification.categories }),
    policy: { tiers, version, mode },
    concerns: drifts.map((drift) => concernOf(drift, session)),
    now,
  }
  return { classification, decision: decide(input), input, drifts }
}

function told(
  events: Pick<Events, 'priceDrifted'>,
  { session, url }: Pick<PaidRequest, 'session' | 'url'>,
  { drift }: Classification,
): void {
  if (!drift) return
  const { kind, on: consequence, sentence } = drift
  events.priceDrifted({ sessionId: session.id, agent: session.agent, host: placeOf(url).host, kind, consequence, sentence })
}

function refusalOf(decision: Extract<Decision, { kind: 'deny' }>, { amount, currency }: Quote): Refusal {
  const { code, reason, tier, rule, resetsAt } = decision
  return { code, detail: reason, rule, amount, currency, ...(tier ? { tier } : {}), ...(resetsAt === undefined ? {} : { resetsAt }) }
}
