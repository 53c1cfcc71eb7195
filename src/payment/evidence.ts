/** What a server signed or said of itself beyond its terms, as sentences for the record. Evidence: nothing is decided on it. */
import type { Attempt, Terms } from '../ledger/ledger.ts'
import { listingsOf } from '../policy/trust.ts'
import type { Challenge, Settlement, Signed, SignedReceipt } from '../rails/rail.ts'
import { identifierOf } from '../rails/x402/extensions/identifier.ts'
import type { Case } from './case.ts'
import { placeOf } from './place.ts'

/** The signed offers of the entry that was chosen, and what the resource is said to be. */
export function evidenceOf(matter: Case): readonly string[] {
  const { challenge, quote, deps } = matter
  const { said } = challenge
  if (!said) return []
  const now_s = deps.clock.now() / 1000
  const offers = said.signedOffers.filter(({ index }) => index === quote?.offer.index)
  return [
    ...offers.map((offer) => {
      const ended = offer.validUntil_s !== undefined && offer.validUntil_s < now_s ? ', which has expired,' : ''
      return `The offer${ended} is signed by ${signerOf(matter, offer)}: ${offer.text}`
    }),
    ...(said.described === undefined ? [] : [`The server describes the resource as ${said.described}.`]),
  ]
}

type WithTerms = Attempt & { readonly terms: Terms }

/** With the id that the server gets of the purchase, where it takes one. */
export function identified(
  attempt: WithTerms,
  { challenge, purchaseId }: { readonly challenge: Challenge; readonly purchaseId: string },
): WithTerms {
  if (!challenge.said?.identifiable) return attempt
  const sentence = `The server gets the id ${identifierOf(purchaseId)} of the purchase.`
  return { ...attempt, context: { ...attempt.context, evidence: [...(attempt.context?.evidence ?? []), sentence] } }
}

/** The settlement with what the server signed about it; an operator is told where that contradicts the payment. */
export function witnessed(
  matter: Case,
  { said, terms, paymentId }: { readonly said: Settlement; readonly terms: Terms | null | undefined; readonly paymentId: string },
): Settlement {
  const { receipt } = said
  if (!receipt) return said
  const odd = contradictions(receipt, { said, terms, url: matter.request.url })
  const agrees = odd.length === 0 ? 'It agrees with the payment' : `It contradicts the payment (${odd.join(', ')})`
  const sentence = `It gives a receipt signed by ${signerOf(matter, receipt)}.`
  if (odd.length > 0) matter.deps.events.warned(`The server’s receipt for payment ${paymentId} contradicts it: ${odd.join(', ')}.`)
  return { ...said, reason: `${said.reason} ${sentence} ${agrees}: ${receipt.text}` }
}

interface Paid {
  readonly said: Settlement
  readonly terms: Terms | null | undefined
  readonly url: string
}

/** Names of what differs. Servers behind a proxy often see another scheme than their clients; that is no contradiction. */
function contradictions(receipt: SignedReceipt, { said, terms, url }: Paid): readonly string[] {
  const { payer, network, transaction, resourceUrl } = receipt
  return [
    ...(terms && payer.toLowerCase() !== terms.payer.toLowerCase() ? ['another payer'] : []),
    ...(terms && network !== terms.network ? ['another network'] : []),
    ...(withoutScheme(resourceUrl) === withoutScheme(url) ? [] : ['another resource']),
    ...(transaction === undefined || transaction.toLowerCase() === said.transaction ? [] : ['another transaction']),
  ]
}

function withoutScheme(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined
  const { host, pathname, search } = new URL(url)
  return `${host}${pathname}${search}`
}

/** Whoever signs is trusted only where the operator says whose key it is. */
function signerOf({ deps, request }: Case, { signer, verdict }: Signed): string {
  if (signer === undefined || verdict === 'broken') return `nobody: the signature is not that of ${signer ?? 'its signer'}`
  if (verdict === 'unchecked') return `${signer}, as it says; its key was not fetched, so that nobody checked`
  const { host, port } = placeOf(request.url)
  const listings = listingsOf({ host, port, payTo: '' }, deps.policy().rules.recipients.verified)
  const listed = listings.some(({ signers = [] }) => signers.some((one) => one.toLowerCase() === signer.toLowerCase()))
  return listed ? `${signer}, a listed signer of this recipient` : `${signer}, whom the operator has not listed`
}
