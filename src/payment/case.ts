/** A case: one 402 in hand, with all that is known about it so far. Each step adds to it and hands it on. */
import type { Approval } from '../approval/approval.ts'
import type { Terms } from '../ledger/ledger.ts'
import type { Classification, Decision } from '../policy/decision.ts'
import { claimOf } from '../rails/claim.ts'
import type { Quote } from '../rails/quote.ts'
import type { Challenge, Rail } from '../rails/rail.ts'
import type { BodyState, PaidRequest, UnpaidAnswer } from '../session/exchange.ts'
import { attemptOf } from './attempt.ts'
import type { Through } from './channels/plan.ts'
import type { PaymentDeps } from './deps.ts'
import { evidenceOf } from './evidence.ts'

export interface Case {
  readonly deps: PaymentDeps
  readonly request: PaidRequest
  readonly rail: Rail
  readonly challenge: Challenge
  /** Milliseconds since 1970. */
  readonly challengedAt: number
  /** The same moment by the monotonic clock. */
  readonly challenged_ms: number
  /** The request's, after its end. */
  readonly body?: BodyState
  readonly quote?: Quote
  /** Where it is paid through a channel. */
  readonly through?: Through
  readonly terms?: Terms
  readonly classification?: Classification
  readonly decision?: Decision
  readonly decidedAt?: number
  /** What people agreed to, where it rests on that. */
  readonly approval?: Approval
  /** What was possible instead of a payment that people refused; sentences of ours. */
  readonly alternatives?: readonly string[]
}

export type Opened =
  | { readonly kind: 'not_a_challenge' }
  | { readonly kind: 'invalid'; readonly reason: string; readonly case: Case }
  | { readonly kind: 'challenge'; readonly case: Case }

/** Asks each rail whether the 402 is its own; one of those that claim it has it. */
export function openCase(deps: PaymentDeps, request: PaidRequest, unpaid: UnpaidAnswer): Opened {
  const claim = claimOf(deps.rails, unpaid, { headers: request.headers, means: request.session })
  if (claim) {
    const { rail, detected } = claim
    const base = { deps, request, rail, challengedAt: deps.clock.now(), challenged_ms: deps.clock.monotonic() }
    if (detected.kind === 'invalid') {
      deps.events.challengeSeen({ rail: rail.name, version: 0, outcome: 'invalid' })
      return { kind: 'invalid', reason: detected.reason, case: { ...base, challenge: unreadable(rail) } }
    }
    const { challenge } = detected
    const outcome = challenge.offers.length > 0 ? 'payable' : 'unpayable'
    deps.events.challengeSeen({ rail: rail.name, version: challenge.protocolVersion, outcome })
    return { kind: 'challenge', case: { ...base, challenge } }
  }
  deps.events.challengeSeen({ rail: 'none', version: 0, outcome: 'not_a_challenge' })
  return { kind: 'not_a_challenge' }
}

/** The case as the ledger keeps it. */
export function recordOf(matter: Case) {
  const { request, challenge, challengedAt, terms, classification, decision, approval, alternatives } = matter
  return attemptOf({
    request,
    challengeDigest: challenge.digest,
    challengedAt,
    decidedAt: matter.decidedAt ?? matter.deps.clock.now(),
    ...(terms ? { terms } : {}),
    ...(classification ? { classification } : {}),
    ...(decision ? { decision } : {}),
    ...(approval ? { approval } : {}),
    ...(alternatives ? { alternatives } : {}),
    evidence: evidenceOf(matter),
  })
}

function unreadable(rail: Rail): Challenge {
  return { rail: rail.name, protocolVersion: 0, offers: [], rejected: [], digest: '', echo: '' }
}
