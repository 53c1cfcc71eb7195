/** What goes into the record of an attempt, whether it is paid or refused. */
import type { Attempt, Terms } from '../ledger/ledger.ts'
import type { Decision } from '../policy/decision.ts'
import type { Quote } from '../rails/quote.ts'
import type { PaidRequest } from '../session/exchange.ts'
import { type ContextFacts, contextOf } from './context.ts'
import { placeOf } from './place.ts'

export interface AttemptFacts extends ContextFacts {
  readonly request: PaidRequest
  readonly challengeDigest: string
  /** Milliseconds since 1970. */
  readonly challengedAt: number
  readonly decidedAt: number
  readonly terms?: Terms
  readonly decision?: Pick<Decision, 'tier' | 'rule' | 'reason' | 'policyVersion' | 'wouldBe'>
}

/** The attempt as the ledger keeps it; what is not known yet is null or empty. */
export function attemptOf(facts: AttemptFacts): Attempt {
  const { request, decision, classification } = facts
  const { hints, session } = request
  const { origin, host } = placeOf(request.url)
  return {
    sessionId: session.id,
    agent: session.agent,
    paymentRequestId: request.exchangeId,
    method: request.method,
    url: request.url,
    origin,
    host,
    challengeDigest: facts.challengeDigest,
    tool: hints.tool ?? null,
    task: hints.task ?? null,
    user: hints.user ?? null,
    justification: hints.justification ?? null,
    tier: decision?.tier ?? '',
    rule: decision?.rule ?? '',
    reason: decision?.reason ?? '',
    policyVersion: decision?.policyVersion ?? '',
    wouldBe: decision?.wouldBe ? `${decision.wouldBe.code ?? decision.wouldBe.kind}: ${decision.wouldBe.reason}` : null,
    categories: classification?.categories ?? [],
    trust: classification?.trust ?? null,
    challengedAt: facts.challengedAt,
    decidedAt: facts.decidedAt,
    terms: facts.terms ?? null,
    context: contextOf(facts),
  }
}

/** The quote's terms with the wallet that would pay. */
export function termsOf(quote: Quote, payer: string): Terms {
  const { offer, amount, currency } = quote
  const { symbol, address, decimals } = offer.asset
  return {
    rail: offer.rail,
    protocolVersion: offer.protocolVersion,
    scheme: offer.scheme,
    ...(offer.method !== undefined && { method: offer.method }),
    network: offer.network,
    asset: { symbol, address, decimals },
    amountAtomic: offer.amount,
    amount,
    currency,
    payTo: offer.payTo,
    payer,
    flow: offer.flow,
  }
}
