/** Prohibited payments: the owner hears of the attempt at once, where the tier says so. */
import { prohibitedAlert } from '../approval/alert.ts'
import { passing } from '../waypoints.ts'
import type { Case } from './case.ts'
import { placeOf } from './place.ts'

/**
 * Resolves when it is written down that the owner is to be told, also where that failed: the refusal stands in any case.
 * @param paymentId of the refusal's record
 */
export async function alertOwner(matter: Case, paymentId: string): Promise<void> {
  const { deps, request, decision, quote } = matter
  if (decision?.kind !== 'deny' || decision.code !== 'tier_prohibited' || !quote) return
  const { tier, reason } = decision
  if (deps.policy().tiers.find(({ name }) => name === tier)?.alert !== 'immediate_to_owner') return
  const { session, url } = request
  const { amount, currency, offer } = quote
  try {
    const prohibited = {
      ...{ type: 'payment.prohibited' as const, paymentId, sessionId: session.id, agent: session.agent, owner: session.owner },
      ...{ tier, reason, host: placeOf(url).host, url, amount, currency, payTo: offer.payTo },
    }
    await deps.people.alert(prohibitedAlert(prohibited, deps.clock.now()))
    passing('owner alerted')
  } catch (fault) {
    deps.events.faulted('alert of a prohibited payment', fault)
  }
}
