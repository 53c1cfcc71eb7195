/** What an authorization ahead leaves: its attempt, its approved record, and what people are shown of it. */

import { createHash, randomBytes } from 'node:crypto'
import { uniformAddress } from '../address.ts'
import type { Shown } from '../approval/approval.ts'
import { approvalDigest } from '../approval/digest.ts'
import { NO_HOST } from '../approval/text.ts'
import { PurserError, type Refusal } from '../errors.ts'
import type { Context } from '../ledger/context.ts'
import type { Attempt, Terms } from '../ledger/ledger.ts'
import { CURRENCY_DECIMALS } from '../money.ts'
import { ASKED_RAIL } from '../policy/simulate.ts'
import { remainingOf } from '../session/session.ts'
import type { AheadDeps, AheadRequest } from './ahead.ts'
import { type AheadVerdict, hostOfRecipient } from './ahead-verdict.ts'

const NO_BODY = createHash('sha256').digest('hex')

/** A yes ahead covers more than a yes to a request: whoever gives it has to know. */
const ASKED_AHEAD =
  'It is asked ahead of any request: a yes covers one payment of exactly this amount to this recipient in this category, whatever it buys.'

/** Names what is asked for; not an address that anything is sent to. */
function resourceOf({ category, recipient }: AheadRequest): string {
  return `https://${hostOfRecipient(recipient) || NO_HOST}/.purser/authorize/${encodeURIComponent(category)}`
}

function termsAhead({ amount, recipient, network, session }: AheadRequest): Terms {
  return {
    ...{
      rail: ASKED_RAIL,
      protocolVersion: 0,
      scheme: ASKED_RAIL,
      network,
      flow: 'authorization',
      payer: '',
      payTo: hostOfRecipient(recipient) || uniformAddress(recipient),
    },
    // The currency is part of the digest: so much of another one is another payment.
    asset: { symbol: session.currency, address: session.currency, decimals: CURRENCY_DECIMALS },
    ...{ amountAtomic: amount, amount, currency: session.currency },
  }
}

/** The attempt as the ledger keeps it. */
export function attemptAhead(
  { ids, clock }: Pick<AheadDeps, 'ids' | 'clock'>,
  request: AheadRequest,
  { classification, decision, context }: AheadVerdict & { readonly context: Context },
): Attempt & { readonly terms: Terms } {
  const { session, justification } = request
  const [url, now] = [resourceOf(request), clock.now()]
  const { origin, hostname: host } = new URL(url)
  const { tier, rule, reason, policyVersion, wouldBe } = decision
  return {
    ...{ sessionId: session.id, agent: session.agent, paymentRequestId: ids('exc'), method: 'POST', url, origin, host },
    ...{ challengeDigest: '', tool: null, task: null, user: null, justification, tier, rule, reason, policyVersion },
    wouldBe: wouldBe ? `${wouldBe.code ?? wouldBe.kind}: ${wouldBe.reason}` : null,
    ...{ categories: classification.categories, trust: classification.trust, challengedAt: now, decidedAt: now },
    terms: termsAhead(request),
    context: { ...context, ...(classification.facts.length > 0 && { facts: classification.facts }) },
  }
}

/**
 * Writes down that it would be paid: set aside, so that every cap, limit and halt has its say, and given back at once.
 * @returns the refusal of a cap, a limit or a halt
 */
export async function writeApproved(
  { ledger, ids }: Pick<AheadDeps, 'ledger' | 'ids'>,
  attempt: Attempt & { readonly terms: Terms },
): Promise<Refusal | undefined> {
  const purchaseId = ids('pur')
  const fingerprint = createHash('sha256').update(purchaseId).digest('hex')
  const reserved = await ledger.reserve({
    purchase: { sessionId: attempt.sessionId, fingerprint, keyDigest: null },
    ...{ purchaseId, paymentId: ids('pay'), nonce: `0x${randomBytes(32).toString('hex')}`, attempt },
    ...{ frequency: null, pin: false },
  })
  if (reserved.kind === 'refused') return reserved.refusal
  if (reserved.kind !== 'reserved')
    throw new PurserError({ code: 'conflict', detail: 'The policy or the session changed meanwhile; ask again.' })
  const { reservation } = reserved
  await reservation.void({ kind: 'never_signed', reason: 'Authorized ahead: nothing was spent.', code: 'payment_not_allowed' })
  reservation.release()
  return undefined
}

/** What people see: the described payment, bound by session, recipient, amount, network and category. */
export function aheadShown(request: AheadRequest, attempt: Attempt & { readonly terms: Terms }): Shown {
  const { session } = request
  const { rail, scheme, flow, network, asset, amountAtomic, amount, currency, payTo } = attempt.terms
  const { url, host, justification, tool, task, categories, tier, reason, policyVersion } = attempt
  return {
    ...{ method: 'POST', url, host, bodyDigest: NO_BODY, rail, scheme, flow, network, asset, amountAtomic, amount, currency, payTo },
    ...{ purpose: session.purpose, owner: session.owner, justification, tool, task, categories, tier, policyVersion },
    reason: `${reason} ${ASKED_AHEAD}`,
    trust: attempt.trust ?? 'unknown',
    remaining: remainingOf(session),
    changes: attempt.context?.facts ?? [],
    untrusted: null,
    ...(attempt.context?.auditId && { auditId: attempt.context.auditId }),
  }
}

/** The digest of its approval: another category, recipient, amount or network is another request. */
export function aheadDigest(request: AheadRequest): string {
  const { rail, scheme, flow, network, asset, amountAtomic, payTo } = termsAhead(request)
  const asked = { method: 'POST', url: resourceOf(request), bodyDigest: NO_BODY }
  return approvalDigest({ sessionId: request.session.id, ...asked, rail, scheme, flow, network, asset, amountAtomic, payTo })
}
