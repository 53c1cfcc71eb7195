/** Step 6: the payment is put before the policy, with what the ledger remembers, and the verdict is joined to the case. */
import type { Refusal } from '../errors.ts'
import type { Attempt, Terms } from '../ledger/ledger.ts'
import { classify } from '../policy/classify.ts'
import { type DecideInput, decide } from '../policy/decide.ts'
import type { Classification, Decision } from '../policy/decision.ts'
import { frequencyBounds } from '../policy/tiers.ts'
import type { Quote } from '../rails/quote.ts'
import type { AgentHints } from '../session/exchange.ts'
import { outOfScope } from '../session/scope.ts'
import type { Session } from '../session/session.ts'
import { termsOf } from './attempt.ts'
import { type Case, recordOf } from './case.ts'
import type { PaymentDeps, Policy } from './deps.ts'
import { placeOf } from './place.ts'

type Allowed = Extract<Decision, { kind: 'allow' }>

export type Judged =
  | {
      readonly kind: 'allowed'
      readonly matter: Case
      readonly decision: Allowed
      readonly attempt: Attempt & { readonly terms: Terms }
      readonly pin: boolean
    }
  | { readonly kind: 'refused'; readonly matter: Case; readonly refusal: Refusal }

/** Decides on the quote with the policy in force now. */
export async function judge(matter: Case, quote: Quote): Promise<Judged> {
  const { deps, request } = matter
  const policy = deps.policy()
  const terms = termsOf(quote, await deps.wallet.address(request.session.wallet))
  const { classification, decision } = await deps.phases.time('decide', () => assess(deps, { ...request, quote, policy }))
  const judged: Case = { ...matter, quote, terms, classification, decision, decidedAt: deps.clock.now() }
  if (decision.kind === 'deny') return { kind: 'refused', matter: judged, refusal: refusalOf(decision, quote) }
  if (decision.kind !== 'allow') throw new Error(`tier ${decision.tier} asks for people, which this version refuses at start`)
  return { kind: 'allowed', matter: judged, decision, attempt: { ...recordOf(judged), terms }, pin: classification.pin }
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

/** The verdict alone: nothing is written, so a quote can be had without paying. */
export async function assess(
  deps: Pick<PaymentDeps, 'ledger'>,
  { session, method, url, hints, quote, policy }: Assessable,
): Promise<{ classification: Classification; decision: Decision }> {
  const { origin, ...place } = placeOf(url)
  const { network, payTo } = quote.offer
  const { mode, rules, tiers, version } = policy
  const query = { agent: session.agent, origin, host: place.host, network, payTo, tiers: frequencyBounds(tiers) }
  const history = await deps.ledger.history(query)
  const tool = hints.tool === undefined ? {} : { tool: hints.tool }
  const classification = classify({ ...place, method, payTo, ...tool }, rules, history)
  const input: DecideInput = {
    quote: { amount: quote.amount, currency: quote.currency, host: place.host },
    classification,
    history,
    hints,
    scopeReason: outOfScope(session.scope, { ...place, method, ...tool, categories: classification.categories }),
    policy: { tiers, version, mode },
  }
  return { classification, decision: decide(input) }
}

function refusalOf(decision: Extract<Decision, { kind: 'deny' }>, { amount, currency }: Quote): Refusal {
  const { code, reason, tier, rule, resetsAt } = decision
  return { code, detail: reason, rule, amount, currency, ...(tier ? { tier } : {}), ...(resetsAt === undefined ? {} : { resetsAt }) }
}
