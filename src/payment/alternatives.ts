/** Alternatives: what an agent may do instead of a payment that people did not allow, by the policy as it stands. */
import { listedSentence } from '../discovery/discovery.ts'
import type { Refusal } from '../errors.ts'
import { MAX_ALTERNATIVES } from '../limits.ts'
import { displayAmount } from '../money.ts'
import type { ClassifyRules } from '../policy/classify.ts'
import { decide } from '../policy/decide.ts'
import { chooseOffer } from '../rails/quote.ts'
import { matchesHost } from '../session/host-pattern.ts'
import type { Case } from './case.ts'
import { type Assessment, assess } from './judge.ts'
import { placeOf } from './place.ts'

/** The refusal of a judged case with up to `MAX_ALTERNATIVES` named in its next action, and the case with them on record. */
export async function withAlternatives(matter: Case, refusal: Refusal): Promise<{ readonly matter: Case; readonly refusal: Refusal }> {
  const alternatives = (await alternativesTo(matter)).slice(0, MAX_ALTERNATIVES)
  if (alternatives.length === 0) return { matter, refusal }
  const nextAction = `Do not wait for this payment. ${alternatives.join(' ')}`
  return { matter: { ...matter, alternatives }, refusal: { ...refusal, nextAction } }
}

async function alternativesTo(matter: Case): Promise<string[]> {
  const { deps, request, quote } = matter
  if (!quote) return []
  const policy = deps.policy()
  const assessment = await assess(deps, { ...request, quote, policy })
  const listed = listedElsewhere(matter, assessment, policy.rules)
  return [...(await otherOffers(matter)), ...cheaperTiers(assessment), ...listed, ...discovered(matter, assessment)]
}

/** Other offers of the same challenge that would be paid without asking anybody. */
async function otherOffers({ deps, request, challenge, quote }: Case): Promise<string[]> {
  const sentences: string[] = []
  for (const offer of challenge.offers) {
    if (offer.index === quote?.offer.index) continue
    const other = chooseOffer({ ...challenge, offers: [offer], rejected: [] }, request.session)
    if ('code' in other) continue
    const { decision } = await assess(deps, { ...request, quote: other, policy: deps.policy() })
    if (decision.kind !== 'allow') continue
    const price = displayAmount(other.amount, other.currency)
    sentences.push(`The same challenge offers it for ${price} on ${offer.network}, which tier ${decision.tier} pays without asking.`)
  }
  return sentences
}

/** What the same recipient may be paid without asking, where only the amount is too large for it. */
function cheaperTiers({ input }: Assessment): string[] {
  const { quote, policy } = input
  const amounts = policy.tiers.flatMap(({ conditions: { maxAmount } }) =>
    maxAmount !== undefined && maxAmount > 0n && maxAmount < quote.amount ? [maxAmount] : [],
  )
  const [most] = amounts
    .sort((a, b) => (a < b ? 1 : -1))
    .flatMap((amount) => {
      const decision = decide({ ...input, quote: { ...quote, amount } })
      return decision.kind === 'allow' ? [{ amount, tier: decision.tier }] : []
    })
  return most ? [`Up to ${displayAmount(most.amount, quote.currency)} at ${quote.host} is paid by tier ${most.tier} without asking.`] : []
}

/** What a facilitator lists of the same category for no more. It is trusted no more for being listed. */
function discovered({ deps, request }: Case, { classification, input }: Assessment): string[] {
  const { amount, currency } = input.quote
  return deps.discovery.alternatives({ url: request.url, categories: classification.categories, amount, currency }).map(listedSentence)
}

/** Other hosts that the operator lists for the same category. */
function listedElsewhere({ request }: Case, { classification }: Assessment, { categories, recipients }: ClassifyRules): string[] {
  const here = placeOf(request.url)
  const named = categories.filter(
    ({ host, category }) => classification.categories.includes(category) && !host.includes('*') && !matchesHost(host, here.host, here.port),
  )
  return named
    .filter(({ host }) => recipients.verified.some((listing) => listing.host === host))
    .map(({ host, path, category }) => `${host}${path ?? ''} is listed for ${category} too.`)
}
