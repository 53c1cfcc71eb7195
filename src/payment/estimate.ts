/** What a resource would cost and which tier it would fall in: one unpaid look at its challenge. Nothing is set aside or signed. */
import { priceDifference } from '../discovery/discovery.ts'
import type { Refusal } from '../errors.ts'
import { claimOf } from '../rails/claim.ts'
import { chooseOffer } from '../rails/quote.ts'
import type { PaidRequest, UnpaidAnswer } from '../session/exchange.ts'
import type { Session } from '../session/session.ts'
import { budgetBar, haltOn, lineageOf } from './bars.ts'
import type { PaymentDeps } from './deps.ts'
import { assess } from './judge.ts'

export type Probed =
  | { readonly kind: 'answer'; readonly url: string; readonly transport: PaidRequest['transport']; readonly answer: UnpaidAnswer }
  | { readonly kind: 'failed'; readonly refusal: Refusal }

/** Asks once, unpaid, as the proxy would, until `signal` says that nobody waits any more. */
export type Probe = (session: Session, resource: Resource, signal?: AbortSignal) => Promise<Probed>

export interface Resource {
  readonly url: string
  readonly method: string
}

/** `payable`: with this session, policy and budget as they are now. Amounts in millionths of `currency`. */
export interface Estimate {
  readonly payable: boolean
  readonly reason: string
  readonly amount?: bigint
  readonly currency?: string
  readonly asset?: string
  readonly network?: string
  readonly recipient?: string
  readonly tier?: string
  readonly decision?: string
  readonly code?: string
}

type EstimateDeps = Pick<PaymentDeps, 'rails' | 'ledger' | 'policy' | 'clock' | 'discovery'>

export function createEstimate(deps: EstimateDeps, probe: Probe) {
  return async (session: Session, resource: Resource, signal?: AbortSignal): Promise<Estimate> => {
    const probed = await probe(session, resource, signal)
    if (probed.kind === 'failed') return no(probed.refusal)
    const { answer, transport, url } = probed
    const detected = claimOf(deps.rails, answer, { means: session })?.detected
    if (!detected) return { payable: false, reason: `The upstream answered ${answer.status} and asks for no payment.`, decision: 'free' }
    if (detected.kind === 'invalid') return no({ code: 'challenge_invalid', detail: detected.reason })
    const quote = chooseOffer(detected.challenge, session)
    if ('code' in quote) return no(quote)
    const policy = deps.policy()
    const { decision } = await assess(deps, { session, url, method: resource.method, hints: { payNever: false }, quote, policy })
    const { amount, currency, offer } = quote
    const terms = { amount, currency, asset: offer.asset.symbol, network: offer.network, recipient: offer.payTo }
    const means = { line: await lineageOf(deps.ledger, session), amount, transport, now: deps.clock.now() }
    const bar = (await haltOn(deps.ledger, session)) ?? barOf(means)
    const verdict = { tier: decision.tier, decision: decision.kind }
    if (decision.kind === 'deny') return { ...no({ code: decision.code, detail: decision.reason }), ...terms, ...verdict }
    if (bar) return { ...no(bar), ...terms, ...verdict }
    const difference = priceDifference(deps.discovery.known(url), quote)
    const reason = [decision.reason, ...(difference === undefined ? [] : [difference])].join(' ')
    return { payable: decision.kind === 'allow', reason, ...terms, ...verdict }
  }
}

interface Means {
  /** The session and its ancestors: each has to have enough. */
  readonly line: readonly Session[]
  readonly amount: bigint
  readonly transport: PaidRequest['transport']
  readonly now: number
}

function barOf({ line, amount, transport, now }: Means): Refusal | undefined {
  if (transport === 'plain') return { code: 'plain_http_not_payable', detail: 'Payments travel over verified TLS only.' }
  for (const session of line) {
    const bar = budgetBar(session, amount, now)
    if (bar) return bar
  }
  return undefined
}

function no({ code, detail }: Refusal): Estimate {
  return { payable: false, reason: detail, code }
}
