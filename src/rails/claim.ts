/** Claims: whose 402 it is. Some servers ask by several protocols at once; a purchase is paid by one of them. */
import type { Head, RawHeaders } from '../http.ts'
import { chooseOffer, type Means } from './quote.ts'
import type { Detected, Rail } from './rail.ts'

export interface Claim {
  readonly rail: Rail
  readonly detected: Detected
}

export interface Asked {
  /** Of the request that was answered. */
  readonly headers?: RawHeaders
  /** What its payer may use. */
  readonly means: Means
}

/**
 * The first rail that understands the 402 and by which its payer can pay; where there is none, the first that claims it,
 * which says why not. What is broken for the first is not paid around it. Undefined where no rail claims it.
 */
export function claimOf(
  rails: readonly Rail[],
  answer: Head & { readonly body: Uint8Array | undefined },
  { headers, means }: Asked,
): Claim | undefined {
  const claims = rails.flatMap((rail) => {
    const detected = rail.detect(answer, answer.body, headers)
    return detected ? [{ rail, detected }] : []
  })
  const [first] = claims
  if (claims.length < 2 || first?.detected.kind === 'invalid') return first
  return claims.find(({ detected }) => detected.kind === 'challenge' && !('code' in chooseOffer(detected.challenge, means))) ?? first
}
