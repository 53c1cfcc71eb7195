/** What an approval of a case is bound to (rule R15): made from the request and the rebuilt offer, each time anew. */
import { approvalDigest } from '../approval/digest.ts'
import { aheadDigest } from './ahead-record.ts'
import type { Case } from './case.ts'
import { placeOf } from './place.ts'

/**
 * SHA-256 (hex) of exactly what would be signed for this case.
 * @throws Error where it was not quoted yet, or its body has not ended.
 */
export function digestOf({ request, quote, body }: Case): string {
  if (!quote || !body) throw new Error('a case has a digest once its body has ended and it was quoted')
  const { rail, scheme, network, asset, amount, payTo, flow } = quote.offer
  const { session, method, url } = request
  return approvalDigest({
    ...{ sessionId: session.id, method, url, bodyDigest: body.digest, rail, scheme, network },
    ...{ asset: { address: asset.address }, amountAtomic: amount, payTo, flow },
  })
}

/**
 * Of authorizations ahead (`POST /v1/authorize`) that this payment may claim: in the same session, or asked by its agent
 * without one, for exactly this amount on this network, for one of its categories, to its host or its address.
 * @param sessionId of the row that carries them
 */
export function aheadDigestsOf({ request, quote, classification }: Case, sessionId: string = request.session.id): string[] {
  if (!quote || !classification) return []
  const { amount, offer } = quote
  const asked = { session: { ...request.session, id: sessionId }, amount, network: offer.network, justification: null }
  const recipients = [placeOf(request.url).host, offer.payTo]
  return classification.categories.flatMap((category) => recipients.map((recipient) => aheadDigest({ ...asked, category, recipient })))
}
