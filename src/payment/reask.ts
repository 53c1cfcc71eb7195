/** Asking again: a challenge that aged while people decided is asked for once more, unpaid, and read as the first one was. */
import type { Refusal } from '../errors.ts'
import { CHALLENGE_AGE_MS } from '../limits.ts'
import { chooseOffer, type Quote } from '../rails/quote.ts'
import type { Reask } from '../session/exchange.ts'
import { passing } from '../waypoints.ts'
import { type Case, openCase } from './case.ts'
import { payable } from './presigned.ts'

export type Fresh =
  | { readonly kind: 'fresh'; readonly matter: Case; readonly quote: Quote }
  | { readonly kind: 'refused'; readonly matter: Case; readonly refusal: Refusal }

/**
 * The case with a challenge that is not older than `CHALLENGE_AGE_MS`, or lives that long by its own word, and its quote. Whether it still is the payment
 * that people saw is told by its digest, which whoever goes on has to compare.
 */
export async function freshen(matter: Case, { quote, reask }: { readonly quote: Quote; readonly reask: Reask }): Promise<Fresh> {
  const { deps, request, body } = matter
  if (isFresh(matter, quote)) return { kind: 'fresh', matter, quote }
  const unpaid = await reask()
  passing('challenge asked for again')
  if (!unpaid) return { kind: 'refused', matter, refusal: SILENT }
  const opened = openCase(deps, request, unpaid)
  if (opened.kind !== 'challenge') return { kind: 'refused', matter, refusal: SILENT }
  const again: Case = { ...opened.case, ...(body ? { body } : {}) }
  const next = chooseOffer(payable(again), request.session)
  if ('code' in next) return { kind: 'refused', matter: again, refusal: next }
  return { kind: 'fresh', matter: { ...again, quote: next }, quote: next }
}

/** Where a challenge says when it ends, that is its age. */
function isFresh({ deps, challenged_ms }: Case, { offer: { expires_s } }: Quote): boolean {
  if (expires_s !== undefined) return deps.clock.now() + CHALLENGE_AGE_MS <= expires_s * 1000
  return deps.clock.monotonic() - challenged_ms <= CHALLENGE_AGE_MS
}

const SILENT: Refusal = {
  code: 'challenge_invalid',
  detail: 'While people decided, the upstream’s challenge aged; asked for it again, the upstream gave none. Nothing was paid.',
  nextAction: 'Repeat the same request: what people approved still holds for it.',
}
